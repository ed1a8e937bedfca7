"""A report as one HTML page that refers to nothing outside itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from espomail.rules.reporting import Day, Report, for_chart, in_words
from espomail.times import to_text

SERIES = (
    ("received", "Mail received", "#2b6cb0"),
    ("sent", "Mail sent", "#2f855a"),
    ("cases_opened", "Cases opened", "#c05621"),
    ("cases_closed", "Cases closed", "#6b46c1"),
)
_WIDTH, _HEIGHT = 720, 120
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1a202c;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e2e8f0}td.n,th.n{text-align:right}
.facts{display:flex;flex-wrap:wrap;gap:1rem}.facts div{border:1px solid #e2e8f0;border-radius:.4rem;padding:.6rem 1rem}
.facts b{display:block;font-size:1.4rem}svg{width:100%;height:auto;background:#f7fafc}p{color:#4a5568}
@media (prefers-color-scheme:dark){body{background:#1a202c;color:#e2e8f0}svg{background:#2d3748}p{color:#a0aec0}
th,td,.facts div{border-color:#4a5568}}
"""


def page(report: Report) -> str:
    """The report as HTML: figures, a chart for each series with its numbers on hover, the backlog."""
    unit, days = for_chart(report.days)
    charts = "".join(_chart(days, name, title, colour, unit) for name, title, colour in SERIES)
    span = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Mail and cases, {escape(span)}</title><style>{_STYLE}</style></head>
<body><h1>Mail and cases, {escape(span)}</h1>
<div class="facts">{_facts(report)}</div>
{charts}
<h2>Open cases</h2>{_backlog(report)}
<p>Made at {escape(to_text(report.until))}. Days begin at midnight UTC.</p></body></html>
"""


def _facts(report: Report) -> str:
    facts = [(str(report.total(name)), title.lower()) for name, title, _ in SERIES]
    facts += [
        (
            in_words(report.first_response.median_s),
            f"to the first answer (nine of ten: {in_words(report.first_response.p90_s)})",
        ),
        (in_words(report.resolution.median_s), f"to the end of a case (nine of ten: {in_words(report.resolution.p90_s)})"),
        (str(report.unanswered), "cases wait for a first answer"),
    ]
    return "".join(f"<div><b>{escape(number)}</b>{escape(words)}</div>" for number, words in facts)


def _chart(days: Sequence[Day], name: str, title: str, colour: str, unit: str) -> str:
    """One series as bars; each bar tells its day and number when it is pointed at."""
    most = max((getattr(day, name) for day in days), default=0)
    width = _WIDTH / max(len(days), 1)
    bars = "".join(
        _bar(index * width, width, getattr(day, name), most, f"{day.day.isoformat()}: {getattr(day, name)}", colour)
        for index, day in enumerate(days)
    )
    label = f"{title} by the {unit}, at most {most}"
    return f"""<h2>{escape(title)}</h2>
<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{bars}</svg><p>{escape(label)}</p>
"""


def _bar(x: float, width: float, count: int, most: int, words: str, colour: str) -> str:
    height = 0 if most == 0 else max(count / most * (_HEIGHT - 4), 1 if count else 0)
    return (
        f'<rect x="{x:.1f}" y="{_HEIGHT - height:.1f}" width="{max(width - 1, 1):.1f}" height="{height:.1f}" fill="{colour}">'
        f"<title>{escape(words)}</title></rect>"
    )


def _backlog(report: Report) -> str:
    if not report.backlog:
        return "<p>None.</p>"
    rows = "".join(
        f'<tr><td>{escape(each.user or "nobody")}</td><td class="n">{each.open}</td><td class="n">{each.new}</td>'
        f'<td class="n">{each.assigned}</td><td class="n">{each.pending}</td><td>{each.oldest_at:%Y-%m-%d}</td></tr>'
        for each in report.backlog
    )
    head = '<tr><th>User</th><th class="n">Open</th><th class="n">New</th><th class="n">Assigned</th>'
    return f'<table>{head}<th class="n">Pending</th><th>Oldest</th></tr>{rows}</table>'
