"""From which addresses a user may send: own mailbox, shared group accounts, the shared system address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from espomail.model import Account, Server, Settings
from espomail.rules.senders import MayNotSend, MaySend, Writer, may_send

SMTP = Server(host="mail.example", port=465, security="tls", login=None, secret=None)
ANN = Writer(
    user_id=1,
    name="ann",
    is_active=True,
    may_create=True,
    group_level="team",
    addresses=frozenset({"ann@team.example"}),
    team_ids=frozenset({7}),
)
OWN = Account(id=1, kind="personal", name="ann", address="ann@team.example", user_id=1, smtp=SMTP)
GROUP = Account(id=2, kind="group", name="support", address="s@team.example", smtp=SMTP, shared=True, team_ids=(7,))
SYSTEM = Settings(outbound_address="s@team.example", outbound_shared=True)


def decided(
    writer: Writer, account: Account | None, settings: Settings | None = None, *, address: str = ""
) -> MaySend | MayNotSend:
    wanted = address or (account.address if account else "")
    return may_send(writer, wanted, accounts=[account] if account else [], settings=settings or Settings())


@pytest.mark.parametrize(
    ("writer", "account", "settings"),
    [
        pytest.param(ANN, OWN, None, id="own address, own account"),
        pytest.param(ANN, GROUP, None, id="shared account of a team"),
        pytest.param(replace(ANN, group_level="all", team_ids=frozenset()), GROUP, None, id="shared account, permission all"),
        pytest.param(replace(ANN, group_level="no"), replace(GROUP, shared=False), SYSTEM, id="shared system address"),
        pytest.param(
            replace(ANN, group_level="no"),
            replace(GROUP, shared=False, smtp=None),
            replace(SYSTEM, outbound_server="out.example:465"),
            id="system address with a server of its own",
        ),
    ],
)
def test_these_may_send(writer: Writer, account: Account, settings: Settings | None) -> None:
    assert isinstance(decided(writer, account, settings), MaySend)


@pytest.mark.parametrize(
    ("writer", "account", "settings", "fix"),
    [
        pytest.param(replace(ANN, is_active=False), OWN, None, "user enable ann", id="inactive"),
        pytest.param(replace(ANN, may_create=False), OWN, None, "email.create=yes", id="no email.create"),
        pytest.param(
            ANN, replace(OWN, smtp=None), None, "personal-account edit ann --smtp-host", id="own account without SMTP"
        ),
        pytest.param(ANN, replace(OWN, is_active=False), None, "personal-account enable ann", id="own account is off"),
        pytest.param(ANN, replace(OWN, user_id=2), None, "personal-account add", id="own address in another's account"),
        pytest.param(ANN, replace(OWN, address="x@y.example"), None, "user edit ann", id="own account, foreign address"),
        pytest.param(ANN, replace(GROUP, team_ids=(8,)), None, "--add-team", id="account of another team"),
        pytest.param(ANN, replace(GROUP, shared=False), None, "group-account edit support --shared", id="not shared"),
        pytest.param(ANN, replace(GROUP, smtp=None), None, "group-account edit support --smtp-host", id="group without SMTP"),
        pytest.param(ANN, replace(GROUP, is_active=False), None, "group-account enable support", id="group account is off"),
        pytest.param(replace(ANN, group_level="no"), GROUP, None, "group-email-account", id="permission no"),
        pytest.param(
            replace(ANN, group_level="no"),
            GROUP,
            replace(SYSTEM, outbound_shared=False),
            "group-email-account",
            id="system not shared",
        ),
        pytest.param(
            replace(ANN, group_level="no"), GROUP, replace(SYSTEM, outbound_address="o@x"), "group-email", id="other system"
        ),
    ],
)
def test_these_may_not_and_are_told_what_to_do(writer: Writer, account: Account, settings: Settings | None, fix: str) -> None:
    answer = decided(writer, account, settings)
    assert isinstance(answer, MayNotSend)
    assert fix in answer.fix


@pytest.mark.parametrize("level", ["no", "team"])
def test_an_account_out_of_reach_is_answered_like_none(level: str) -> None:
    writer = replace(ANN, group_level=level)
    hidden = decided(writer, replace(GROUP, team_ids=(8,)))
    assert hidden == decided(writer, None, address=GROUP.address)
