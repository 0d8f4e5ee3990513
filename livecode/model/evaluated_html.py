"""What workers say to an expression, side by side as HTML: a card for those that say the same, as many as fit in a row.

The best form of a value that HTML can show stands in its card: its own HTML, a picture, a formula, else its text. What
the service's objects say as HTML is put in as they say it, as a notebook does with objects of its own.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape

from livecode.model.evaluated import (
    AND_MORE,
    Alike,
    Evaluated,
    MimeData,
    alike,
    counted,
    first_line,
    frame_words,
    other_frames,
    own_trace,
)
from livecode.model.headline import duration
from livecode.model.html import framed, items_html
from livecode.model.report import Frame

STYLE = """
.livecode .lc-cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(21em,100%),1fr));gap:8px;
  align-items:start}
.livecode .lc-cards.lc-wide{grid-template-columns:repeat(auto-fill,minmax(min(26em,100%),1fr))}
.livecode .lc-cards.lc-one{grid-template-columns:minmax(0,max-content)}
.livecode .lc-card{border:1px solid var(--lc-line);border-radius:6px;min-width:0;overflow:hidden}
.livecode .lc-card>.lc-row{padding:3px 10px;background:var(--lc-soft);border-bottom:1px solid var(--lc-line);
  gap:2px 10px}
.livecode .lc-card .lc-kind{margin-left:auto}
.livecode .lc-card>.lc-said{padding:6px 10px}
.livecode .lc-value{overflow:auto;max-height:32em}
.livecode .lc-said pre{font-family:var(--lc-mono);font-size:12px;line-height:1.5;margin:0;padding:0;border:0;
  background:none;color:inherit;white-space:pre-wrap;overflow-wrap:anywhere}
.livecode .lc-said img{max-width:100%;height:auto;background:#fff;border-radius:4px}
.livecode .lc-printed{color:var(--lc-dim);border-left:2px solid var(--lc-line);padding-left:8px;margin-bottom:5px}
.livecode .lc-note{color:var(--lc-dim);font-size:12px}
"""


def evaluated_html(found: Sequence[Evaluated], expression: str) -> str:
    """The cards of all workers, as one fragment."""
    groups = alike(found)
    several = len(found) > 1
    if not several:
        return framed(_said(found[0], expression, found[0].worker.name), STYLE)
    cards = "".join(_card(each, expression) for each in groups)
    is_wide = any(each.first.data or not each.first.ok for each in groups)
    shape = " lc-one" if len(groups) == 1 else " lc-wide" if is_wide else ""
    return framed(f"<div class='lc-cards{shape}'>{cards}</div>", STYLE)


def _card(group: Alike, expression: str) -> str:
    told = filter(None, (", ".join(group.hosts), group.share))
    facts = "".join(f" <span class='lc-fact'>{escape(fact)}</span>" for fact in told)
    kind = f" <span class='lc-fact lc-kind'>{escape(group.first.type)}</span>" if group.first.type else ""
    head = f"<div class='lc-row'><span class='lc-title'>{escape(group.title)}</span>{facts}{kind}</div>"
    return f"<div class='lc-card'>{head}{_said(group.first, expression)}</div>"


def _said(each: Evaluated, expression: str, name: str = "") -> str:
    """What one worker says; its name, where nothing above says it."""
    printed = f"<pre class='lc-printed'>{escape(each.printed)}</pre>" if each.printed else ""
    told = (*each.notes, *([AND_MORE] if each.cut else ()))
    notes = "".join(f"<div class='lc-note'>{escape(note)}</div>" for note in told)
    value = f"<div class='lc-value'>{best_html(each)}</div>" if each.ok else _failed(each, expression, name)
    return f"<div class='lc-said'>{printed}{value}{notes}</div>"


def _failed(each: Evaluated, expression: str, name: str) -> str:
    if each.failure is None:
        word, glyph, why, items = "UNKNOWN", "?", each.lost, ""
    else:
        word, glyph = "FAILED", "✖"
        why = f"{each.failure.type}: {each.failure.message}".removesuffix(": ")
        items = items_html(tuple(own_trace(each.failure, expression))) + _folded(other_frames(each.failure))
    tone, took = ("bad", duration(each.duration_ms)) if each.failure else ("warn", "")
    badge = f"<span class='lc-badge lc-{tone}'>{glyph} {word}</span>"
    facts = " ".join(f"<span class='lc-fact'>{escape(fact)}</span>" for fact in filter(None, (name, took)))
    head = f"<span class='lc-title'>{escape(first_line(expression))}</span> <span>{escape(why)}</span>"
    body = f"<div class='lc-body'>{items}</div>" if items else ""
    return f"<div class='lc-head'>{badge} {head} {facts}</div>{body}"


def _folded(others: Sequence[Frame]) -> str:
    """The frames of other code, to be opened by who wants to see them."""
    if not others:
        return ""
    lines = escape("\n".join(map(frame_words, others)))
    return f"<details class='lc-hosts'><summary>{counted(others)}</summary><pre class='lc'>{lines}</pre></details>"


def best_html(each: Evaluated) -> str:
    """The form of a value that HTML shows best."""
    forms = {form.mime: form for form in each.data}
    for mime, draw in _DRAW.items():
        if mime in forms:
            return draw(forms[mime])
    return f"<pre>{escape(each.text)}</pre>"


def _picture(form: MimeData) -> str:
    is_text = form.mime == "image/svg+xml"
    content = b64encode(form.content.encode()).decode("ascii") if is_text else form.content
    metadata = json.loads(form.metadata or "{}")
    sizes = (f" {side}='{int(metadata[side])}'" for side in ("width", "height") if _is_number(metadata.get(side)))
    return f"<img src='data:{form.mime};base64,{escape(content)}'{''.join(sizes)}>"


def _is_number(side: object) -> bool:
    return isinstance(side, int | float)


def _indented(form: MimeData) -> str:
    return f"<pre>{escape(json.dumps(json.loads(form.content), indent=2, ensure_ascii=False))}</pre>"


_DRAW: Mapping[str, Callable[[MimeData], str]] = {
    "text/html": lambda form: form.content,
    "image/svg+xml": _picture,
    "image/png": _picture,
    "image/jpeg": _picture,
    "text/latex": lambda form: f"<div>{escape(form.content)}</div>",
    "text/markdown": lambda form: f"<pre>{escape(form.content)}</pre>",
    "application/json": _indented,
}
"""MIME type → how it stands in a card; the best form first."""
