"""What is new in an answer, below which the programs of many languages and makers put the mail that it answers."""

from __future__ import annotations

import pytest

from espomail.mail.quotes import new_text

ANSWER = "Answer here"
OLD = "old text\nmore old text\n"

# Outlook: From, Sent, To, Subject, and a date as it writes one.
HEADERS = {
    "en": ("From", "Sent", "To", "Subject", "Monday, March 2, 2026 9:00 AM"),
    "de": ("Von", "Gesendet", "An", "Betreff", "Montag, 2. März 2026 09:00"),
    "fr": ("De", "Envoyé", "À", "Objet", "lundi 2 mars 2026 09:00"),
    "fr2": ("De", "Date d’envoi", "À", "Objet", "lundi 2 mars 2026 à 09:00"),
    "fr4": ("De", "Message du", "A", "Sujet", "02/03/2026 09:00"),
    "fr3": ("De", "Date", "À", "Objet", "lundi, 2 mars 2026 à 09:00"),
    "es": ("De", "Enviado el", "Para", "Asunto", "lunes, 2 de marzo de 2026 9:00"),
    "es2": ("De", "Enviado", "Para", "Asunto", "lunes, 2 de marzo de 2026 9:00"),
    "it": ("Da", "Inviato", "A", "Oggetto", "lunedì 2 marzo 2026 09:00"),
    "it2": ("Da", "Data", "A", "Oggetto", "lunedì, 2 marzo 2026 alle ore 09:00"),
    "nl": ("Van", "Verzonden", "Aan", "Onderwerp", "maandag 2 maart 2026 09:00"),
    "pt": ("De", "Enviada em", "Para", "Assunto", "segunda-feira, 2 de março de 2026 09:00"),
    "pt2": ("De", "Enviado", "Para", "Assunto", "2 de março de 2026 09:00"),
    "pl": ("Od", "Wysłano", "Do", "Temat", "poniedziałek, 2 marca 2026 09:00"),
    "pl2": ("Od", "Data", "Do", "Temat", "poniedziałek, 2 marca 2026 09:00"),
    "ru": ("От", "Отправлено", "Кому", "Тема", "2 марта 2026 г. 9:00"),
    "ru2": ("От кого", "Дата", "Кому", "Тема", "2 марта 2026 г. 9:00"),
    "sv": ("Från", "Skickat", "Till", "Ämne", "den 2 mars 2026 09:00"),
    "da": ("Fra", "Sendt", "Til", "Emne", "2. marts 2026 09:00"),
    "nb": ("Fra", "Sendt", "Til", "Emne", "mandag 2. mars 2026 09:00"),
    "fi": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe", "maanantai 2. maaliskuuta 2026 9.00"),
    "cs": ("Od", "Odesláno", "Komu", "Předmět", "pondělí 2. března 2026 9:00"),
    "sk": ("Od", "Odoslané", "Komu", "Predmet", "pondelok 2. marca 2026 9:00"),
    "tr": ("Kimden", "Gönderildi", "Kime", "Konu", "2 Mart 2026 Pazartesi 09:00"),
    "tr2": ("Gönderen", "Gönderme Tarihi", "Kime", "Konu", "2 Mart 2026 Pazartesi 09:00"),
    "ja": ("差出人", "送信日時", "宛先", "件名", "2026年3月2日 9:00"),
    "ja2": ("From", "Sent", "To", "Subject", "2026年3月2日 9:00"),
    "zh": ("发件人", "发送时间", "收件人", "主题", "2026年3月2日 9:00"),
    "zhtw": ("寄件者", "寄件日期", "收件者", "主旨", "2026年3月2日 上午 09:00"),
    "zhtw2": ("寄件者", "日期", "收件者", "主旨", "2026年3月2日 星期一 上午 09:00"),
    "ko": ("보낸 사람", "보낸 날짜", "받는 사람", "제목", "2026년 3월 2일 월요일 오전 9:00"),
    "ko2": ("보낸사람", "날짜", "받는사람", "제목", "2026년 3월 2일 월요일 오전 9:00"),
    "hu": ("Feladó", "Elküldve", "Címzett", "Tárgy", "2026. március 2., hétfő 9:00"),
    "hu2": ("Feladó", "Dátum", "Címzett", "Tárgy", "2026. március 2., hétfő 9:00"),
    "ro": ("De la", "Trimis", "Către", "Subiect", "luni, 2 martie 2026 09:00"),
    "el": ("Από", "Στάλθηκε", "Προς", "Θέμα", "Δευτέρα, 2 Μαρτίου 2026 9:00"),
    "uk": ("Від", "Надіслано", "Кому", "Тема", "2 березня 2026 р. 9:00"),
    "bg": ("От", "Изпратено", "До", "Относно", "понеделник, 2 март 2026 г. 9:00"),
    "hr": ("Od", "Poslano", "Prima", "Predmet", "ponedjeljak, 2. ožujka 2026. 9:00"),
    "sl": ("Od", "Poslano", "Za", "Zadeva", "ponedeljek, 2. marec 2026 9:00"),
    "sr": ("Šalje", "Poslato", "Prima", "Naslov", "2. mart 2026. 9:00"),
    "et": ("Saatja", "Saadetud", "Adressaat", "Teema", "esmaspäev, 2. märts 2026 9:00"),
    "lv": ("No", "Nosūtīts", "Kam", "Temats", "2026. gada 2. marts 9:00"),
    "lt": ("Nuo", "Išsiųsta", "Kam", "Tema", "2026 m. kovo 2 d. 9:00"),
    "he": ("מאת", "נשלח", "אל", "נושא", "יום שני 02 מרץ 2026 9:00"),
    "ar": ("من", "تم الإرسال", "إلى", "الموضوع", "2 مارس 2026 9:00"),
    "vi": ("Từ", "Đã gửi", "Tới", "Chủ đề", "2 tháng 3 2026 9:00"),
    "th": ("จาก", "ส่ง", "ถึง", "เรื่อง", "2 มีนาคม 2026 9:00"),
    "id": ("Dari", "Dikirim", "Kepada", "Subjek", "2 Maret 2026 9:00"),
    "ca": ("De", "Enviat el", "Per a", "Tema", "dilluns, 2 de març de 2026 9:00"),
}

