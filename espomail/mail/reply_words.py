"""What mail programs of many languages write around a quoted mail: verbs, header names, dividers, phone signatures. Pure."""

from __future__ import annotations

import re
from typing import Final

# "... wrote" as the attribution line above a quote has it, whole word or ending of the line.
WROTE: Final = re.compile(
    r"\b(?:wrote|writes|said)\b"  # English
    r"|\b(?:schrieb|geschrieben|schreibt)\b"  # German
    r"|(?:\ba|\bà) écrit\b|\bécrit\b|\bont écrit\b"  # French
    r"|\bescribi[oó]\b|\bva escriure\b"  # Spanish, Catalan
    r"|\bha scritto\b|\bscrisse\b"  # Italian
    r"|\bescreveu\b"  # Portuguese
    r"|\bgeschreven\b|\bschreef\b"  # Dutch
    r"|\bnapisał\b|\bnapisała\b|\bnapisał\(a\)|\bnapisano\b|\bpisze\b"  # Polish
    r"|\bskrev\b|\bskreiv\b"  # Swedish, Danish, Norwegian
    r"|\bkirjoitti\b|\bkirjutas\b"  # Finnish, Estonian
    r"|\bнаписал\b|\bнаписала\b|\bнаписал\(а\)|\bпишет\b|\bписал\b|\bписал\(а\)"  # Russian
    r"|\bпише\b|\bнаписав\b|\bнаписав\(-ла\)|\bнаписано\b|\bнаписа\b|\bнаписао\b"  # Ukrainian, Bulgarian, Serbian
    r"|\bnapsal\b|\bnapsala\b|\bnapsal\(a\)|\bpíše\b"  # Czech
    r"|\bnapísal\b|\bnapísala\b|\bnapísal\(a\)|\bnapisao\b|\bnapisala\b|\bje napisal\b"  # Slovak, Croatian, Slovene
    r"|\bírta\b|\ba scris\b|\bşunları yazdı\b|\byazdı\b|\bέγραψε\b|\brašė\b|\brakstīja\b|\bđã viết\b|\bmenulis\b"
    r"|写道|寫道|写到|さんは書きました|が書きました|は書きました|のメール|님이 작성|작성:|썼습니다|쓴 글|כתב|כתבה"
    r"|\bמאת\b|كتب|كتابة ما يلي|เขียนว่า"
    r"|\bnapisana przez\b",
    re.IGNORECASE,
)

# How an attribution line begins when it begins with a date: enough where an address or a clock time follows.
LEADS: Final = re.compile(
    r"(?:on|am|le|el|il|em|no dia|op|dnia|w dniu|den|dne|på|kl|pada|vào|la data|στις|в|вт|ср|at|às|dňa|dnes|na)\b|在|於|ในวันที่|בתאריך|في"
    r"|[a-zà-žа-яё]{1,14}[.,]\s*\d|[a-zà-ž]{2}\s\d|\d",
    re.IGNORECASE,
)


def _phrases(table: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in table.replace("\n", "|").split("|") if phrase.strip())


_HEADERS: Final = {
    "from": """
        from|von|de|da|van|od|från|fra|lähettäjä|от|від|feladó|expéditeur|mittente|remitente|expedidor|remetente|afzender
        odesílatel|nadawca|kimden|gönderen|από|发件人|寄件者|寄件人|差出人|送信者|보낸 사람|보낸사람
        מאת|من|saatja|nuo|no|din|от кого|de la|šalje
        مرسل|من|từ|จาก|dari|pošiljatelj|пошиљалац
        """,
    "sent": """
        sent|gesendet|envoyé|envoyé le|message du|enviado|enviado el|enviado em|enviada em|inviato|verzonden|wysłano|odesláno
        skickat|sendt|sänt
        date|datum|fecha|data|päiväys|lähetetty|отправлено|дата|надіслано|elküldve|dátum|trimis|gönderildi|tarih|ημερομηνία
        gönderme tarihi|στάλθηκε|изпратено|poslano|poslato|odoslané|saadetud|nosūtīts|išsiųsta|נשלח|תאריך|تم الإرسال|التاريخ
        đã gửi|ngày|ส่ง|วันที่|dikirim|tanggal|enviat|enviat el
        датум|d’envoi|date d’envoi|date d'envoi
        发送时间|发送日期|寄件日期|日期|送信日時|日時|보낸 날짜|날짜
        """,
    "to": """
        to|an|à|para|a|aan|do|komu|pro|till|til|vastaanottaja|кому|címzett|către|kime|προς|destinataire|destinatario|до|prima
        za|adressaat|kellele|kam|אל|إلى|tới|đến|ถึง|kepada|per a|收件者|받는사람
        收件人|宛先|받는 사람|cc|copie à|kopie|копия|copia|kopia
        """,
    "subject": """
        subject|betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|temat|předmět|predmet|ämne|emne|aihe|тема|tárgy|subiect|konu
        θέμα|относно|zadeva|naslov|teema|temats|tema|נושא|الموضوع|chủ đề|เรื่อง|subjek|ämne|наслов
        主题|主旨|主題|件名|제목
        """,
}
HEADER_ROLES: Final = {word: role for role, table in _HEADERS.items() for word in _phrases(table)}

