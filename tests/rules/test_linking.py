"""Where a mail belongs: the precedence of the steps, and what is never believed."""

import dataclasses

import pytest

from espomail.model import Thing
from espomail.rules.linking import Cited, Clues, Link, Person, Signed, Token, link, person
from espomail.store.people import Customer

CASE = Thing("case", 5)
ACME = Thing("account", 1)

SIGNED_ID = Signed("<a@us>", Thing("case", 1))
CITED = Cited("In-Reply-To", "b@x", Thing("case", 2))
SIGNED_ADDRESS = Signed("support+case3.hash@us", Thing("case", 3))
TOKEN = Token(4, exists=True, sender_takes_part=True)
PERSON = Person("From", "ann@acme.example", ACME, 1, None, None)
EVERYTHING = Clues(signed_ids=(SIGNED_ID,), cited=(CITED,), signed_addresses=(SIGNED_ADDRESS,), token=TOKEN, people=(PERSON,))


@pytest.mark.parametrize(
    ("without", "step", "parent"),
    [
        pytest.param({}, "signed-id", Thing("case", 1), id="a signed id comes first"),
        pytest.param({"signed_ids": ()}, "parent", Thing("case", 2), id="then the mail it answers"),
        pytest.param({"signed_ids": (), "cited": ()}, "plus-address", Thing("case", 3), id="then a signed address"),
        pytest.param(
            {"signed_ids": (), "cited": (), "signed_addresses": ()}, "subject-token", Thing("case", 4), id="then the subject"
        ),
        pytest.param(
            {"signed_ids": (), "cited": (), "signed_addresses": (), "token": None}, "address", ACME, id="then who wrote"
        ),
    ],
)
def test_the_first_step_that_hits_wins(without, step, parent):
    found = link(dataclasses.replace(EVERYTHING, **without))
    assert (found.step, found.parent) == (step, parent)


@pytest.mark.parametrize(
    ("clues", "step", "why"),
    [
        pytest.param(
            Clues(signed_ids=(Signed("<espomail.x@us>", None, "the signature is not ours"),)),
            "signed-id",
            "<espomail.x@us>: the signature is not ours",
            id="a forged signature",
        ),
        pytest.param(
            Clues(token=Token(99999, exists=False, sender_takes_part=False)),
            "subject-token",
            "[#99999] in the subject: no such case",
            id="a number of no case",
        ),
        pytest.param(
            Clues(token=Token(5, exists=True, sender_takes_part=False)),
            "subject-token",
            "[#5] in the subject, but the sender takes no part in that case",
            id="a number from a stranger",
        ),
        pytest.param(
            Clues(cited=(Cited("References", "r@x", CASE, sender_is_new=True, strangers="new-case"),)),
            "parent",
            "References leads to case:5, but the sender is new to it and strangers open a new case",
            id="a stranger where strangers open a new case",
        ),
        pytest.param(
            Clues(cited=(Cited("References", "r@x", None),)),
            "parent",
            "References <r@x>: a held mail without a record",
            id="an answer to a mail without a record",
        ),
    ],
)
def test_what_is_not_believed_is_passed_over_with_the_reason(clues, step, why):
    nobody = "no contact, company or lead has one of its addresses"
    assert link(clues) == Link(None, "none", "no step found a record", {step: why, "address": nobody})


def test_a_stranger_who_quotes_a_held_id_joins_where_strangers_attach():
    clues = Clues(cited=(Cited("In-Reply-To", "r@x", CASE, sender_is_new=True, strangers="attach"),))
    assert link(clues) == Link(CASE, "parent", "answers a mail that we hold: In-Reply-To <r@x>")


@pytest.mark.parametrize(
    ("opportunities", "wanted"),
    [((7,), Thing("opportunity", 7)), ((7, 8), ACME), ((), ACME)],
    ids=["the one open opportunity", "several: the company", "none: the company"],
)
def test_an_open_opportunity_comes_before_the_company_if_it_is_the_only_one(opportunities, wanted):
    who = dataclasses.replace(PERSON, opportunities=opportunities)
    assert link(Clues(people=(who,), link_to_open_opportunity=True)).parent == wanted


def customer(record_id, kind, account=None, converted_account=None, converted_contact=None):
    return Customer("a@x", record_id, kind, account, converted_account, converted_contact)


@pytest.mark.parametrize(
    ("records", "b2c", "parent", "company", "contact", "lead"),
    [
        pytest.param(
            [customer(2, "contact", 1)], False, Thing("account", 1), 1, 2, None, id="a contact stands for its company"
        ),
        pytest.param([customer(2, "contact", 1)], True, Thing("contact", 2), 1, 2, None, id="itself in B2C mode"),
        pytest.param([customer(2, "contact")], False, Thing("contact", 2), None, 2, None, id="itself without a company"),
        pytest.param([customer(1, "account")], False, Thing("account", 1), 1, None, None, id="a company"),
        pytest.param([customer(3, "lead")], False, Thing("lead", 3), None, None, 3, id="a lead"),
        pytest.param([customer(3, "lead", None, 1, 2)], False, Thing("account", 1), 1, 2, None, id="a converted lead"),
        pytest.param([customer(3, "lead", None, 1, 2)], True, Thing("contact", 2), 1, 2, None, id="a converted lead, B2C"),
        pytest.param(
            [customer(1, "lead"), customer(2, "account"), customer(3, "contact", 9)],
            False,
            Thing("account", 9),
            9,
            3,
            None,
            id="contact before company before lead",
        ),
    ],
)
def test_whom_an_address_means(records, b2c, parent, company, contact, lead):
    assert person("From", "a@x", records, b2c=b2c) == Person("From", "a@x", parent, company, contact, lead)


def test_an_address_that_nobody_has_means_nobody():
    assert person("From", "a@x", [], b2c=False) is None
