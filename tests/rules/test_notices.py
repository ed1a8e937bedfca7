"""Who is told of a mail."""

import pytest

from espomail.rules.notices import Notice, Notices, Reader, Silence, choose


@pytest.mark.parametrize(
    ("reader", "wanted"),
    [
        pytest.param(Reader(user_id=1, inbox=True), Notice(1, "email-received", "in their inbox"), id="inbox"),
        pytest.param(Reader(user_id=1, follows="case:5"), Notice(1, "record-email", "follows case:5"), id="follower"),
        pytest.param(Reader(user_id=1, inbox=True, is_sender=True), Silence(1, "the sender"), id="never the sender"),
        pytest.param(Reader(user_id=1, inbox=True, is_active=False), Silence(1, "inactive"), id="never somebody inactive"),
        pytest.param(
            Reader(user_id=1, inbox=True, was_assigned=True), Silence(1, "told of the assignment"), id="not twice for one mail"
        ),
        pytest.param(
            Reader(user_id=1, follows="case:5", may_read_scope=False), Silence(1, "no role lets them read this"), id="no access"
        ),
        pytest.param(
            Reader(user_id=1, inbox=True, skipped_by="the filter news says so"),
            Silence(1, "the filter news says so"),
            id="filter",
        ),
        pytest.param(
            Reader(user_id=1, inbox=True, needs_attention=False), Silence(1, "read or in the trash"), id="read or trashed"
        ),
    ],
)
def test_who_is_told(reader, wanted):
    told = (wanted,) if isinstance(wanted, Notice) else ()
    silent = (wanted,) if isinstance(wanted, Silence) else ()
    assert choose([reader]) == Notices(told, silent)


def test_an_old_mail_is_told_to_nobody():
    assert choose([Reader(user_id=1, inbox=True)], unwanted="received too long ago") == Notices(
        (), (Silence(1, "received too long ago"),)
    )