ATTRIBUTIONS = {
    "gmail en": "On Mon, Mar 2, 2026 at 9:00 AM Bob Example <bob@team.example> wrote:",
    "gmail en wrapped": "On Mon, Mar 2, 2026 at 9:00 AM Bob Example\n<bob@team.example> wrote:",
    "gmail de": "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Bob Example <bob@team.example>:",
    "gmail de wrapped": "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Bob Example <\nbob@team.example>:",
    "gmail fr": "Le lun. 2 mars 2026 à 09:00, Bob Example <bob@team.example> a écrit :",
    "gmail es": "El lun, 2 mar 2026 a las 9:00, Bob Example (<bob@team.example>) escribió:",
    "gmail it": "Il giorno lun 2 mar 2026 alle ore 09:00 Bob Example <bob@team.example> ha scritto:",
    "gmail nl": "Op ma 2 mrt 2026 om 09:00 schreef Bob Example <bob@team.example>:",
    "gmail pt": "Em seg., 2 de mar. de 2026 às 09:00, Bob Example <bob@team.example> escreveu:",
    "gmail pt2": "Bob Example <bob@team.example> escreveu (segunda, 2/03/2026 à(s) 09:00):",
    "gmail pl": "pon., 2 mar 2026 o 09:00 Bob Example <bob@team.example> napisał(a):",
    "gmail ru": "пн, 2 мар. 2026 г. в 09:00, Bob Example <bob@team.example>:",
    "gmail sv": "Den mån 2 mars 2026 kl 09:00 skrev Bob Example <bob@team.example>:",
    "gmail da": "Den man. 2. mar. 2026 kl. 09.00 skrev Bob Example <bob@team.example>:",
    "gmail nb": "man. 2. mars 2026 kl. 09:00 skrev Bob Example <bob@team.example>:",
    "gmail fi": "ma 2. maalisk. 2026 klo 9.00 Bob Example (bob@team.example) kirjoitti:",
    "gmail cs": "po 2. 3. 2026 v 9:00 odesílatel Bob Example <bob@team.example> napsal:",
    "gmail sk": "po 2. 3. 2026 o 9:00 Bob Example <bob@team.example> napísal(a):",
    "gmail tr": "Bob Example <bob@team.example>, 2 Mar 2026 Pzt, 09:00 tarihinde şunu yazdı:",
    "gmail ja": "2026年3月2日(月) 9:00 Bob Example <bob@team.example>:",
    "gmail zh": "Bob Example <bob@team.example> 于2026年3月2日周一 09:00写道：",
    "gmail zhtw": "Bob Example <bob@team.example> 於 2026年3月2日 週一 上午9:00寫道：",
    "gmail ko": "2026년 3월 2일 (월) 오전 9:00, Bob Example <bob@team.example>님이 작성:",
    "gmail hu": "Bob Example <bob@team.example> ezt írta (időpont: 2026. márc. 2., H, 9:00):",
    "gmail ro": "În lun., 2 mar. 2026 la 09:00, Bob Example <bob@team.example> a scris:",
    "gmail uk": "пн, 2 бер. 2026 р. о 09:00 Bob Example <bob@team.example> пише:",
    "gmail el": "Στις Δευ 2 Μαρ 2026 στις 9:00 π.μ., ο/η Bob Example <bob@team.example> έγραψε:",
    "gmail vi": "Vào Th 2, 2 thg 3, 2026 vào lúc 09:00 Bob Example <bob@team.example> đã viết:",
    "gmail id": "Pada tanggal Sen, 2 Mar 2026 pukul 09.00 Bob Example <bob@team.example> menulis:",
    "gmail he": "\u202bבתאריך יום ב׳, 2 במרץ 2026 ב-9:00 מאת \u202aBob Example\u202c\u200f <\u202abob@team.example\u202c\u200f>:\u202c",
    "gmail ar": "في الاثنين، 2 مارس 2026 في 9:00 ص تمت كتابة ما يلي بواسطة Bob Example <bob@team.example>:",
    "gmail ca": "El dl., 2 de març 2026, 9:00, Bob Example <bob@team.example> va escriure:",
    "gmail bg": "На пн, 2.03.2026 г. в 9:00 Bob Example <bob@team.example> написа:",
    "gmail hr": "pon, 2. ožu 2026. u 09:00 Bob Example <bob@team.example> napisao je:",
    "gmail th": "ในวันที่ จ. 2 มี.ค. 2026 เวลา 09:00 Bob Example <bob@team.example> เขียนว่า:",
    "apple en": "On Mar 2, 2026, at 9:00 AM, Bob Example <bob@team.example> wrote:",
    "apple en2": "On 2 Mar 2026, at 09:00, Bob Example <bob@team.example> wrote:",
    "apple en noaddr": "On Mar 2, 2026, at 9:00 AM, Bob Example wrote:",
    "apple de": "Am 02.03.2026 um 09:00 schrieb Bob Example <bob@team.example>:",
    "apple fr": "Le 2 mars 2026 à 09:00, Bob Example <bob@team.example> a écrit :",
    "apple fr nbsp": "Le 2 mars 2026 à 09:00, Bob Example <bob@team.example> a écrit\xa0:",
    "apple es": "El 2 mar 2026, a las 9:00, Bob Example <bob@team.example> escribió:",
    "apple it": "Il giorno 2 mar 2026, alle ore 09:00, Bob Example <bob@team.example> ha scritto:",
    "apple nl": "Op 2 mrt. 2026, om 09:00 heeft Bob Example <bob@team.example> het volgende geschreven:",
    "apple pt": "No dia 2 de mar. de 2026, às 09:00, Bob Example <bob@team.example> escreveu:",
    "apple ptbr": "Em 2 de mar. de 2026, à(s) 09:00, Bob Example <bob@team.example> escreveu:",
    "apple pl": "Wiadomość napisana przez Bob Example <bob@team.example> w dniu 2 mar 2026, o godz. 09:00:",
    "apple ru": "2 марта 2026 г., в 9:00, Bob Example <bob@team.example> написал(а):",
    "apple sv": "2 mars 2026 kl. 09:00 skrev Bob Example <bob@team.example>:",
    "apple da": "Den 2. mar. 2026 kl. 09.00 skrev Bob Example <bob@team.example>:",
    "apple nb": "2. mars 2026 kl. 09:00 skrev Bob Example <bob@team.example>:",
    "apple fi": "Bob Example <bob@team.example> kirjoitti 2.3.2026 kello 9.00:",
    "apple cs": "2. 3. 2026 v 9:00, Bob Example <bob@team.example>:",
    "apple tr": "Bob Example <bob@team.example> şunları yazdı (2 Mar 2026 09:00):",
    "apple ja": "2026/03/02 9:00、Bob Example <bob@team.example>のメール:",
    "apple ja2": "2026/03/02 9:00、Bob Example <bob@team.example>のメール：",
    "apple zh": "2026年3月2日 09:00，Bob Example <bob@team.example> 写道：",
    "apple zh2": "在 2026年3月2日，09:00，Bob Example <bob@team.example> 写道：",
    "apple zhtw": "Bob Example <bob@team.example> 於 2026年3月2日 上午9:00 寫道：",
    "apple ko": "2026. 3. 2. 오전 9:00, Bob Example <bob@team.example> 작성:",
    "apple hu": "Bob Example <bob@team.example> írta (2026. márc. 2. dátummal, 9:00 időpontban):",
    "apple ro": "Pe 2 mar. 2026, la 09:00, Bob Example <bob@team.example> a scris:",
    "apple uk": "2 бер. 2026 р. о 09:00 Bob Example <bob@team.example> написав(-ла):",
    "gmail old": "2026/3/2 Bob Example <bob@team.example>",
    "gmail old gmt": "2026-03-02 9:00 GMT+01:00 Bob Example",
    "gmail fi wrapped": "ma 2. maalisk. 2026 klo 9.00 Bob Example\n<bob@team.example> kirjoitti:",
    "zoho": "---- On Mon, 02 Mar 2026 09:00:00 +0100 Bob Example <bob@team.example> wrote ----",
    "tb en": "On 3/2/26 09:00, Bob Example wrote:",
    "tb en2": "On 02/03/2026 09:00, Bob Example via Team wrote:",
    "tb de": "Am 02.03.26 um 09:00 schrieb Bob Example:",
    "tb fr": "Le 02/03/2026 à 09:00, Bob Example a écrit :",
    "tb es": "El 2/3/26 a las 9:00, Bob Example escribió:",
    "tb it": "Il 02/03/2026 09:00, Bob Example ha scritto:",
    "tb nl": "Op 02-03-2026 om 09:00 schreef Bob Example:",
    "tb pt": "Em 02/03/2026 09:00, Bob Example escreveu:",
    "tb pt2": "Às 09:00 de 02/03/2026, Bob Example escreveu:",
    "tb pl": "W dniu 2.03.2026 o 09:00, Bob Example pisze:",
    "tb ru": "02.03.2026 09:00, Bob Example пишет:",
    "tb sv": "Den 2026-03-02 kl. 09:00, skrev Bob Example:",
    "tb da": "Den 02-03-2026 kl. 09:00 skrev Bob Example:",
    "tb nb": "Den 02.03.2026 09:00, skrev Bob Example:",
    "tb fi": "Bob Example kirjoitti 2.3.2026 klo 9.00:",
    "tb cs": "Dne 02. 03. 26 v 9:00 Bob Example napsal(a):",
    "tb sk": "Dňa 2. 3. 2026 o 9:00 Bob Example napísal(a):",
    "tb tr": "2.03.2026 09:00 tarihinde Bob Example yazdı:",
    "tb ja": "On 2026/03/02 9:00, Bob Example wrote:",
    "tb zh": "在 2026/3/2 9:00, Bob Example 写道:",
    "tb ko": "2026-03-02 오전 9:00에 Bob Example 이(가) 쓴 글:",
    "tb hu": "2026. 03. 02. 9:00 keltezéssel, Bob Example írta:",
    "tb el": "Στις 2/3/2026 9:00 π.μ., ο Bob Example έγραψε:",
    "tb uk": "02.03.26 09:00, Bob Example пише:",
    "yahoo en": "On Monday, March 2, 2026 at 09:00:00 AM GMT+1, Bob Example <bob@team.example> wrote:",
    "yahoo de": "Am Montag, 2. März 2026 um 09:00:00 MEZ hat Bob Example <bob@team.example> Folgendes geschrieben:",
    "yahoo fr": "Le lundi 2 mars 2026 à 09:00:00 UTC+1, Bob Example <bob@team.example> a écrit :",
    "yahoo es": "El lunes, 2 de marzo de 2026, 09:00:00 CET, Bob Example <bob@team.example> escribió:",
    "yahoo it": "Il lunedì 2 marzo 2026 alle ore 09:00:00 CET, Bob Example <bob@team.example> ha scritto:",
    "proton": "On Monday, March 2nd, 2026 at 9:00 AM, Bob Example <bob@team.example> wrote:",
    "kmail de": "Am Montag, 2. März 2026, 09:00:00 CET schrieb Bob Example:",
    "gmx": 'Gesendet: Montag, 2. März 2026 um 09:00 Uhr\nVon: "Bob Example" <bob@team.example>\nAn: ann@customer.example\nBetreff: Drucker',
    "yandex": '02.03.2026, 09:00, "Bob Example" <bob@team.example>:',
    "mail.ru": "Понедельник, 2 марта 2026, 9:00 +03:00 от Bob Example <bob@team.example>:",
    "lotus": "Bob Example/Team wrote on 03/02/2026 09:00:00 AM:",
    "lotus2": "From:   Bob Example <bob@team.example>\nTo:     ann@customer.example\nDate:   02/03/2026 09:00\nSubject:        Printer",
    "lotus de": "Von:    Bob Example <bob@team.example>\nAn:     ann@customer.example\nDatum:  02.03.2026 09:00\nBetreff:        Drucker",
    "outlook orig": (
        "-----Original Message-----\n"
        "From: Bob Example [mailto:bob@team.example]\n"
        "Sent: Monday, March 2, 2026 9:00 AM\n"
        "To: Ann\n"
        "Subject: RE: Printer"
    ),
    "outlook orig de": (
        "-----Ursprüngliche Nachricht-----\n"
        "Von: Bob Example [mailto:bob@team.example]\n"
        "Gesendet: Montag, 2. März 2026 09:00\n"
        "An: Ann\n"
        "Betreff: AW: Drucker"
    ),
    "samsung": (
        "-------- Original message --------\n"
        "From: Bob Example <bob@team.example>\n"
        "Date: 02/03/2026 09:00 (GMT+01:00)\n"
        "To: ann@customer.example\n"
        "Subject: Printer"
    ),
    "samsung de": (
        "-------- Ursprüngliche Nachricht --------\n"
        "Von: Bob Example <bob@team.example>\n"
        "Datum: 02.03.26 09:00 (GMT+01:00)\n"
        "An: ann@customer.example\n"
        "Betreff: Drucker"
    ),
    "k9": "Am 2. März 2026 09:00:00 MEZ schrieb Bob Example <bob@team.example>:",
    "bluemail": "On 2 Mar 2026, 09:00, at 09:00, Bob Example <bob@team.example> wrote:",
    "zimbra": (
        "----- Original Message -----\n"
        'From: "Bob" <bob@team.example>\n'
        'To: "ann" <ann@customer.example>\n'
        "Sent: Monday, March 2, 2026 9:00:00 AM\n"
        "Subject: Printer"
    ),
    "zimbra fr": (
        "----- Mail original -----\n"
        'De: "Bob" <bob@team.example>\n'
        'À: "ann" <ann@customer.example>\n'
        "Envoyé: Lundi 2 Mars 2026 09:00:00\n"
        "Objet: Imprimante"
    ),
    "roundcube": "On 2026-03-02 09:00, Bob Example wrote:",
    "163": 'At 2026-03-02 09:00:00, "Bob" <bob@team.example> wrote:',
    "163b": '在 2026-03-02 09:00:00，"Bob" <bob@team.example> 写道：',
    "qq": (
        "------------------ 原始邮件 ------------------\n"
        '发件人: "Bob" <bob@team.example>;\n'
        "发送时间: 2026年3月2日(星期一) 上午9:00\n"
        '收件人: "ann"<ann@customer.example>;\n'
        "主题: Re: 打印机"
    ),
    "gmail fwd?": (
        "---------- Forwarded message ---------\n"
        "From: Bob <bob@team.example>\n"
        "Date: Mon, Mar 2, 2026 at 9:00 AM\n"
        "Subject: Printer\n"
        "To: <ann@customer.example>"
    ),
}

