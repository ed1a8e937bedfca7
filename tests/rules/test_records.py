"""Records read from CSV, and what a lead becomes."""

import pytest

from espomail.errors import BadInput
from espomail.rules.records import Conversion, Line, conversion, read_csv


def test_a_csv_file_gives_a_record_for_each_line() -> None:
    text = '\ufeffName,Email,Account,Teams\r\nBob,b@x.example; b2@x.example,Acme,"sales, support"\r\n\r\nCarl,,,\r\n'
    assert read_csv(text) == [
        Line(2, {"name": "Bob", "emails": "b@x.example; b2@x.example", "account": "Acme", "teams": "sales, support"}),
        Line(4, {"name": "Carl", "emails": "", "account": "", "teams": ""}),
    ]


def test_a_cell_lists_several_with_commas_or_semicolons() -> None:
    assert Line(2, {"emails": "a@x.example; b@x.example,c@x.example"}).several("emails") == (
        "a@x.example",
        "b@x.example",
        "c@x.example",
    )


def test_semicolons_separate_where_the_header_has_no_comma() -> None:
    assert read_csv("name;emails\nBob;b@x.example\n") == [Line(2, {"name": "Bob", "emails": "b@x.example"})]


def test_what_export_adds_is_passed_over_and_its_guard_taken_off() -> None:
    text = "id,type,name,emails,invalid_emails,account,contacts,assigned_user,teams,followers\n7,contact,'=cmd,,,,,,,ann\n"
    empty = {"emails": "", "account": "", "contacts": "", "assigned_user": "", "teams": ""}
    assert read_csv(text) == [Line(2, {"name": "=cmd", **empty})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1: no column name", id="empty file"),
        pytest.param("emails\nb@x.example\n", "line 1: no column name", id="no name column"),
        pytest.param("name,phone\nBob,1\n", "line 1: no column is called phone", id="unknown column"),
        pytest.param("name,email,emails\nBob,a,b\n", "line 1: a column stands there twice", id="doubled column"),
        pytest.param('name,emails\nA,\nBob,"b@x\n\n', "line 3: not valid CSV: unexpected end of data", id="open quote"),
        pytest.param('name,emails\n"A"x,\n', "line 2: not valid CSV: ',' expected after '\"'", id="text after quote"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_csv(text)
    assert refused.value.message.startswith(message)


def test_a_line_whose_cells_can_not_be_told_apart_says_why_and_the_others_are_read() -> None:
    lines = read_csv("name,emails\nBob\nA,\nBob,x,y\nA\0,b\n")
    assert [(line.number, line.problem and line.problem.message) for line in lines] == [
        (2, "1 cells, the header has 2"),
        (3, None),
        (4, "3 cells, the header has 2"),
        (5, "a NUL character"),
    ]


def test_a_line_break_inside_quotes_keeps_the_line_numbers_right() -> None:
    assert [line.number for line in read_csv('name\n"A\nB"\nC\n')] == [2, 4]


@pytest.mark.parametrize(
    ("asked", "b2c", "becomes"),
    [
        pytest.param({}, False, Conversion("Bob", "Bob", None), id="named like the lead"),
        pytest.param({}, True, Conversion(None, "Bob", None), id="customers are persons"),
        pytest.param({"account": "Acme"}, True, Conversion("Acme", "Bob", None), id="a company is asked for"),
        pytest.param(
            {"account": "Acme", "contact": "Robert", "opportunity": "Shop"},
            False,
            Conversion("Acme", "Robert", "Shop"),
            id="all",
        ),
    ],
)
def test_a_lead_becomes_a_contact_and_what_is_asked_for(asked: dict[str, str], b2c: bool, becomes: Conversion) -> None:
    names = {"account": None, "contact": None, "opportunity": None, **asked}
    assert (
        conversion("Bob", account=names["account"], contact=names["contact"], opportunity=names["opportunity"], b2c=b2c)
        == becomes
    )
