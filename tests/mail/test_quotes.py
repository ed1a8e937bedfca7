"""New text is told from quoted text and signatures, in the languages and mail programs that people use."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.quotes import Reply, new_text, split_reply

ATTRIBUTIONS = {
    "en gmail": "On Tue, Jan 5, 2026 at 3:04 PM Ann Smith <ann@customer.example> wrote:",
    "en gmail wrapped": "On Tue, Jan 5, 2026 at 3:04 PM Ann Smith with a very long name\n<ann@customer.example> wrote:",
    "en apple": "On 5 Jan 2026, at 15:04, Ann Smith <ann@customer.example> wrote:",
    "en thunderbird": "On 01/05/2026 03:04 PM, Ann Smith wrote:",
    "en yahoo": "    On Tuesday, January 5, 2026 at 03:04:05 PM GMT+1, Ann Smith <ann@customer.example> wrote:  ",
    "en plain": "Ann Smith <ann@customer.example> writes:",
    "de": "Am 05.01.2026 um 15:04 schrieb Ann Schmidt <ann@customer.example>:",
    "de gmail": "Am Di., 5. Jan. 2026 um 15:04 Uhr schrieb Ann Schmidt <ann@customer.example>:",
    "fr": "Le mar. 5 janv. 2026 à 15:04, Anne Dupont <ann@customer.example> a écrit :",
    "fr thunderbird": "Le 05/01/2026 à 15:04, Anne Dupont a écrit :",
    "es": "El mar, 5 ene 2026 a las 15:04, Ana (<ann@customer.example>) escribió:",
    "it": "Il giorno mar 5 gen 2026 alle ore 15:04 Anna <ann@customer.example> ha scritto:",
    "pt": "Em ter., 5 de jan. de 2026 às 15:04, Ana <ann@customer.example> escreveu:",
    "nl": "Op di 5 jan 2026 om 15:04 schreef Anna <ann@customer.example>:",
    "nl phone": "Op 5 jan. 2026 om 15:04 heeft Anna <ann@customer.example> het volgende geschreven:",
    "pl": "wt., 5 sty 2026 o 15:04 Anna <ann@customer.example> napisał(a):",
    "pl outlook": "W dniu 2026-01-05 o 15:04, Anna pisze:",
    "sv": "Den tis 5 jan. 2026 kl 15:04 skrev Anna <ann@customer.example>:",
    "da": "Den 5. jan. 2026 kl. 15.04 skrev Anna <ann@customer.example>:",
    "fi": "ti 5. tammik. 2026 klo 15.04 Anna (ann@customer.example) kirjoitti:",
    "cs": "út 5. 1. 2026 v 15:04 odesílatel Anna <ann@customer.example> napsal:",
    "ru": "вт, 5 янв. 2026 г. в 15:04, Анна <ann@customer.example>:",
    "ru yandex": "05.01.2026, 15:04, Анна <ann@customer.example> написал(а):",
    "uk": "вт, 5 січ. 2026 р. о 15:04 Ганна <ann@customer.example> пише:",
    "hu": "Anna <ann@customer.example> ezt írta (időpont: 2026. jan. 5., K, 15:04):",
    "tr": "Anna <ann@customer.example>, 5 Oca 2026 Sal, 15:04 tarihinde şunu yazdı:",
    "ro": "În mar., 5 ian. 2026 la 15:04, Ana <ann@customer.example> a scris:",
    "zh": "Ann <ann@customer.example> 于2026年1月5日周二 15:04写道：",
    "zh apple": "在 2026年1月5日，下午3:04，Ann <ann@customer.example> 写道：",
    "ja": "2026年1月5日(火) 15:04 Ann <ann@customer.example>:",
    "ko": "2026년 1월 5일 (화) 오후 3:04, Ann <ann@customer.example>님이 작성:",
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_a_marked_quote_is_cut_with_its_attribution(attribution: str) -> None:
    assert new_text(f"Thank you, it works.\n\n{attribution}\n\n> Did it work?\n> Ann\n") == "Thank you, it works."


ADDRESSED = {name: line for name, line in ATTRIBUTIONS.items() if "@" in line or ":04" in line}


@pytest.mark.parametrize("attribution", ADDRESSED.values(), ids=ADDRESSED.keys())
def test_an_unmarked_quote_is_cut_by_its_attribution_alone(attribution: str) -> None:
    assert new_text(f"Thank you, it works.\n\n{attribution}\n\nDid it work?\nAnn\n") == "Thank you, it works."


OUTLOOK = {
    "en": "From: Ann <ann@customer.example>\nSent: Monday, January 5, 2026 3:04 PM\nTo: support@team.example\nSubject: Printer",
    "en bold": "*From:* Ann <ann@customer.example>\n*Sent:* Monday\n*To:* support@team.example\n*Subject:* Printer",
    "de": "Von: Ann <ann@customer.example>\nGesendet: Montag, 5. Januar 2026 15:04\nAn: support@team.example\nBetreff: Drucker",
    "fr": "De : Anne <ann@customer.example>\nEnvoyé : lundi 5 janvier 2026 15:04\nÀ : support@team.example\nObjet : Imprimante",
    "es": "De: Ana <ann@customer.example>\nEnviado el: lunes\nPara: support@team.example\nAsunto: Impresora",
    "it": "Da: Anna <ann@customer.example>\nInviato: lunedì\nA: support@team.example\nOggetto: Stampante",
    "pt": "De: Ana <ann@customer.example>\nEnviada em: segunda-feira\nPara: support@team.example\nAssunto: Impressora",
    "nl": "Van: Anna <ann@customer.example>\nVerzonden: maandag\nAan: support@team.example\nOnderwerp: Printer",
    "pl": "Od: Anna <ann@customer.example>\nWysłano: poniedziałek\nDo: support@team.example\nTemat: Drukarka",
    "sv": "Från: Anna <ann@customer.example>\nSkickat: den 5 januari\nTill: support@team.example\nÄmne: Skrivare",
    "ru": "От: Анна <ann@customer.example>\nОтправлено: понедельник\nКому: support@team.example\nТема: Принтер",
    "uk": "Від: Ганна <ann@customer.example>\nНадіслано: понеділок\nКому: support@team.example\nТема: Принтер",
    "cs": "Od: Anna <ann@customer.example>\nOdesláno: pondělí\nKomu: support@team.example\nPředmět: Tiskárna",
    "zh": "发件人: Ann <ann@customer.example>\n发送时间: 2026年1月5日 15:04\n收件人: support@team.example\n主题: 打印机",
    "ja": "差出人: Ann <ann@customer.example>\n送信日時: 2026年1月5日 15:04\n宛先: support@team.example\n件名: プリンター",
    "tr": "Kimden: Anna <ann@customer.example>\nGönderildi: Pazartesi\nKime: support@team.example\nKonu: Yazıcı",
}


@pytest.mark.parametrize("block", OUTLOOK.values(), ids=OUTLOOK.keys())
@pytest.mark.parametrize(
    "rule", ["", "________________________________\n", "-----Original Message-----\n", "________________________________\n\n"]
)
def test_outlooks_header_lines_start_the_quote(block: str, rule: str) -> None:
    assert new_text(f"Thank you, it works.\n\n{rule}{block}\n\nDid it work?\n") == "Thank you, it works."


DIVIDERS = """
-----Original Message-----
---- Forwarded message ----
-----Ursprüngliche Nachricht-----
-------- Message original --------
-----Mensaje original-----
-----Messaggio originale-----
-----Oorspronkelijk bericht-----
-----Исходное сообщение-----
------------------ 原始邮件 ------------------
Begin forwarded message:
Anfang der weitergeleiteten Nachricht:
##- Please type your reply above this line -##
""".strip().splitlines()


@pytest.mark.parametrize("divider", DIVIDERS)
def test_a_divider_starts_the_quote(divider: str) -> None:
    assert new_text(f"Thank you.\n\n{divider}\n\nDid it work?\n") == "Thank you."


PHONES = """
Sent from my iPhone
Sent from my Samsung Galaxy smartphone.
Sent from Yahoo Mail on Android
Sent from PostApp<https://app.example/r?b=1>
Get Outlook for iOS<https://aka.ms/x>
Sent with Proton Mail secure email.
Von meinem iPhone gesendet
Gesendet von Outlook für Android
Envoyé de mon iPhone
Enviado desde mi iPhone
Inviato da iPhone
Enviado do meu iPhone
Verzonden vanaf mijn iPhone
Wysłane z iPhone'a
Skickat från min iPhone
Отправлено с iPhone
Надіслано з iPhone
Odesláno z iPhonu
发自我的iPhone
iPhoneから送信
나의 iPhone에서 보냄
""".strip().splitlines()


@pytest.mark.parametrize("line", PHONES)
def test_a_phones_line_is_a_signature(line: str) -> None:
    assert split_reply(f"I will come.\n\n{line}\n") == Reply("I will come.", "", line, line)


LIST_FOOTER = "_" * 47 + "\nPython-list mailing list\nhttps://lists.example/mailman/listinfo/python-list"
PGP = "-----BEGIN PGP SIGNED MESSAGE-----"
QUESTION = "Ann <a@b.example> wrote:\n> Question?\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Answer\n\n{LIST_FOOTER}\n", id="a list's footer"),
        pytest.param(f"Answer\n\n{QUESTION}\n{LIST_FOOTER}\n", id="a list's footer below the quote"),
        pytest.param(f"Answer\n\n{QUESTION}\nThis e-mail is confidential.\n", id="a company's below the quote"),
        pytest.param(f"Answer\n-- \nBob\n\n{QUESTION}\n-- \nBob\n", id="two signatures"),
        pytest.param(f"{PGP}\nHash: SHA1\n\nAnswer\n\n{QUESTION}-----BEGIN PGP SIGNATURE-----\nx\n", id="PGP"),
    ],
)  # fmt: skip
def test_what_programs_put_below_is_no_answer(text: str) -> None:
    assert new_text(text) == "Answer"


def test_text_above_and_below_a_quote_stays_without_the_quote() -> None:
    reply = split_reply(f"Above.\n\n{QUESTION}\nBelow.\n")
    assert (reply.new, reply.quoted) == ("Above.\n\nBelow.", QUESTION.strip())


@pytest.mark.parametrize("mark", ["-- ", "--", "—"])
def test_a_signature_starts_at_its_mark(mark: str) -> None:
    reply = split_reply(f"Hello\n\n{mark}\nAnn Smith\nAcme Inc.\n")
    assert (reply.new, reply.signature) == ("Hello", f"{mark.rstrip()}\nAnn Smith\nAcme Inc.")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        pytest.param("> First?\n\nYes.\n\n> Second?\n\nNo.\n", "> First?\n\nYes.\n\n> Second?\n\nNo.", id="between quotes"),
        pytest.param(
            "On 1 Jan 2026 10:00, Ann <a@b.example> wrote:\n> First?\n\nYes.\n\n> Second?\n\nNo.\n\n> Bye\n",
            "> First?\n\nYes.\n\n> Second?\n\nNo.",
            id="below an attribution",
        ),
        pytest.param(
            "On 1 Jan 2026 10:00, Ann <a@b.example> wrote:\n> Question?\n\nAnswer\n",
            "Answer",
            id="all of it at the bottom",
        ),
        pytest.param(
            "On 1 Jan 2026 10:00, Ann <a@b.example> wrote:\n\nText without a mark.\n",
            "Text without a mark.",
            id="below an attribution alone, where nothing else is new",
        ),
        pytest.param(
            "See below.\n\nAnn <a@b.example> wrote:\n> a very long line that was\nwrapped\n> by a mail program\n",
            "See below.",
            id="wrapped quotes are no answer",
        ),
    ],
)
def test_inline_answers_stay_with_their_questions(text: str, new: str) -> None:
    assert new_text(text) == new


@pytest.mark.parametrize(
    "text",
    [
        "> only a quote\n> of two lines",
        "-- \nAnn Smith",
        "Sent from my iPhone",
        "On 1 Jan 2026 10:00, Ann <a@b.example> wrote:\n> Hi",
        "-----Original Message-----\nFrom: a@b.example\nTo: c@d.example\nSubject: x",
    ],
)
def test_where_nothing_would_be_left_all_of_it_is_shown(text: str) -> None:
    assert split_reply(text) == Reply(text, "", "", "")


@pytest.mark.parametrize(
    "text",
    [
        "In 2015 Hemingway's publisher wrote:\nDear all, buy books.",
        "The customer wrote: please call me.\nWhat shall we do?",
        "Please do the following:\n- one\n- two",
        "From: the top of my head.\nI would say no.",
        "To: do\nSubject: to change",
        "Please book:\n\nFrom: Berlin\nTo: Hamburg\nDate: 5 May\n\nfor two people.",
        "We met on 5 May:\nit was fine.",
        "Options --\n\n1. a -- b\n2. c",
        "--- Agenda ---\nFirst point",
        "I wrote to ann@customer.example today: no answer.\nPlease call her.",
        "Sent from my house to yours is a parcel, please look for it; it is a big one, and it holds the printer that was "
        "broken last week, with its cables and its manual and everything else you will need.",
        "The list is below.\n\nSent from my desk, where the keys are larger than on my mobile phone.",
        "Use a > b here\nand c",
        "Prices:\n| Printer | 100 |\n| Paper | 5 |",
        "Compare:\nx>y",
        "Price list\n-----------\nPrinter 100",
        "2026/3/2 Ann Smith <ann@customer.example>\n2026/3/3 Bob Smith <bob@customer.example>\n\nare booked.",
        "Free dates:\n\n2026-03-02 10:00 in Bonn\n\n2026-03-03 10:00 in Ulm",
        "Hello\n---- Agenda ----\nFirst point",
    ],
)
def test_what_a_person_writes_is_not_cut(text: str) -> None:
    assert new_text(text) == text


def test_a_forwarded_mail_without_a_word_is_its_text() -> None:
    text = "---------- Forwarded message ----------\nFrom: a@b.example\nDate: today\nSubject: x\nTo: c@d.example\n\nThe text.\n"
    assert new_text(text) == "The text."


def test_new_and_elided_lines_are_all_the_lines() -> None:
    reply = split_reply("Hi\n\n-- \nBob\n\nAnn <a@b.example> wrote:\n> x\n")
    assert reply == Reply("Hi", "Ann <a@b.example> wrote:\n> x", "--\nBob", "--\nBob\n\nAnn <a@b.example> wrote:\n> x")


@given(st.text(alphabet="> \n-ab@:_0wrote", max_size=300))
def test_no_word_is_lost_or_made_up(text: str) -> None:
    reply = split_reply(text)
    assert sorted((reply.new + " " + reply.elided).split()) == sorted(text.split())


@given(st.text())
def test_any_text_has_new_text(text: str) -> None:
    assert bool(new_text(text).strip()) == bool(text.strip())


HEAVY = (
    ">",
    ">\n",
    "> a\n",
    "> a\nb\n\n",
    "On 1 a@b\n",
    "From: a\n",
    "--\n",
    "On x\nOn <\n",
    "Sent from my ",
    "\n",
    "-",
    "x\n\n",
    "<a@b> wrote:\n",
)


@pytest.mark.parametrize("piece", HEAVY, ids=ascii)
def test_two_megabytes_take_a_moment(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    started = process_time()
    split_reply(text)
    assert process_time() - started < 3