DIVIDER_WORDS: Final = frozenset(
    _phrases("""
    original message | original email | original mail | original appointment | forwarded message | reply message
    original message follows
    ursprüngliche nachricht | ursprungliche nachricht | originalnachricht | original-nachricht | weitergeleitete nachricht
    message d'origine | message d’origine | message original | message transféré | message initial | mail original
    mensaje original | mensaje reenviado | missatge original | messaggio originale | messaggio inoltrato | messaggio originario
    mensagem original | mensagem encaminhada | oorspronkelijk bericht | origineel bericht | doorgestuurd bericht
    wiadomość oryginalna | oryginalna wiadomość | przekazana wiadomość | wiadomość przekazana dalej
    ursprungligt meddelande | originalmeddelande | vidarebefordrat meddelande | oprindelig meddelelse | original meddelelse
    videresendt meddelelse | opprinnelig melding | videresendt melding | alkuperäinen viesti | välitetty viesti
    исходное сообщение | пересылаемое сообщение | пересланное сообщение | оригинальное сообщение
    вихідне повідомлення | переслане повідомлення | оригінальне повідомлення
    původní zpráva | přeposlaná zpráva | původní e-mail | pôvodná správa | preposlaná správa
    eredeti üzenet | továbbított üzenet
    mesaj original | mesaj redirecționat | orijinal mesaj | özgün ileti | iletilen mesaj | αρχικό μήνυμα | προωθημένο μήνυμα
    原始邮件 | 原始郵件 | 转发的邮件 | 轉寄的郵件 | 转发邮件信息
    元のメッセージ | 転送メッセージ | 원본 메시지 | 원본 메일 | 전달된 메시지
    """)
)

FORWARD_LINES: Final = _phrases("""
    begin forwarded message | anfang der weitergeleiteten | début du message réexpédié | début du message transféré
    inicio del mensaje reenviado | inizio messaggio inoltrato | inizio del messaggio inoltrato
    início da mensagem reencaminhada | início da mensagem encaminhada
    begin doorgestuurd bericht | begin van doorgestuurd bericht
    początek przekazywanej wiadomości | początek wiadomości przekazanej | vidarebefordrat brev | start på videresendt besked
    videresendt melding | začátek přeposílané zprávy | начало переадресованного сообщения
    下面是被转发的邮件 | 以下是轉寄的郵件 | 以下は転送 | 転送されたメッセージ
    """)

DELIMITER: Final = re.compile(
    r"(?:reply|respond|type your (?:reply|response)|write|answer) (?:to this e-?mail )?above this line"
    r"|antwort(?:en sie)? (?:bitte )?(?:über|oberhalb) dieser (?:zeile|linie)|au-dessus de cette ligne"
    r"|encima de esta l[ií]nea|sopra questa (?:riga|linea)|acima desta linha|boven deze (?:regel|lijn)|powyżej tej linii",
    re.IGNORECASE,
)

# What lists, gateways and companies put below a mail.
FOOTER: Final = re.compile(
    r"mailing list|mailman/listinfo|unsubscribe|you (?:received|are receiving) this (?:message|e?-?mail)|to stop receiving"
    r"|(?:is|are|may be|contains?) (?:strictly )?confidential|confidentiality"
    r"|intended (?:solely |only )?(?:for|recipient)|disclaimer"
    r"|virus-?free|avast|vertraulich|vertrauliche|abbestellen|austragen|confidentiel|se désabonner|confidencial|darse de baja"
    r"|riservat[oe]|vertrouwelijk|uitschrijven|poufne|konfidentiell|конфиденциальн|отписаться",
    re.IGNORECASE,
)

