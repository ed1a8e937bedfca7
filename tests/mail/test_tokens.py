"""Case tokens, signed ids and plus-addresses: ours are known again, everybody else's are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.tokens import (
    CASE_NUMBER_MAX,
    BrokenSignature,
    PlusAddress,
    SignedId,
    is_notice,
    plus_address,
    read_plus_address,
    read_signed_id,
    reply_subject,
    sign_message_id,
    subject_case_number,
    with_case_token,
)
from espomail.model import Thing

KEY = b"k" * 32
OTHER_KEY = b"o" * 32
SIGNED = sign_message_id(KEY, thing="case:42", nonce="n1", domain="team.example")
PLUS = plus_address(KEY, address="support@team.example", number=42)

numbers = st.integers(min_value=1, max_value=CASE_NUMBER_MAX)


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Re: [#42] Hello", 42),
        ("[#42]", 42),
        ("[#7] and [#42]", 7),
        ("[#9007199254740992]", 2**53),
        ("[#9007199254740993]", None),
        ("[#" + "9" * 5000 + "]", None),
        ("[#0]", None),
        ("[#042]", None),
        ("[# 42]", None),
        ("#42", None),
        ("(#42)", None),
        ("[42]", None),
        ("[#-1]", None),
        ("[#٤٢]", None),
        ("", None),
    ],
)
def test_only_the_exact_token_is_a_case_number(subject: str, number: int | None) -> None:
    assert subject_case_number(subject) == number


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Hello", "[#42] Hello"),
        ("Re: Hello", "Re: [#42] Hello"),
        ("Re: [#42] Hello", "Re: [#42] Hello"),
        ("Hello [#42]", "Hello [#42]"),
        ("[#42] Re: [#42] Hello", "[#42] Re: Hello"),
        ("[#7] Hello [#42]", "[#42] [#7] Hello"),
        ("", "[#42]"),
        ("[#[#42]42] [#42]", "[#42] [# 42]"),
    ],
)
def test_the_token_stands_once_and_first(subject: str, expected: str) -> None:
    assert with_case_token(subject, 42) == expected


@given(st.text(alphabet="[#]4217 Re:abc\u00e9"), numbers)
def test_a_subject_with_its_token_always_names_its_case(subject: str, number: int) -> None:
    marked = with_case_token(subject, number)
    assert (marked.count(f"[#{number}]"), subject_case_number(marked)) == (1, number)
    assert with_case_token(marked, number) == marked


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Hello", "Re: Hello"),
        ("Re: Hello", "Re: Hello"),
        ("RE: re: AW: Hello", "Re: Hello"),
        ("Re[2]: Hello", "Re: Hello"),
        ("SV: Hello", "Re: Hello"),
        ("回复：你好", "Re: 你好"),
        ("Regarding: Hello", "Re: Regarding: Hello"),
        ("Re: [#42] Hello", "Re: [#42] Hello"),
        ("", "Re:"),
    ],
)
def test_an_answer_has_one_re(subject: str, expected: str) -> None:
    assert reply_subject(subject) == expected


@given(st.text())
def test_answering_an_answer_changes_nothing(subject: str) -> None:
    assert reply_subject(reply_subject(subject)) == reply_subject(subject)


def test_a_signed_id_is_known_again() -> None:
    assert read_signed_id(KEY, SIGNED) == SignedId(Thing("case", 42), "n1")
    assert read_signed_id(KEY, f" <{SIGNED.upper()}> ") == SignedId(Thing("case", 42), "n1")


@pytest.mark.parametrize(
    "message_id",
    [
        SIGNED.replace("42", "43"),
        SIGNED.replace(".n1.", ".n2."),
        SIGNED.replace("case", "email"),
        SIGNED.replace("team.example", "evil.example"),
        SIGNED.replace("@", "a@"),
        SIGNED.replace("@", "@evil."),
        "espomail.case.42.n1.aaaaaaaaaaaaaaaa@team.example",
        "espomail.case.042.n1." + SIGNED.split(".")[4],
        "espomail.case." + "9" * 400 + ".n1.aaaa@team.example",
    ],
    ids=range(9),
)
def test_a_forged_id_is_told_from_a_foreign_one(message_id: str) -> None:
    assert read_signed_id(KEY, message_id) == BrokenSignature(message_id)


@pytest.mark.parametrize("message_id", ["", "a@b", "<>", "espomail.case.42@team.example", "x" * 10_000, "\x00", SIGNED + "x y"])
def test_a_foreign_id_is_nobodys(message_id: str) -> None:
    assert read_signed_id(KEY, message_id) is None


def test_another_instance_does_not_know_our_id() -> None:
    assert read_signed_id(OTHER_KEY, SIGNED) == BrokenSignature(SIGNED)


@pytest.mark.parametrize(
    ("thing", "nonce"), [("case", "n"), ("case:x", "n"), ("case:1", ""), ("case:1", "a.b"), ("case:1\n", "n")]
)
def test_what_can_not_be_read_back_is_not_signed(thing: str, nonce: str) -> None:
    with pytest.raises(ValueError):
        sign_message_id(KEY, thing=thing, nonce=nonce, domain="team.example")


@given(st.sampled_from(["case", "email", "lead"]), numbers, st.from_regex("[a-z0-9]{1,40}", fullmatch=True))
def test_every_signed_id_is_known_again(kind: str, number: int, nonce: str) -> None:
    signed = sign_message_id(KEY, thing=f"{kind}:{number}", nonce=nonce, domain="Team.Example")
    assert read_signed_id(KEY, signed) == SignedId(Thing(kind, number), nonce)


def test_a_plus_address_is_known_again() -> None:
    assert PLUS.startswith("support+case42.") and PLUS.endswith("@team.example")
    assert read_plus_address(KEY, PLUS.upper()) == PlusAddress("support@team.example", 42)


@given(numbers, st.sampled_from(["support@team.example", "a+b@x.example", "Sales@X.Example"]))
def test_every_plus_address_is_known_again(number: int, address: str) -> None:
    assert read_plus_address(KEY, plus_address(KEY, address=address, number=number)) == PlusAddress(address.lower(), number)


@pytest.mark.parametrize(
    "address",
    [PLUS.replace("42", "43"), PLUS.replace("support", "sales"), PLUS.replace("@", "a@"), PLUS.replace("team", "evil")],
)
def test_a_forged_plus_address_is_told_from_a_plain_one(address: str) -> None:
    assert read_plus_address(KEY, address) == BrokenSignature(address)


@pytest.mark.parametrize(
    "address", ["", "support@team.example", "support+case42@team.example", "support+x@team.example", "+" * 9999]
)
def test_a_plain_address_is_no_plus_address(address: str) -> None:
    assert read_plus_address(KEY, address) is None


@given(st.text(), st.binary(min_size=1))
def test_reading_never_fails(text: str, key: bytes) -> None:
    assert read_signed_id(key, text) is None or text.lower().strip().startswith(("espomail.", "<espomail."))
    assert read_plus_address(key, text) is None or "+case" in text.lower()


@pytest.mark.parametrize(("nonce", "expected"), [("notice17", True), ("abc", False)])
def test_a_notice_of_ours_is_told_from_any_other_mail(nonce: str, expected: bool) -> None:
    signed = sign_message_id(KEY, thing="email:0", nonce=nonce, domain="team.example")
    assert is_notice(KEY, signed) is expected
    assert not is_notice(b"another key", signed)
    assert not is_notice(KEY, "notice17@team.example")
