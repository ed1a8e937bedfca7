"""The mail of the demo: one morning in three mailboxes, of people who don't exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

SUPPORT, SALES, BOB = "support@lighthouse.example", "sales@lighthouse.example", "bob@lighthouse.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail: into which folders of the server it goes, who wrote it to whom, and what it answers (by `id`)."""

    id: str
    folders: tuple[str, ...] = ("Support",)
    sender: str
    to: str = SUPPORT
    subject: str
    text: str
    answers: str | None = None
    only_references: bool = False
    attachment: tuple[str, bytes] | None = None
    html: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    minutes_ago: int = 60


ANN_LEE = "Ann Lee <ann.lee@acme.example>"
OLGA = "Ольга Петрова <olga@vector.example>"
YUKI = "山田 由紀 <yuki@kumo.example>"
JOSE = "José Núñez <jose@sol.example>"
ZOE = "Zoë Müller <zoe@brücke.example>"

FIRST = (
    Letter(
        id="1",
        sender=ANN_LEE,
        subject="The kettle arrived broken",
        text="Hello,\n\nthe handle came off in the box. What now?\n\nAnn",
        attachment=("kettle.png", bytes.fromhex("89504e470d0a1a0a") + b"picture of a kettle" * 40),
        minutes_ago=120,
    ),
    Letter(
        id="2",
        sender=OLGA,
        subject="Вопрос по заказу 1187",
        text="Добрый день!\n\nКогда придёт мой заказ?\n\nОльга",
        minutes_ago=118,
    ),
    Letter(
        id="3",
        sender=YUKI,
        subject="領収書をお願いします",
        text="お世話になっております。\n注文 2210 の領収書を送ってください。\n\n山田",
        minutes_ago=117,
    ),
    Letter(
        id="4",
        sender=JOSE,
        subject="¿Cómo cambio mi contraseña?",
        text="Hola,\n\nno encuentro el botón.\n\nJosé",
        minutes_ago=115,
    ),
    Letter(
        id="5",
        sender=ZOE,
        subject="Rechnung doppelt",
        text="Guten Tag,\n\ndie Rechnung vom März kam zweimal.\n\nZoë Müller",
        minutes_ago=110,
    ),
    Letter(
        id="6",
        folders=("Support", "Sales"),
        sender="Pat Doe <pat@harbour.example>",
        to=f"{SUPPORT}, {SALES}",
        subject="Forty lamps for our pier",
        text="Can you deliver forty by May? And who repairs them?\n\nPat",
        minutes_ago=108,
    ),
    Letter(
        id="7",
        folders=("Sales",),
        to=SALES,
        sender="Kim Roe <kim@roe.example>",
        subject="Price list, please",
        text="We are a small shop and would like your price list.\n\nKim",
        minutes_ago=104,
    ),
    Letter(
        id="8",
        sender="Weekly Lamp <news@lamp.example>",
        subject="Ten lamps you will love",
        text="This week: ten lamps.",
        headers=(("List-Id", "<weekly.lamp.example>"), ("Precedence", "bulk")),
        minutes_ago=100,
    ),
    Letter(
        id="9",
        sender=ANN_LEE,
        subject="Re: The kettle arrived broken",
        answers="1",
        text="I also found this crack in the lid.\n\nOn Monday Ann wrote:\n> the handle came off in the box. What now?\n",
        minutes_ago=90,
    ),
    Letter(
        id="10",
        sender=OLGA,
        subject="Re: Вопрос по заказу 1187",
        answers="2",
        only_references=True,
        text="Нашла номер отправления: RB123. Спасибо!",
        minutes_ago=85,
    ),
    Letter(
        id="11",
        folders=("Support", "Bob"),
        sender="Sam Poe <sam@poe.example>",
        to=f"{SUPPORT}, {BOB}",
        subject="Login fails since Tuesday",
        text="Bob asked me to write to both of you: the login fails.\n\nSam",
        minutes_ago=80,
    ),
    Letter(
        id="12",
        folders=("Bob",),
        to=BOB,
        sender="Accounts <office@lighthouse.example>",
        subject="Your travel costs",
        text="Paid today.",
        minutes_ago=78,
    ),
    Letter(
        id="13",
        sender="Mail Delivery <mailer-daemon@mx.example>",
        subject="Undelivered Mail Returned to Sender",
        text="The address gone@acme.example does not exist.",
        headers=(("Auto-Submitted", "auto-replied"), ("Return-Path", "<>")),
        minutes_ago=75,
    ),
    Letter(
        id="14",
        sender="Max Out <max@acme.example>",
        subject="Out of office: Re: your lamp",
        text="I am away until Friday.",
        headers=(("Auto-Submitted", "auto-replied"),),
        minutes_ago=74,
    ),
    *(
        Letter(
            id=str(15 + n),
            sender=f"{name} <{name.lower()}@shop{n}.example>",
            subject=subject,
            text=f"{subject}?\n\n{name}",
            minutes_ago=70 - n,
        )
        for n, (name, subject) in enumerate(
            [
                ("Ivy", "Where is my parcel"),
                ("Ned", "The lamp hums at night"),
                ("Ada", "Which bulb fits model 4"),
                ("Tom", "Can I return a gift"),
                ("Eva", "The invoice has the wrong address"),
                ("Leo", "Delivery to an island"),
                ("Mia", "A switch is missing"),
                ("Ben", "Warranty after two years"),
                ("Una", "Newsletter without ads"),
                ("Roy", "Spare parts for model 2"),
            ]
        )
    ),
    Letter(
        id="25",
        folders=("Sales",),
        to=SALES,
        sender="Kim Roe <kim@roe.example>",
        subject="Re: Price list, please",
        answers="7",
        text="And do you give a discount for ten?",
        minutes_ago=50,
    ),
    Letter(
        id="26",
        sender="Stranger <someone@elsewhere.example>",
        subject="[#1] let me in",
        text="I am surely part of case 1.",
        minutes_ago=45,
    ),
    Letter(
        id="27",
        sender="Gus Hale <gus@hale.example>",
        subject="Table of faults",
        text="See the table.",
        html="<h1>Faults</h1><table><tr><td>lamp 1</td><td>dark</td></tr><tr><td>lamp 2</td><td>hums</td></tr></table>",
        minutes_ago=44,
    ),
)

