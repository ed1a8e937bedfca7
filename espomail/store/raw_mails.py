"""The mails themselves, byte for byte, compressed once each."""

from __future__ import annotations

import hashlib
import threading
from typing import NamedTuple

import zstandard

from espomail.store.db import Connection, one

_ADD = "insert into raw_mails (sha256, size_bytes, is_whole, content) values (?, ?, ?, ?)"
_GET = "select content, size_bytes, is_whole from raw_mails where id = ?"
_LEVEL = 3


class _Zstd(threading.local):
    """The compressor and decompressor of a thread: making one takes as long as a mail does, sharing one is not safe."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _Zstd()


class Packed(NamedTuple):
    """A raw mail ready for its row; made outside the transaction, since compressing takes time and needs no lock."""

    sha256: str
    size_bytes: int
    is_whole: bool
    content: bytes


def pack(content: bytes, *, is_whole: bool = True) -> Packed:
    """Given the bytes of a mail, return them compressed (zstd) with their hash and length."""
    compressed = _zstd.compressor.compress(content)
    return Packed(hashlib.sha256(content).hexdigest(), len(content), is_whole, compressed)


class Kept(NamedTuple):
    """The bytes of a mail as they came; `is_whole` is False when it was over the size gate and only its beginning was read."""

    content: bytes
    is_whole: bool


def add(db: Connection, packed: Packed) -> int:
    cursor = db.execute(_ADD, (packed.sha256, packed.size_bytes, int(packed.is_whole), packed.content))
    return int(cursor.lastrowid or 0)


def read(db: Connection, raw_id: int | None) -> Kept | None:
    """What is kept of a mail, None when it is gone (a deleted email, a skipped mail past its time)."""
    row = db.execute(_GET, (raw_id,)).fetchone()
    if row is None:
        return None
    content = _zstd.decompressor.decompress(row["content"], max_output_size=max(1, row["size_bytes"]))
    return Kept(content, bool(row["is_whole"]))


def find(db: Connection, raw_id: int | None) -> bytes | None:
    """The bytes as they came, None when they are gone."""
    kept = read(db, raw_id)
    return None if kept is None else kept.content


def beginning(db: Connection, raw_id: int | None, count: int) -> bytes:
    """At most the first `count` bytes as they came; nothing when they are gone."""
    row = db.execute(_GET, (raw_id,)).fetchone()
    if row is None:
        return b""
    with _zstd.decompressor.stream_reader(row["content"]) as reader:
        return reader.read(count)


def is_whole(db: Connection, raw_id: int | None) -> bool:
    """False when the mail was over the size gate and only its head and the first of its text were read."""
    return bool(one(db, "select is_whole from raw_mails where id = ?", (raw_id,)))


def remove_unused(db: Connection, raw_id: int | None) -> None:
    """Forget the bytes unless an email or a receipt that may still need them refers to them."""
    if raw_id is None:
        return
    used = one(
        db,
        """select exists (select 1 from emails where raw_id = :id)
               or exists (select 1 from receipts where raw_id = :id and state in ('new', 'quarantined', 'parked', 'filtered'))""",
        {"id": raw_id},
    )
    if not used:
        db.execute("delete from raw_mails where id = ?", (raw_id,))