# What a person wrote, however much it looks like the start of a quoted mail.
WORDS = [
    "On Monday I wrote: the printer is broken.\nIt still is.",
    "Hello,\n\nlast week Bob wrote:\nthe printer is fixed.\nBut it is not.",
    "Hi,\n\nAm Montag schrieb ich Ihnen: der Drucker ist kaputt.\nUnd nun?",
    "From: Berlin\nTo: Hamburg\nPlease book it.",
    "Von: Berlin\nNach: Hamburg\nDatum: 2.3.2026\nBitte buchen.",
    "Date: 2 March\nSubject: maths\nTo: everyone\nOur homework list.",
    "Please call:\n\nAnn 555-1234\nBob 555-4321",
    "The error says:\n\n    at line 5\n\nWhat now?",
    "My order:\n- 2 printers\n- 3 cables\n\nThanks",
    "On 2 March 2026 at 9:00 the printer stopped working. The display wrote:\nPaper jam\nPlease help.",
    "Le 2 mars 2026, le technicien a écrit sur le bon : pièce manquante.\nMerci",
    "Contact me at: ann@customer.example\nor call.",
    "My address is ann@customer.example:\nplease note it.",
    "Dear team,\n\nJohn said: no.\nMary said: yes.\n\nBye",
    "Sent the parcel yesterday via DHL.\nRegards",
    "Sent from Berlin by mail on Monday, the parcel has not arrived.\nWhere is it?",
    "1) first\n-----\n2) second\n-----\n3) third",
    "Schritt 1\n=====\nText\nSchritt 2\n=====\nText",
    "El 2 de marzo de 2026 llamé y me escribió: no.\n¿Qué hago?",
    "Von meinem Konto wurde Geld abgebucht und an Sie gesendet.\nBitte um Klärung.",
    "Subject: Printer\n\nIt is broken.",
    "Name: Ann\nFrom: Berlin\nPhone: 555\nSubject: Printer broken\nDate: Monday",
    "Meeting on 3/2/26 09:00, room 7:\nAgenda follows\nBring cake",
    "Reminder 2026-03-02 09:00: please answer\nThanks",
    "In der Anlage die Rechnung vom 02.03.2026:\nBitte zahlen.",
    "На 02.03.2026 в 9:00 назначена встреча:\nПриходите.",
]


