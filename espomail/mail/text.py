"""Readable plain text from what a mail carries: HTML, flowed text, stray control characters. Pure.

The HTML reader is one pass over the tags, not a tree: nothing in it depends on how deep the tags nest, so
no mail can make it slow (2 MB of `<div>` take a fraction of a second).
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

HTML_CHARS_MAX: Final = 2_000_000
TEXT_CHARS_MAX: Final = 2_000_000

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# One tag from its `<`: possessive throughout, so that a failure costs one pass and never a second.
_MARKUP = re.compile("<(?=[a-zA-Z/!?])")
_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_SPACES = re.compile(r"[ \t\n\r\f\u200b\ufeff\u00ad]+")
_OUTER_SPACE = re.compile(r"\A[ \t]*\n|\n[ \t]*\Z")

_SKIPPED_NAMES = ("script", "style", "title", "iframe", "noembed", "noframes")
_SKIPPED = {name: re.compile(rf"</{name}", re.IGNORECASE | re.ASCII) for name in _SKIPPED_NAMES}
_NEW_LINE = frozenset(
    "address article aside body caption center dd details dialog dir div dt fieldset figcaption figure footer form "
    "head header html legend li main menu nav option section summary table tbody tfoot thead tr".split()
)
_NEW_PARAGRAPH = frozenset(("blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "ul"))
_LINKS = ("http:", "https:", "mailto:", "tel:", "ftp:")
_RULE = "-" * 20
_PREFIX_DEPTH_MAX = 8


def clean(text: str) -> str:
    """Given any text, return it without NUL and surrogates, its line ends made LF."""
    return _UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def unflow(text: str, *, delsp: bool) -> str:
    """Given `format=flowed` text, return it with its soft line breaks joined (RFC 3676 section 4).

    Lines of different quote depth are never joined and the signature line `-- ` stays alone.
    """
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == "-- "
        is_soft = content.endswith(" ") and not is_signature
        kept = content[:-1] if is_soft and delsp else content
        if open_depth == depth and not is_signature:
            lines.append(kept)
        else:
            lines.append(("\n" if lines else "") + _quote_prefix(depth) + kept)
        open_depth = depth if is_soft else None
    return "".join(lines)


def html_to_text(html: str) -> str:
    """Given HTML, return it as text a person can read: paragraphs, list marks, `text <url>` for links.

    Cells of a table row stand two spaces apart, quoted blocks get `> `, images show their alternative text; scripts, styles and
    titles are left out. Input and output are cut at 2 million characters.
    """
    source = clean(html[:HTML_CHARS_MAX])
    page = _Page()
    position = 0
    while (markup := _MARKUP.search(source, position)) is not None:
        start = markup.start()
        if start > position:
            page.add_text(source[position:start])
        match = _TAG.match(source, start)
        if match is not None:
            position = _after_element(source, match, page)
        else:
            position = _after_other_markup(source, start)
        if position < 0:
            return page.finish()
    page.add_text(source[position:])
    return page.finish()


def _after_element(source: str, match: re.Match[str], page: _Page) -> int:
    """Show one tag on the page; return where reading goes on, -1 when a script or its kin never ends."""
    closing, name, attributes = match[1], match[2].lower(), match[3]
    if closing:
        page.close(name)
        return match.end()
    skipped = _SKIPPED.get(name)
    if skipped is not None:
        end = skipped.search(source, match.end())
        return end.start() if end else -1
    page.open(name, attributes)
    return match.end()


def _after_other_markup(source: str, start: int) -> int:
    """Skip a comment, a declaration or a tag that never ends; return where to go on, -1 at the end."""
    if source[start + 1].isalpha():
        return -1
    mark = "-->" if source.startswith("<!--", start) else ">"
    end = source.find(mark, start + 2)
    return end + len(mark) if end >= 0 else -1


class _Page:
    """The text written so far, with what is pending before the next word: line breaks, a space, a list mark."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.breaks = 0
        self.has_space = False
        self.mark = ""
        self.quotes = 0
        self.line_quotes = 0
        self.pre = 0
        self.lists: list[int] = []
        self.links: list[tuple[str, int]] = []
        self.is_at_cell = False

    def add_text(self, raw: str) -> None:
        text = _unescaped(raw) if "&" in raw else raw
        if self.pre:
            self._add_preformatted(text)
            return
        words = _SPACES.sub(" ", text)
        if words == " ":
            self.has_space = True
        elif words:
            self.has_space = self.has_space or words[0] == " "
            self._write(words.strip(" "))
            self.has_space = words[-1] == " "

    def open(self, name: str, attributes: str) -> None:
        if name == "br":
            self.breaks = min(self.breaks + 1, 2)
        elif name in _NEW_LINE or name in _NEW_PARAGRAPH:
            self._break_for(name)
            self._open_block(name)
        elif name in ("td", "th"):
            self.is_at_cell = bool(self.pieces) and not self.breaks
        elif name == "a":
            self.links.append((_attribute(attributes, "href"), len(self.pieces)))
        elif name == "img":
            self._show_image(_attribute(attributes, "alt"))
        elif name == "hr":
            self._break_for("hr")
            self._write(_RULE)
            self._break_for("hr")

    def close(self, name: str) -> None:
        if name in _NEW_LINE or name in _NEW_PARAGRAPH:
            self._close_block(name)
            self._break_for(name)
        elif name == "a" and self.links:
            self._show_link(*self.links.pop())

    def finish(self) -> str:
        return "".join(self.pieces)[:TEXT_CHARS_MAX].strip("\n")

    def _break_for(self, name: str) -> None:
        self.breaks = max(self.breaks, 2 if name in _NEW_PARAGRAPH and not (self.lists and name in ("ul", "ol")) else 1)
        self.has_space = False

    def _open_block(self, name: str) -> None:
        if name == "blockquote":
            self.quotes += 1
        elif name == "pre":
            self.pre += 1
        elif name in ("ul", "ol"):
            self.lists.append(0 if name == "ul" else 1)
        elif name == "li":
            self.mark = self._list_mark()

    def _close_block(self, name: str) -> None:
        if name == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif name == "pre":
            self.pre = max(0, self.pre - 1)
        elif name in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.mark = ""

    def _list_mark(self) -> str:
        indent = "  " * min(max(len(self.lists) - 1, 0), _PREFIX_DEPTH_MAX)
        if not self.lists or not self.lists[-1]:
            return indent + "- "
        self.lists[-1] += 1
        return f"{indent}{self.lists[-1] - 1}. "

    def _write(self, words: str) -> None:
        if not words:
            return
        if self.breaks or not self.pieces:
            self._start_line()
        elif self.is_at_cell:
            self.pieces.append("  ")
        elif self.has_space:
            self.pieces.append(" ")
        self.breaks, self.has_space, self.is_at_cell = 0, False, False
        self.pieces.append(words)

    def _start_line(self) -> None:
        depth = min(self.quotes, _PREFIX_DEPTH_MAX)
        if self.pieces:
            between = ">" * min(depth, self.line_quotes)
            self.pieces.append("\n" if self.breaks == 1 else f"\n{between}\n")
        self.pieces.append(_quote_prefix(depth) + self.mark)
        self.mark, self.line_quotes = "", depth

    def _add_preformatted(self, text: str) -> None:
        for index, line in enumerate(_OUTER_SPACE.sub("", text).split("\n")):
            if index:
                self.breaks = min(self.breaks + 1, 2)
            if line.strip():
                self.has_space = False
                self._write(line.rstrip())

    def _show_image(self, alternative: str) -> None:
        if alternative.strip():
            self.add_text(f"[{_SPACES.sub(' ', alternative.strip())[:200]}]".replace("&", "&amp;"))

    def _show_link(self, href: str, start: int) -> None:
        """Write ` <url>` after a link's text, unless the text already is the address or there is no text."""
        text = "".join(self.pieces[start : start + 50]).strip().lower().rstrip("/")
        target = href.strip()
        bare = target.lower().removeprefix("mailto:").rstrip("/")
        if not text or not target.lower().startswith(_LINKS):
            return
        if text.removeprefix("> ") not in (bare, bare.partition("//")[2], bare.partition("//")[2].removeprefix("www.")):
            self.pieces.append(f" <{_SPACES.sub('', target.removeprefix('mailto:'))[:2000]}>")


def _quote_prefix(depth: int) -> str:
    return ">" * depth + " " if depth else ""


def _attribute(attributes: str, name: str) -> str:
    for match in _ATTRIBUTE.finditer(attributes):
        if match[1].lower() == name:
            return _unescaped(match[2] or match[3] or match[4] or "")
    return ""


def _unescaped(text: str) -> str:
    """Given text with character references, return it resolved; one that is a number of thousands of digits stays as it is."""
    try:
        return _UNSTORABLE.sub("", unescape(text))
    except ValueError:
        return text
