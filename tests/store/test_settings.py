"""Settings that were set, and those that were not."""

from datetime import timedelta

from espomail.model import Settings
from espomail.store import settings
from espomail.store.db import Connection


def test_a_new_database_has_the_defaults(db: Connection) -> None:
    assert settings.load(db) == Settings()


def test_settings_come_back_as_they_were_set(db: Connection) -> None:
    wanted = {
        "baseline_role": "Büro",
        "b2c_mode": True,
        "reopen_days": 3,
        "auto_reply_period": timedelta(minutes=90),
        "mail_size_max": 7,
        "outbound_address": "a@team.example",
        "outbound_shared": True,
    }
    for key, value in wanted.items():
        settings.set_(db, key, value)
    assert settings.load(db) == Settings(**wanted)  # type: ignore[arg-type]


def test_a_setting_that_is_back_at_its_default_leaves_no_row(db: Connection) -> None:
    settings.set_(db, "trash_days", 3)
    settings.set_(db, "trash_days", 30)
    assert db.execute("select count(*) from settings").fetchone()[0] == 0


def test_a_key_of_a_newer_program_is_passed_over(db: Connection) -> None:
    db.execute("insert into settings (key, value) values ('from_the_future', '1')")
    assert settings.load(db) == Settings()