@pytest.mark.parametrize("language", HEADERS)
@pytest.mark.parametrize("shape", ["{}: {}", "*{}:* {}", "{} : {}"])
@pytest.mark.parametrize("rule", ["", "_" * 32 + "\n"])
def test_header_lines_start_the_quoted_mail(language: str, shape: str, rule: str) -> None:
    sender, sent, to, subject, date = HEADERS[language]
    values = ("Bob <bob@team.example>", date, "Ann <ann@customer.example>", "RE: Printer")
    lines = "\n".join(shape.format(label, value) for label, value in zip((sender, sent, to, subject), values, strict=True))
    assert new_text(f"{ANSWER}\n\n{rule}{lines}\n\n{OLD}") == ANSWER


@pytest.mark.parametrize("language", HEADERS)
def test_header_lines_without_addresses_start_it_too(language: str) -> None:
    sender, sent, to, subject, date = HEADERS[language]
    lines = f"{sender}: Bob Example\n{sent}: {date}\n{to}: Ann Doe\n{subject}: RE: Printer"
    assert new_text(f"{ANSWER}\n\n{lines}\n\n{OLD}") == ANSWER


@pytest.mark.parametrize("program", ATTRIBUTIONS)
def test_an_attribution_starts_the_quoted_mail(program: str) -> None:
    line = ATTRIBUTIONS[program]
    quoted = "".join(f"> {old}\n" for old in OLD.splitlines())
    texts = [f"{ANSWER}\n\n{line}\n\n{OLD}", f"{ANSWER}\n\n{line}\n\n{quoted}", f"{ANSWER}\n\n{line}\n{quoted}"]
    assert [new_text(text) for text in texts] == [ANSWER] * 3


@pytest.mark.parametrize("words", WORDS)
def test_words_that_look_like_it_stay(words: str) -> None:
    assert new_text(f"Hello\n\n{words}\n") == f"Hello\n\n{words}"
