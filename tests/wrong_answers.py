"""What servers answer beside what they should, as twists of an honest answer about five letters: harmless or fatal."""

from __future__ import annotations

from tests.scripted_imap import Twist

LETTERS = {
    uid: b"Message-ID: <%d@shop.example>\r\nSubject: order %d\r\n\r\n" % (uid, uid) + b"line (of) {7} text\r\n" * uid * 9
    for uid in (3, 4, 9, 12, 20)
}
UIDS = sorted(LETTERS)


def on_bodies(change: Twist) -> Twist:
    """Twist the answers that carry whole mails."""
    return lambda tag, line, answer: change(tag, line, answer) if "BODY.PEEK[])" in line else answer


def on_body_of(uid: int, before: bytes, after: bytes) -> Twist:
    """Replace bytes in the FETCH answer of one mail, wherever it is sent."""

    def change(_tag: bytes, _line: str, answer: bytes) -> bytes:
        start = answer.find(b"(UID %d BODY" % uid)
        end = answer.find(b"\r\n* ", start)
        end = len(answer) if end < 0 else end
        return answer if start < 0 else answer[:start] + answer[start:end].replace(before, after, 1) + answer[end:]

    return on_bodies(change)


def literal(uid: int) -> bytes:
    return b"{%d}" % len(LETTERS[uid])


def refuse(status: bytes, *uids: int) -> Twist:
    """Decline every FETCH of bodies that names one of the UIDs."""

    def change(tag: bytes, line: str, answer: bytes) -> bytes:
        named = any(b"(UID %d BODY" % uid in answer for uid in uids)
        return tag + b" " + status + b" can't read this one\r\n" if named else answer

    return on_bodies(change)


HARMLESS: dict[str, Twist] = {
    "unsolicited flags": on_bodies(lambda tag, line, answer: b"* 3 FETCH (FLAGS (\\Seen))\r\n" + answer),
    "flags with the uid of a mail": on_bodies(lambda tag, line, answer: b"* 3 FETCH (UID 9 FLAGS ())\r\n" + answer),
    "news between mails": on_bodies(lambda tag, line, answer: b"* 9 EXISTS\r\n* 0 RECENT\r\n* OK hello {5}\r\n" + answer),
    "flags inside of the mail's answer": on_body_of(9, b" BODY[]", b" FLAGS (\\Seen $Junk) MODSEQ (12) BODY[]"),
    "uid after the body": on_bodies(
        lambda tag, line, answer: answer.replace(b"(UID 9 BODY", b"(BODY").replace(
            LETTERS[9] + b")", LETTERS[9] + b" UID 9)"
        )
    ),
    "lower-case keys": on_bodies(lambda tag, line, answer: answer.replace(b"(UID", b"(uid").replace(b" BODY[]", b" body[]")),
    "an unknown answer with a literal": on_bodies(lambda tag, line, answer: b"* NEWS {4}\r\n)(\r\n x\r\n" + answer),
    "a non-synchronising literal": on_body_of(9, literal(9), literal(9).replace(b"}", b"+}")),
}  # fmt: skip

FATAL: dict[str, Twist] = {
    "a literal too short": on_body_of(9, literal(9), b"{60}"),
    "a literal too long": on_body_of(9, literal(9), b"{%d}" % (len(LETTERS[9]) + 30)),
    "a literal one byte too long": on_body_of(9, literal(9), b"{%d}" % (len(LETTERS[9]) + 1)),
    "the last literal too long": on_body_of(20, literal(20), b"{%d}" % (len(LETTERS[20]) + 2)),
    "a literal of a terabyte": on_body_of(9, literal(9), b"{999999999999}"),
    "another uid": on_body_of(9, b"UID 9 ", b"UID 10 "),
    "a uid twice": on_body_of(9, b"UID 9 ", b"UID 4 "),
    "no uid": on_body_of(9, b"UID 9 ", b""),
    "a uid that is no number": on_body_of(9, b"UID 9 ", b"UID nine "),
    "no closing parenthesis": on_bodies(lambda tag, line, answer: answer.replace(LETTERS[9] + b")", LETTERS[9])),
    "a wrong tag": on_bodies(lambda tag, line, answer: answer.replace(tag + b" OK", b"A0 OK")),
    "an end that is no status": on_bodies(lambda tag, line, answer: answer.replace(tag + b" OK", tag + b" FINE")),
    "BYE in the middle": on_bodies(lambda tag, line, answer: answer[:900] and b"* BYE maintenance\r\n"),
    "BYE after the mails": on_bodies(lambda tag, line, answer: answer.replace(tag + b" OK", b"* BYE\r\n" + tag + b" OK")),
    "hanging up in the middle": on_bodies(lambda tag, line, answer: [answer[:1200], None]),
    "hanging up before the OK": on_bodies(lambda tag, line, answer: [answer[: answer.find(tag + b" OK")], None]),
    "a line of ten megabytes": on_bodies(lambda tag, line, answer: b"* 1 FETCH (FLAGS (" + b"x" * 10_000_000 + b"))\r\n"),
    "a line of ten megabytes in a search": lambda tag, line, answer: (
        b"* SEARCH " + b"1 " * 5_000_000 + b"\r\n" + answer if "SEARCH" in line else answer
    ),
    "a question out of turn": on_bodies(lambda tag, line, answer: b"+ go ahead\r\n" + answer),
    "a search answered by words": lambda tag, line, answer: (
        answer.replace(b"* SEARCH", b"* SEARCH all") if "SEARCH" in line else answer
    ),
    "a search with a number beyond uids": lambda tag, line, answer: (
        answer.replace(b"* SEARCH", b"* SEARCH 4294967296") if "SEARCH" in line else answer
    ),
    "silence": on_bodies(lambda tag, line, answer: b""),
    "silence in the middle of a mail": on_bodies(lambda tag, line, answer: answer[:1000]),
    "nonsense": on_bodies(lambda tag, line, answer: b"\x00\xff\xfe" * 50 + b"\r\n"),
}  # fmt: skip