SECOND = (
    Letter(id="28", sender=ANN_LEE, subject="Re: The kettle arrived broken", answers="9", text="Any news?", minutes_ago=5),
    Letter(id="29", sender=YUKI, subject="Re: 領収書をお願いします", answers="3", text="届きました。ありがとうございます。", minutes_ago=4),
    Letter(id="30", sender="Ivy <ivy@shop0.example>", subject="Re: Where is my parcel", answers="15", text="It came. Thank you!", minutes_ago=3),
    Letter(id="31", sender="Rae Ford <rae@ford.example>", subject="Lamp for a boat", text="Does model 3 like salt water?\n\nRae", minutes_ago=2),
)  # fmt: skip


def as_bytes(letter: Letter, *, now: datetime, previous: dict[str, Letter]) -> bytes:
    """The letter as it would come from the net; `previous` finds what it answers."""
    message = EmailMessage()
    message["From"] = letter.sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now - timedelta(minutes=letter.minutes_ago))
    message["Message-ID"] = _message_id(letter)
    if letter.answers is not None:
        original = _message_id(previous[letter.answers])
        if not letter.only_references:
            message["In-Reply-To"] = original
        message["References"] = original
    for name, value in letter.headers:
        message[name] = value
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    if letter.attachment is not None:
        name, content = letter.attachment
        message.add_attachment(content, maintype="image", subtype="png", filename=name)
    return message.as_bytes()


def _message_id(letter: Letter) -> str:
    return f"<demo-{letter.id}@{letter.sender.rpartition('@')[2].rstrip('>').encode('idna').decode()}>"
