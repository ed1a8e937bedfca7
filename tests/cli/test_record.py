"""Records on the command line, by hand and by CSV."""

from pathlib import Path
from typing import Any

import pytest

ACME = {
    "id": 1,
    "type": "account",
    "name": "Acme",
    "emails": ["info@acme.example"],
    "invalid_emails": [],
    "account": None,
    "contacts": [{"id": 2, "type": "contact", "name": "Bob Roe"}],
    "assigned_user": None,
    "teams": [],
    "followers": [],
}
BOB = {
    "id": 2,
    "type": "contact",
    "name": "Bob Roe",
    "emails": ["bob@acme.example", "bob@home.example"],
    "invalid_emails": [],
    "account": {"id": 1, "type": "account", "name": "Acme"},
    "contacts": [],
    "assigned_user": "ann",
    "teams": ["support"],
    "followers": [],
}


@pytest.fixture
def shop(run: Any) -> Any:
    """A company with a contact that ann looks after."""
    for words in (
        "role add agent --set account.read=team --set contact.read=own --set contact.create=yes",
        "team add support",
        "user add ann --email ann@team.example --team support --role agent",
    ):
        run(*words.split())
    run("record", "add", "account", "--name", "Acme", "--email", "info@acme.example")
    words = "--email Bob@Acme.example --email bob@home.example --account Acme --assigned ann --team support"
    run("record", "add", "contact", "--name", "Bob Roe", *words.split())
    return run


def test_a_record_is_shown_with_every_field(shop: Any) -> None:
    assert shop("record", "show", "contact", "Bob Roe", "--json").json == BOB
    assert shop("record", "show", "account", "1", "--json").json == ACME
    assert shop("record", "list", "contact", "--json").json == [BOB]


def test_the_newest_records_come_first_and_as_many_as_asked_for(shop: Any) -> None:
    for name in ("Carl", "Dora"):
        shop("record", "add", "contact", "--name", name)
    assert [row["name"] for row in shop("record", "list", "contact", "--limit", "2", "--json").json] == ["Dora", "Carl"]


def test_an_edit_changes_what_it_names_and_nothing_else(shop: Any) -> None:
    words = "record edit contact 2 --remove-email bob@acme.example --clear account --clear team --json"
    assert shop(*words.split()).json == BOB | {"emails": ["bob@home.example"], "account": None, "teams": []}


