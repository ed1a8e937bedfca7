"""The files in a winmail.dat come out with their long names; junk is no packet."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.tnef import FILES_MAX, unpack

START = struct.pack("<IH", 0x223E9F78, 7)
GUID = b"\x01" * 16


def attribute(level: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def rendering() -> bytes:
    return attribute(2, 0x00069002, b"\x01\x00" + b"\xff" * 12)


def file(name: bytes, content: bytes, *properties: bytes) -> bytes:
    listed = struct.pack("<I", len(properties)) + b"".join(properties)
    return (
        rendering()
        + attribute(2, 0x00018010, name + b"\x00")
        + attribute(2, 0x0006800F, content)
        + (attribute(2, 0x00069005, listed) if properties else b"")
    )


def variable(kind: int, number: int, *values: bytes, name: bytes = b"") -> bytes:
    items = b"".join(struct.pack("<I", len(value)) + value + b"\x00" * (-len(value) % 4) for value in values)
    return struct.pack("<HH", kind, number) + name + struct.pack("<I", len(values)) + items


def unicode(number: int, text: str, name: bytes = b"") -> bytes:
    return variable(0x1F, number, (text + "\x00").encode("utf-16-le"), name=name)


def fixed(kind: int, number: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, number) + value


def test_each_file_has_its_name_and_bytes() -> None:
    packet = START + attribute(1, 0x00078008, b"IPM.Note\x00") + file(b"a.txt", b"one") + file(b"b.txt", b"")
    assert unpack(packet) == [("a.txt", "application/octet-stream", b"one"), ("b.txt", "application/octet-stream", b"")]


def test_the_long_name_and_the_type_come_from_the_properties() -> None:
    before = [
        fixed(3, 0x0E20, b"\x01\x00\x00\x00"),
        fixed(11, 0x7FFE, b"\x01\x00\x00\x00"),
        fixed(64, 0x3007, b"\x00" * 8),
        fixed(72, 0x0FFF, GUID),
        variable(0x102, 0x3702, b"odd"),
        variable(0x101E, 0x3A4F, b"one\x00", b"seven\x00"),
        fixed(0x1003, 0x6000, struct.pack("<III", 2, 1, 2)),
        unicode(0x8001, "x", name=GUID + struct.pack("<II", 0, 34)),
        unicode(0x8002, "y", name=GUID + struct.pack("<II", 1, 6) + "abc".encode("utf-16-le") + b"\x00\x00"),
    ]
    named = file(
        b"ANGEBO~1.PDF", b"%PDF", *before, unicode(0x3707, "Angebot Müller.pdf"), variable(0x1E, 0x370E, b"Application/PDF\x00")
    )
    assert unpack(START + named) == [("Angebot Müller.pdf", "application/pdf", b"%PDF")]


def test_a_short_property_name_gives_way_to_the_long_one() -> None:
    short, long = variable(0x1E, 0x3704, b"SHORT~1.TXT\x00"), variable(0x1E, 0x3707, b"long name.txt\x00")
    assert [name for name, _, _ in unpack(START + file(b"x", b"", short, long) + file(b"x", b"", long, short)) or []] == [
        "long name.txt",
        "long name.txt",
    ]


def test_a_file_that_is_itself_a_property_is_found_there() -> None:
    """An embedded object has the id of its interface in front."""
    for value in (variable(0x102, 0x3701, b"%PDF"), variable(0x0D, 0x3701, GUID + b"%PDF")):
        named = rendering() + attribute(2, 0x00069005, struct.pack("<I", 2) + value + unicode(0x3707, "a.pdf"))
        assert unpack(START + named) == [("a.pdf", "application/octet-stream", b"%PDF")]


def test_titles_are_in_the_code_page_of_the_packet() -> None:
    code_page = attribute(1, 0x00069007, struct.pack("<II", 1251, 0))
    assert unpack(START + code_page + file("Отчёт.doc".encode("cp1251"), b"x")) == [
        ("Отчёт.doc", "application/octet-stream", b"x")
    ]
    assert unpack(START + file("Grün.doc".encode("cp1252"), b"x")) == [("Grün.doc", "application/octet-stream", b"x")]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04", id="something else"),
        pytest.param(START, id="an empty packet"),
        pytest.param(START + attribute(1, 0x00078008, b"IPM.Note\x00"), id="a mail without files"),
        pytest.param(START + attribute(2, 0x0006800F, b"lost"), id="bytes before their file"),
        pytest.param(START + rendering(), id="a file without bytes"),
        pytest.param(START + b"\x02\x0f\x80\x06\x00\xff\xff\xff\x7f", id="a length that lies"),
    ],
)
def test_junk_gives_nothing(packet: bytes) -> None:
    assert unpack(packet) is None


def test_a_packet_cut_off_gives_what_came_before() -> None:
    packet = START + file(b"a.txt", b"one") + file(b"b.txt", b"two")
    assert unpack(packet[:-4]) == [("a.txt", "application/octet-stream", b"one")]


def test_files_without_end_are_capped() -> None:
    assert len(unpack(START + file(b"x", b"") * (FILES_MAX + 1)) or []) == FILES_MAX


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_make_it_fail(junk: bytes, position: int) -> None:
    whole = START + file(b"a.txt", b"one", unicode(0x3707, "a long name.txt"), unicode(0x8002, "x", name=GUID + b"\x01" * 8))
    for packet in (START + junk, whole[: len(whole) - position] + junk, START + file(b"a", b"b", junk)):
        for name, kind, content in unpack(packet) or []:
            assert (name.encode().decode(), kind.isascii(), isinstance(content, bytes)) == (name, True, True)
