"""What roles grant together, against the rule that says so."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.levels import CELLS, merge
from espomail.store import roles, teams, users
from espomail.store import settings as kept
from espomail.store.db import Connection, rolled_back

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TABLES = st.fixed_dictionaries({}, optional={cell: st.sampled_from(reach) for cell, reach in CELLS.items()})


def test_a_cell_comes_from_own_team_and_baseline_roles(db: Connection) -> None:
    own, inherited, baseline = (
        roles.add(db, name, {"email.read": level}) for name, level in (("own", "own"), ("team", "team"), ("base", "all"))
    )
    assert own < inherited < baseline
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    users.set_roles(db, user_id, [own])
    team_id = teams.add(db, "support", role_ids=[inherited])
    teams.add_member(db, team_id, user_id, position=None)
    kept.set_(db, "baseline_role", "base")
    assert roles.grants_of(db, user_id) == [
        roles.Grant("baseline role base", "email.read", "all"),
        roles.Grant("role own", "email.read", "own"),
        roles.Grant("team support, role team", "email.read", "team"),
    ]


def test_without_a_role_a_user_may_do_nothing(db: Connection) -> None:
    assert roles.levels_of(db, users.add(db, users.Profile(name="ann"), now=NOW)) == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(tables=st.lists(TABLES, max_size=3))
def test_levels_are_merged_as_the_rule_merges_them(db: Connection, tables: list[dict[str, str]]) -> None:
    with rolled_back(db):
        user_id = users.add(db, users.Profile(name="ann"), now=NOW)
        users.set_roles(db, user_id, [roles.add(db, f"role-{n}", table) for n, table in enumerate(tables)])
        merged = dict.fromkeys(CELLS, "no") | dict(roles.levels_of(db, user_id))
    assert merged == merge(*tables)


def test_the_baseline_setting_follows_a_renamed_role_and_keeps_it(db: Connection) -> None:
    roles.add(db, "base", {})
    kept.set_(db, "baseline_role", "base")
    roles.set_name(db, roles.get(db, "base"), "ground")
    assert kept.load(db).baseline_role == "ground"
    with pytest.raises(BadInput, match="ground is the baseline role"):
        roles.remove(db, roles.get(db, "ground"))