def test_an_opportunity_has_a_company_and_contacts(shop: Any) -> None:
    made = shop("record", "add", "opportunity", "--name", "Shop", "--account", "Acme", "--contact", "Bob Roe", "--json").json
    assert (made["account"], made["contacts"]) == (BOB["account"], ACME["contacts"])
    edited = shop("record", "edit", "opportunity", "Shop", "--remove-contact", "Bob Roe", "--closed", "--json").json
    assert edited == made | {"contacts": []}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param("record show contact Eve", 66, "no such contact: Eve", id="unknown name"),
        pytest.param("record show contact 1", 66, "no such contact: 1", id="id of another type"),
        pytest.param("record show company 1", 2, "company", id="unknown type"),
        pytest.param("record add contact --name X --account Twin", 65, "several are called Twin: 3, 4", id="ambiguous"),
        pytest.param("record add contact --name X --email x", 65, "not an e-mail address", id="no address"),
        pytest.param("record add account --name X --account Acme", 65, "--account can't be given for account", id="misplaced"),
        pytest.param("record add opportunity --name X --email x@x.example", 65, "--email can't be given", id="no addresses"),
        pytest.param("record add contact --name X --assigned nobody", 66, "no such user: nobody", id="unknown user"),
        pytest.param("record add contact --name X --team nobody", 66, "no such team: nobody", id="unknown team"),
        pytest.param("record remove contact 2", 2, "--yes", id="removal unasked"),
        pytest.param("record edit contact 2", 2, "nothing to change", id="nothing to change"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_and_changes_nothing(shop: Any, words: str, code: int, message: str) -> None:
    for _ in range(2):
        shop("record", "add", "account", "--name", "Twin")
    refused = shop(*words.split())
    assert (refused.exit_code, message in refused.stderr) == (code, True), refused.stderr
    assert shop("record", "list", "contact", "--json").json == [BOB]


def test_what_is_removed_is_gone_and_nothing_refers_to_it(shop: Any) -> None:
    shop("record", "remove", "account", "Acme", "--yes")
    assert shop("record", "show", "account", "Acme").exit_code == 66
    assert shop("record", "show", "contact", "2", "--json").json == BOB | {"account": None}


def test_a_user_sees_nothing_of_what_surrounds_a_record_beyond_their_role(shop: Any) -> None:
    assert shop("record", "show", "contact", "2", "--json", "--as", "ann").json == BOB | {"account": None}
    assert shop("record", "list", "account", "--json", "--as", "ann").json == []
    hidden, missing = (
        shop("record", "show", "account", "1", "--as", "ann"),
        shop("record", "show", "account", "9", "--as", "ann"),
    )
    assert (hidden.exit_code, hidden.stderr) == (66, missing.stderr.replace("9", "1"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("record add lead --name X", 77),
        ("record edit contact 2 --name X", 77),
        ("record remove contact 2 --yes", 77),
        ("record edit account 1 --name X", 66),
        ("record add contact --name X --account Acme", 66),
        ("record add contact --name X --assigned ben", 66),
        ("record export contact", 77),
        ("record import contact -", 77),
    ],
)
def test_a_user_changes_nothing_beyond_their_role(shop: Any, words: str, code: int) -> None:
    shop("user", "add", "ben", "--email", "ben@team.example")
    assert shop(*words.split(), "--as", "ann", input="name\nX\n").exit_code == code
    assert shop("record", "list", "contact", "--json").json == [BOB]


def test_a_lead_becomes_a_company_a_contact_and_an_opportunity(shop: Any) -> None:
    shop("record", "add", "lead", "--name", "Zoe", "--email", "zoe@zed.example")
    made = shop("record", "convert", "Zoe", "--account", "Zed", "--opportunity", "Big", "--json").json
    company = {"id": 4, "type": "account", "name": "Zed"}
    assert (made["lead"], made["account"]["name"], made["contact"]["emails"]) == (3, "Zed", ["zoe@zed.example"])
    assert (made["contact"]["account"], made["opportunity"]["account"]) == (company, company)
    again = shop("record", "convert", "3")
    assert (again.exit_code, "converted already" in again.stderr) == (65, True)


def test_a_lead_joins_the_company_that_exists(shop: Any) -> None:
    shop("record", "add", "lead", "--name", "Zoe")
    assert shop("record", "convert", "Zoe", "--account", "Acme", "--json").json["contact"]["account"] == BOB["account"]
    assert len(shop("record", "list", "account", "--json").json) == 1


def test_what_is_exported_can_be_imported_and_changes_nothing(shop: Any, tmp_path: Path) -> None:
    shop("record", "add", "contact", "--name", "=cmd()", "--email", "evil@x.example")
    file = tmp_path / "contacts.csv"
    file.write_text(shop("record", "export", "contact").stdout)
    assert "'=cmd()" in file.read_text()
    assert shop("record", "import", "contact", str(file), "--json").json == {
        "type": "contact",
        "added": 0,
        "changed": 0,
        "unchanged": 2,
        "dry_run": False,
    }


def test_what_is_exported_of_companies_and_contacts_comes_back_as_it_was(shop: Any) -> None:
    for name in ("=SUM(A1)", "'=SUM(A1)", "''-x", "'quoted", 'Müller, "Söhne"'):
        shop("record", "add", "account", "--name", name)
    exported = {type_: shop("record", "export", type_).stdout for type_ in ("account", "contact")}
    for type_, text in exported.items():
        taken = shop("record", "import", type_, "-", "--json", input="\ufeff" + text).json
        assert (taken["added"], taken["changed"]) == (0, 0), taken
        assert taken["unchanged"] == len(text.splitlines()) - 1


def test_a_contact_whose_name_holds_a_comma_stays_one_contact(shop: Any) -> None:
    names = ("Doe, John", 'Jo "JJ" Doe', "Plain")
    for name in names:
        shop("record", "add", "contact", "--name", name)
    shop("record", "add", "opportunity", "--name", "Deal", *(word for name in names for word in ("--contact", name)))
    exported = shop("record", "export", "opportunity").stdout
    shop("record", "remove", "opportunity", "Deal", "--yes")
    assert shop("record", "import", "opportunity", "-", "--json", input=exported).json["added"] == 1
    held = shop("record", "show", "opportunity", "Deal", "--json").json["contacts"]
    assert sorted(each["name"] for each in held) == sorted(names)


def test_an_import_adds_what_is_new_and_changes_what_is_known(shop: Any) -> None:
    text = "name,emails,account\nBob Roe,bob@acme.example; bob@new.example,\nDora,dora@x.example,Acme\n"
    counted = {"type": "contact", "added": 1, "changed": 1, "unchanged": 0}
    rehearsed = shop("record", "import", "contact", "-", "--dry-run", "--json", input=text)
    assert rehearsed.json == counted | {"dry_run": True}
    assert shop("record", "list", "contact", "--json").json == [BOB]
    assert shop("record", "import", "contact", "-", "--json", input=text).json == counted | {"dry_run": False}
    assert shop("record", "show", "contact", "2", "--json").json == BOB | {
        "emails": ["bob@acme.example", "bob@new.example"],
        "account": None,
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Dora,dora,", "line 3: not an e-mail address"),
        ("Dora,,Nowhere", "line 3: no such account: Nowhere"),
        ("Dora", "line 3: 1 cells"),
        ('"Dora,,', "line 3: not valid CSV"),
    ],
)
def test_one_bad_line_imports_nothing_and_is_named(shop: Any, line: str, message: str) -> None:
    refused = shop("record", "import", "contact", "-", input=f"name,emails,account\nCarl,,\n{line}\n")
    assert (refused.exit_code, message in refused.stderr) == (65, True), refused.stderr
    assert shop("record", "list", "contact", "--json").json == [BOB]


def test_every_bad_line_of_a_file_is_named_at_once(shop: Any) -> None:
    text = "name,emails,account\nCarl,,\n,x@y.example,\nDora,dora,\nFay,,,\nGil\0,,\nEve,,Nowhere\n"
    refused = shop("record", "import", "contact", "-", "--json", input=text)
    told = [line.partition(" (")[0] for line in refused.error["message"].splitlines()]
    assert told == [
        "line 3: no name",
        "line 4: not an e-mail address: 'dora'",
        "line 5: 4 cells, the header has 3",
        "line 6: a NUL character",
        "line 7: no such account: Nowhere",
    ]
    assert shop("record", "list", "contact", "--json").json == [BOB]
