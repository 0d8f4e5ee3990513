"""HTML of reports and overviews for notebooks: the words of the plain text, no script, everything escaped.

Colours come from JupyterLab's theme variables, so that an output follows a switch of theme; elsewhere from
``prefers-color-scheme``. The style travels with every output: a saved notebook may be opened anywhere.
Where a viewer strips styles, the text still reads in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import assert_never

from livecode.model.nouns import History, ProcessStatus, Worker
from livecode.model.overview import attached_sheet, diff_sheet, history_sheet, services_sheet, status_sheet
from livecode.model.report import Report
from livecode.model.sheet import (
    IN_NOTEBOOK,
    Code,
    Commands,
    Diff,
    Entry,
    Head,
    Hosts,
    Item,
    Note,
    Part,
    Sheet,
    Table,
    WorkerRow,
)
from livecode.model.text import caret_line
from livecode.model.wording import report_sheet

_MARK_CLASSES = {"+": "add", "-": "del", "~": "mod", "↻": "mod", "=": "keep", "!": "warn", "": "code"}

STYLE = """
.livecode{--lc-fg:var(--jp-content-font-color1,#1f2328);--lc-dim:var(--jp-content-font-color2,#59636e);
  --lc-line:var(--jp-border-color2,#d1d9e0);--lc-soft:var(--jp-cell-editor-background,#f5f6f8);
  --lc-mono:var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace);
  --lc-good:var(--jp-success-color1,#1a7f37);--lc-bad:var(--jp-error-color1,#cf222e);
  --lc-warn:var(--jp-warn-color0,#9a6700);color:var(--lc-fg);
  font:13px/1.55 var(--jp-content-font-family,system-ui,sans-serif);padding:2px 0 4px;max-width:72em}
@media (prefers-color-scheme:dark){.livecode{--lc-fg:var(--jp-content-font-color1,#e6edf3);
  --lc-dim:var(--jp-content-font-color2,#9198a1);--lc-line:var(--jp-border-color2,#3d444d);
  --lc-soft:var(--jp-cell-editor-background,#21262d);--lc-good:var(--jp-success-color1,#3fb950);
  --lc-bad:var(--jp-error-color1,#f85149);--lc-warn:var(--jp-warn-color0,#d29922)}}
.livecode .lc-head{display:flex;flex-wrap:wrap;align-items:baseline;gap:3px 12px}
.livecode .lc-badge{display:inline-block;padding:0 9px;border-radius:10px;font-weight:600;
  font-size:12px;letter-spacing:.03em;color:#fff;background:#59636e;white-space:nowrap}
.livecode .lc-badge.lc-good{background:#1a7f37}
.livecode .lc-badge.lc-bad{background:#c62828}
.livecode .lc-badge.lc-warn{background:#8a5a00;color:#fff}
.livecode .lc-title{font-family:var(--lc-mono);font-weight:600}
.livecode .lc-dim,.livecode .lc-fact{color:var(--lc-dim)}
.livecode .lc-hint{margin-left:auto;color:var(--lc-dim);white-space:nowrap}
.livecode .lc-hint code,.livecode code{font-family:var(--lc-mono);font-size:12px;background:none;
  padding:0;color:inherit}
.livecode .lc-hint code{background:var(--lc-soft);padding:1px 6px;border-radius:4px;color:var(--lc-fg)}
.livecode .lc-body{margin:4px 0 0 3px;padding-left:12px;border-left:2px solid var(--lc-line)}
.livecode .lc-row{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}
.livecode .lc-part{margin-top:5px}
.livecode .lc-part>.lc-items{margin-left:14px}
.livecode table.lc{border-collapse:collapse;border:0;margin:3px 0 5px;font-size:12px;table-layout:auto;
  width:auto}
.livecode table.lc th,.livecode table.lc td{text-align:left;padding:2px 16px 2px 0;border:0;
  border-bottom:1px solid var(--lc-line);background:none;vertical-align:top;max-width:none;
  white-space:normal;color:inherit}
.livecode table.lc tbody tr,.livecode table.lc tbody tr:hover{background:none}
.livecode table.lc th{color:var(--lc-dim);font-weight:500}
.livecode table.lc.lc-plain{margin:0}
.livecode table.lc.lc-plain td{border:0;padding:0 12px 0 0;font-size:13px;line-height:1.55}
.livecode table.lc .lc-code,.livecode .lc-code{font-family:var(--lc-mono);font-size:12px}
.livecode td.lc-word{white-space:nowrap}
.livecode td.lc-mark{font-family:var(--lc-mono);font-weight:700;padding-right:7px!important;
  text-align:center!important}
.livecode .lc-add,.livecode table.lc .lc-add,.livecode table.lc .lc-good-t{color:var(--lc-good)}
.livecode .lc-del,.livecode table.lc .lc-del,.livecode table.lc .lc-bad-t{color:var(--lc-bad)}
.livecode .lc-warn,.livecode table.lc .lc-warn,.livecode table.lc .lc-warn-t{color:var(--lc-warn)}
.livecode table.lc .lc-mod{color:var(--lc-warn)}
.livecode table.lc .lc-keep,.livecode table.lc .lc-dim,.livecode table.lc .lc-calm-t{color:var(--lc-dim)}
.livecode pre.lc{font-family:var(--lc-mono);font-size:12px;line-height:1.5;margin:3px 0 5px;
  padding:6px 10px;background:var(--lc-soft);border:0;border-radius:5px;color:var(--lc-fg);
  overflow-x:auto;white-space:pre}
.livecode pre.lc .lc-at{font-weight:600}
.livecode pre.lc .lc-no{color:var(--lc-dim)}
.livecode pre.lc .lc-add .lc-edit,.livecode pre.lc .lc-del .lc-edit{font-weight:600;border-radius:3px;
  background:color-mix(in srgb,currentColor 22%,transparent)}
.livecode details.lc-hosts{margin-top:3px}
.livecode details.lc-hosts>summary{cursor:pointer;color:var(--lc-dim)}
"""


def report_html(report: Report, commands: Commands = IN_NOTEBOOK) -> str:
    """A Report as an HTML fragment."""
    return sheet_html(report_sheet(report, commands))


def status_html(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """What runs where. `now` in seconds since the epoch gives ages; 0.0 leaves them out."""
    return sheet_html(status_sheet(statuses, now, commands))


def attached_html(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """What a notebook is told when it has attached."""
    return sheet_html(attached_sheet(statuses, now, commands))


def history_html(history: History, now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """All versions of one module, the running one first."""
    return sheet_html(history_sheet(history, now, commands))


def services_html(workers: Sequence[Worker], now: float = 0.0) -> str:
    """Every worker of every service that can be attached."""
    return sheet_html(services_sheet(workers, now))


def diff_html(before: tuple[str, str | None], after: tuple[str, str | None], context_lines: int = 3) -> str:
    """A coloured unified diff of two named sources."""
    return sheet_html(diff_sheet(before, after, context_lines))


def sheet_html(*sheets: Sheet) -> str:
    """Sheets one below the other, as one HTML fragment with its style."""
    return framed("".join(map(_sheet, sheets)))


def framed(body: str, style: str = "") -> str:
    """A fragment with its style, and more of that where it needs more."""
    return f"<div class='livecode'><style>{_STYLE_LINE}{one_line(style)}</style>{body}</div>"


def items_html(items: Sequence[Item]) -> str:
    """Items of a sheet one below the other, for a fragment that is framed."""
    return "".join(_body(items))


def one_line(style: str) -> str:
    """CSS without line ends."""
    return "".join(line.strip() for line in style.splitlines())


_STYLE_LINE = one_line(STYLE)


def _sheet(sheet: Sheet) -> str:
    head = _head(sheet.head) if sheet.head else ""
    body = "".join(_body(sheet.items))
    return f"{head}<div class='lc-body'>{body}</div>" if head and body else head + body


def _tag(name: str, css: str, text: str) -> str:
    return f"<{name} class='{css}'>{escape(text)}</{name}>" if text else ""


def _head(head: Head) -> str:
    facts = "".join(f"{_tag('span', 'lc-fact', fact)} " for fact in head.facts)
    badge = _tag("span", f"lc-badge lc-{head.tone}", f"{head.glyph} {head.word}")
    title = _tag("span", "lc-title", head.title)
    return f"<div class='lc-head'>{badge} {title} {facts}{_hint(head.hint)}</div>"


def _hint(hint: str) -> str:
    """``undo: %hotundo`` with the command as code; words after the command stay words."""
    if not hint:
        return ""
    lead, _, rest = hint.partition(": ")
    command, bracket, tail = rest.partition(" (")
    words = f" {escape(bracket.strip() + tail)}" if bracket else ""
    return f"<span class='lc-hint'>{escape(lead)}: <code>{escape(command)}</code>{words}</span>"


def _body(items: Sequence[Item]) -> Iterator[str]:
    for kind, group in groupby(items, type):
        members = list(group)
        if kind is Entry:
            yield _entries([m for m in members if isinstance(m, Entry)])
        else:
            yield from map(_item, members)


def _item(item: Item) -> str:
    match item:
        case Note(text=text, hint=hint, mark=mark):
            warn = "<span class='lc-warn'>!</span> " if mark else ""
            return f"<div class='lc-row'><span>{warn}{escape(text)}</span> {_hint(hint)}</div>"
        case Part(title=title, facts=facts, items=items):
            told = "".join(f" {_tag('span', 'lc-fact', fact)}" for fact in facts)
            head = f"<div class='lc-row'>{_tag('span', 'lc-title', title)}{told}</div>"
            return f"<div class='lc-part'>{head}<div class='lc-items'>{''.join(_body(items))}</div></div>"
        case Hosts(rows=rows, telling=telling):
            return _hosts(rows, telling)
        case Code():
            return _code(item)
        case Table():
            return _table(item)
        case Diff(lines=lines, changed=changed):
            spans = changed or ((),) * len(lines)
            return f"<pre class='lc'>{''.join(map(_diff_line, lines, spans))}</pre>"
        case Entry():
            return _entries([item])
        case _:
            assert_never(item)


def _entries(entries: Sequence[Entry]) -> str:
    rows = "".join(
        f"<tr><td class='lc-mark lc-{_MARK_CLASSES.get(e.mark, 'keep')}'>{escape(e.mark)}</td>"
        f"<td class='lc-code'>{escape(e.name)}</td><td class='lc-word'>{escape(e.word)}</td>"
        f"<td class='lc-dim'>{escape(e.detail)}</td></tr>"
        for e in entries
    )
    return f"<table class='lc lc-plain'><tbody>{rows}</tbody></table>"


def _code(code: Code) -> str:
    width = max((len(str(number)) for number, _ in code.lines), default=1)
    shown = "".join(_code_line(code, number, text, width) for number, text in code.lines)
    rest = "" if code.column else _tag("div", "lc-row", code.message)
    source = f"<pre class='lc'>{shown}</pre>" if shown else ""
    return f"{_tag('div', 'lc-code', code.title)}{source}{rest}"


def _code_line(code: Code, number: int, text: str, width: int) -> str:
    at = number == code.line
    lead = f"<span class='lc-no'>{'→' if at else ' '} {number:>{width}} │</span> "
    line = f"{lead}{_tag('span', 'lc-at' if at else 'lc-line', text)}\n"
    if at and code.column:
        caret = f"{caret_line(text, code.column, code.end_column)} {code.message}"
        line += f"{' ' * (width + 5)}{_tag('span', 'lc-del', caret)}\n"
    return line


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td{_code_class(i, table)}>{escape(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    return f"<table class='lc'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _code_class(column: int, table: Table) -> str:
    return " class='lc-code'" if column in table.code else ""


def _diff_line(line: str, changed: Sequence[tuple[int, int]] = ()) -> str:
    css = {"+": "lc-add", "-": "lc-del", "@": "lc-dim", "\\": "lc-dim"}.get(line[:1], "lc-line")
    if not changed:
        return _tag("span", "lc-at" if line.startswith(("+++ ", "--- ")) else css, line) + "\n"
    at, parts = 0, list[str]()
    for start, end in changed:
        parts += [escape(line[at:start]), _tag("span", "lc-edit", line[start:end])]
        at = end
    return f"<span class='{css}'>{''.join(parts)}{escape(line[at:])}</span>\n"


def _hosts(rows: Sequence[WorkerRow], telling: bool) -> str:
    body = "".join(map(_worker, rows))
    head = "<th>worker</th><th>host</th><th>pid</th><th>verdict</th><th>version</th><th>time</th><th></th>"
    table = f"<table class='lc'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    count = f"{len(rows)} worker{'s' * (len(rows) != 1)}"
    return f"<details class='lc-hosts'{' open' * telling}><summary>{count}</summary>{table}</details>"


def _worker(row: WorkerRow) -> str:
    verdict = _tag("td", f"lc-{row.tone}-t", f"{row.glyph} {row.word}")
    words = "".join(f"<td>{escape(cell)}</td>" for cell in (row.versions, row.time, row.detail))
    names = f"<td class='lc-code'>{escape(row.worker)}</td><td>{escape(row.host)}</td>"
    return f"<tr>{names}<td class='lc-code'>{row.pid}</td>{verdict}{words}</tr>"
