"""What becomes of a mail among the cases."""

import pytest

from espomail.rules.cases import CaseFacts, JoinCase, LinkedCase, NoCase, OpenCase, decide


def facts(**changes):
    return CaseFacts(**{"entitled": True, "account": "support", **changes})


def closed(**changes):
    return LinkedCase(**{"number": 5, "status": "Closed", "closed_days": 3, **changes})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        pytest.param(facts(), OpenCase("new to support"), id="a new mail opens a case"),
        pytest.param(facts(entitled=False, account="ann"), NoCase("ann opens no cases"), id="not every account opens cases"),
        pytest.param(facts(with_case=False), NoCase("imported without cases"), id="an archive opens none"),
        pytest.param(
            facts(variant_decided=True), NoCase("its case was decided when a variant of it came"), id="once for all variants"
        ),
        pytest.param(facts(opened=3), NoCase("it has opened case 3 before"), id="one case in all, also off which it was taken"),
        pytest.param(facts(decided_by=2), NoCase("its case was decided when another account brought it"), id="once per email"),
        pytest.param(facts(own="our own mail, sent from here"), NoCase("our own mail, sent from here"), id="our own mail"),
        pytest.param(
            facts(automatic="List-Id"),
            NoCase("automatic mail (List-Id) opens no case on support"),
            id="automatic mail is stored",
        ),
        pytest.param(
            facts(automatic="List-Id", auto_submitted="case"),
            OpenCase("new to support"),
            id="unless the account wants cases of it",
        ),
        pytest.param(
            facts(linked=LinkedCase(number=5, status="Pending")),
            JoinCase(5, "belongs to case 5 (Pending)"),
            id="an answer joins its case",
        ),
        pytest.param(
            facts(entitled=False, linked=LinkedCase(number=5, status="New")),
            JoinCase(5, "belongs to case 5 (New)"),
            id="whichever account brings it",
        ),
        pytest.param(
            facts(linked=closed()), JoinCase(5, "belongs to case 5, which was Closed: reopened", reopens=True), id="it reopens"
        ),
        pytest.param(
            facts(linked=closed(followup_closed="note")),
            JoinCase(5, "belongs to case 5, which stays Closed"),
            id="or only notes",
        ),
        pytest.param(
            facts(linked=closed(followup_closed="new")),
            OpenCase("case 5 is Closed and its account opens a new case for follow-ups", follows=5),
            id="or opens a linked case",
        ),
        pytest.param(
            facts(linked=closed(closed_days=30.1, reopen_days=30)),
            OpenCase("case 5 is Closed and closed for more than 30 days", follows=5),
            id="too late to reopen",
        ),
        pytest.param(
            facts(linked=closed(closed_days=30, reopen_days=30)),
            JoinCase(5, "belongs to case 5, which was Closed: reopened", reopens=True),
            id="not too late on the last day",
        ),
        pytest.param(
            facts(linked=closed(), automatic="Auto-Submitted: auto-replied"),
            JoinCase(5, "belongs to case 5 (Closed); Auto-Submitted: auto-replied: never reopens"),
            id="automatic mail never reopens",
        ),
        pytest.param(
            facts(linked=closed(), is_bounce=True),
            NoCase("a bounce never opens or joins a case; it is noted on the record of the mail that came back"),
            id="a bounce does nothing of it",
        ),
    ],
)
def test_what_becomes_of_a_mail(given, wanted):
    assert decide(given) == wanted


@pytest.mark.parametrize("status", ["Closed", "Rejected", "Duplicate"])
def test_each_closed_status_is_reopened(status):
    assert decide(facts(linked=closed(status=status))) == JoinCase(
        5, f"belongs to case 5, which was {status}: reopened", reopens=True
    )


def test_a_linked_case_is_only_opened_by_an_account_that_opens_cases():
    decision = decide(facts(entitled=False, linked=closed(followup_closed="new")))
    assert isinstance(decision, NoCase)
