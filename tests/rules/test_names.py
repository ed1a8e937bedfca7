"""What may be a name, and what an address."""

import pytest

from espomail.errors import BadInput
from espomail.rules.names import check_address, check_addresses, check_name


@pytest.mark.parametrize("name", ["support", "anna.b", "Team 2", "Zoë", "42nd"])
def test_a_plain_word_is_a_name(name: str) -> None:
    assert check_name("team", f" {name} ") == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("42", "has only digits"),
        ("٤٢", "has only digits"),
        ("a:b", 'holds ":" or "/"'),
        ("a/b", 'holds ":" or "/"'),
        ("-x", "starts with a hyphen"),
        ("a\x1bb", "holds an invisible character"),
        ("a\u202eb", "holds an invisible character"),
        ("a\u200bb", "holds an invisible character"),
        ("x" * 201, "is longer than 200 characters"),
    ],
)
def test_a_name_that_could_be_taken_for_something_else_is_refused(name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_name("team", name)


def test_a_typed_address_is_normalised() -> None:
    assert check_address(" Ann@Team.EXAMPLE ") == "ann@team.example"


@pytest.mark.parametrize("text", ["", "ann", "ann@", "@team.example", "ann team.example", "a@b.example\nBcc: c@d.example"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not an e-mail address"):
        check_address(text)


def test_the_same_address_twice_is_one() -> None:
    assert check_addresses(["a@x.example", "A@X.example", "b@x.example"]) == ("a@x.example", "b@x.example")