_DEVICE = (
    r"(?:i ?phone|i ?pad|i ?pod|android|blackberry|samsung|galaxy|huawei|xiaomi|nokia|htc|lg|motorola|pixel|windows|outlook|"
    r"mobile|mobil\w*|phone|cell|tablet|smartphone|handy|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|telefoon|"
    r"proton ?mail|yahoo|gmail|gmx|"
    r"web\.de|freenet|mail|mailbox|airmail|spark|thunderbird|k-9|fairemail|bluemail|aquamail|aqua mail|nine|boxer|"
    r"ti-\d+|device|"
    r"uređaja|устройств\w*|телефона?|cihaz\w*|dispositivo\w*|appareil\w*|apparaat|urządzeni\w*|alcatel|apple|zimbra|"
    r"email|roundcube)"
)
PHONE_SIGNATURE: Final = re.compile(
    r"\W{0,6}(?!sent from .{0,80}\b(?:is|are|was|were)\b)(?:"
    rf"(?:sent|mailed|written|composed)(?: \w+)? (?:from|via|with|using|by|on)\b.{{0,60}}\b{_DEVICE}\b.{{0,80}}"
    r"|sent from \w{2,20} ?<https?://[^<>\s]{1,200}>"
    r"|(?:sent|mailed) from (?:my|a|the|mailbox|\[).{0,80}|sent by galaxy.{0,20}"
    rf"|(?:someone )?from (?:my |a )?(?:mobile|iphone|ipad|phone|cell).{{0,30}}"
    rf"|get outlook for .{{0,80}}|get \[outlook for .{{0,80}}"
    rf"|(?:von|vom) (?:mein\w+|einem) .{{0,60}}(?:gesendet|geschickt|verschickt).{{0,20}}"
    rf"|gesendet (?:von|mit|über|aus)\b.{{0,80}}"
    r"|diese (?:nachricht|e-?mail|mail) wurde (?:von|mit) .{0,80}(?:gesendet|geschrieben|verschickt).{0,20}|outlook für .{0,60}"
    r"|envoy[ée]e?s? (?:depuis|de|à partir|avec|par|du)\b.{0,80}|t[ée]l[ée]charger outlook .{0,60}|obtenir outlook .{0,60}"
    r"|enviad[oa] (?:desde|de|do|con|com|pelo|a partir)\b.{0,80}|obtener outlook .{0,60}|obter o? ?outlook .{0,60}"
    r"|inviato (?:da|dal|con|tramite)\b.{0,80}|scarica outlook .{0,60}|verz?onden (?:vanaf|met|van|via)\b.{0,80}"
    r"|verstuurd (?:vanaf|met|van|via)\b.{0,80}|outlook voor .{0,60}"
    r"|wys[łl]an[eoya] (?:z|za pomocą|przez|ze)\b.{0,80}"
    r"|skickat fr[åa]n\b.{0,80}|sendt (?:fra|med)\b.{0,80}|l[äa]hetetty .{0,80}"
    r"|отправлено (?:с|из|от)\b.{0,80}|надіслано (?:з|із|від)\b.{0,80}|відправлено (?:з|із)\b.{0,80}"
    r"|odesl[áa]no (?:z|ze|pomocí)\b.{0,80}|odoslan[ée] (?:z|zo)\b.{0,80}|elküldve .{0,60}|trimis (?:de pe|din)\b.{0,80}"
    r"|.{0,40}(?:telefonumdan|iphone'umdan|ipad'imden|cihazımdan) gönderildi.{0,20}|στάλθηκε από .{0,60}"
    r"|(?:发自|發自|從|从).{0,30}(?:iphone|ipad|手机|手機|传送|傳送|发送|android|邮箱|mail).{0,30}|发自我的.{0,30}"
    r"|(?:iphone|ipad|android).{0,12}から送信.{0,10}"
    r"|.{0,20}나의 .{0,20}에서 보냄.{0,10}|gửi từ .{0,60}|dikirim dari .{0,60}"
    r")\W{0,6}",
    re.IGNORECASE,
)
