"""Plain text of reports and overviews: complete without colours, the same words as everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import assert_never

from livecode.model.columns import GAP, columns_of, fitted, folded, natural_widths, padded
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
from livecode.model.wording import report_sheet

HINT_COLUMN = 72
"""Where the next command starts, unless the line is longer."""

CODE_COLUMNS = 100
"""How much of a long source line is shown around the caret."""


def report_text(report: Report, commands: Commands = IN_NOTEBOOK) -> str:
    """A Report as people read it in a terminal or a log."""
    return sheet_text(report_sheet(report, commands))


def status_text(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """What runs where. `now` in seconds since the epoch gives ages; 0.0 leaves them out."""
    return sheet_text(status_sheet(statuses, now, commands))


def attached_text(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """What a notebook is told when it has attached."""
    return sheet_text(attached_sheet(statuses, now, commands))


def history_text(history: History, now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> str:
    """All versions of one module, the running one first."""
    return sheet_text(history_sheet(history, now, commands))


def services_text(workers: Sequence[Worker], now: float = 0.0) -> str:
    """Every worker of every service that can be attached."""
    return sheet_text(services_sheet(workers, now))


def diff_text(before: tuple[str, str | None], after: tuple[str, str | None], context_lines: int = 3) -> str:
    """A unified diff of two named sources, ``("shop/pricing.py (disk)", source)``."""
    return sheet_text(diff_sheet(before, after, context_lines))


def sheet_text(sheet: Sheet, columns: int = 0) -> str:
    """A Sheet as plain text, without a line end after the last line.

    Args:
        sheet: What is said.
        columns: What a line may take, where that is limited: tables are folded then. 0 for as long as they are.
    """
    return "\n".join(sheet_lines(sheet, columns))


def sheet_lines(sheet: Sheet, columns: int = 0) -> list[str]:
    """The lines of `sheet_text`; those that head a table are `HeaderLine`."""
    head = [*_head(sheet.head, columns)] if sheet.head else []
    return [*head, *_body(sheet.items, "  " if sheet.head else "", columns)]


class HeaderLine(str):
    """A line that names the columns of a table."""

    __slots__ = ()


def caret_line(text: str, column: int, end_column: int) -> str:
    """Spaces and carets that stand under columns `column` to `end_column` of `text`, both 1-based.

    Tabs are kept and wide characters count twice, so that the caret stands right in a terminal.
    """
    before, marked = text[: column - 1], text[column - 1 : max(end_column - 1, column)]
    pad = "".join("\t" if c == "\t" else " " * columns_of(c) for c in before)
    return pad + " " * (column - 1 - len(before)) + "^" * max(columns_of(marked), 1)


def _with_hint(text: str, hint: str, columns: int) -> Iterator[str]:
    """The next command stands at the right; below, where it does not fit."""
    if not hint:
        yield text.rstrip()
    elif not columns or max(columns_of(text), HINT_COLUMN - 4) + 4 + columns_of(hint) <= columns:
        yield f"{padded(text, HINT_COLUMN - 4)}    {hint}"
    elif columns_of(text) + 4 + columns_of(hint) <= columns:
        yield f"{padded(text, columns - columns_of(hint) - 4)}    {hint}"
    else:
        yield text.rstrip()
        yield f"    {hint}"


def _head(head: Head, columns: int) -> Iterator[str]:
    text = "  ".join(filter(None, (f"{head.glyph} {head.word}", head.title, *head.facts)))
    return _with_hint(text, head.hint, columns)


def _body(items: Sequence[Item], indent: str, columns: int) -> Iterator[str]:
    for kind, group in groupby(items, type):
        members = list(group)
        if kind is Entry:
            yield from (indent + line for line in _entries([m for m in members if isinstance(m, Entry)]))
        else:
            yield from (line for item in members for line in _item(item, indent, columns))


def _item(item: Item, indent: str, columns: int) -> Iterator[str]:
    match item:
        case Note(text=text, hint=hint, mark=mark):
            lead = f"{indent}{mark} " if mark else indent
            *before, last = folded(text, columns - columns_of(lead)) if columns else [text]
            for number, line in enumerate(before):
                yield (" " * columns_of(lead) if number else lead) + line
            yield from _with_hint((" " * columns_of(lead) if before else lead) + last, hint, columns)
        case Part(title=title, facts=facts, items=items):
            yield indent + "  ".join((title, *facts))
            yield from _body(items, indent + "  ", columns)
        case Hosts(rows=rows, telling=telling):
            yield from (indent + line for line in _hosts(rows) if telling)
        case Code():
            yield from (indent + line for line in _code(item))
        case Table():
            yield from _table(item, indent, columns)
        case Diff(lines=lines):
            yield from (indent + line for line in lines)
        case Entry():
            yield from (indent + line for line in _entries([item]))
        case _:
            assert_never(item)


def _entries(entries: Sequence[Entry]) -> Iterator[str]:
    name_width = min(max(len(e.name) for e in entries), 30)
    word_width = min(max((len(e.word) for e in entries if e.detail), default=0), 64)
    for entry in entries:
        mark = f"{entry.mark} " if entry.mark else ""
        yield f"{mark}{entry.name:<{name_width}}  {entry.word:<{word_width}}  {entry.detail}".rstrip()


def _code(code: Code) -> Iterator[str]:
    if not code.column:
        yield "  ".join([code.title, *(text.strip() for _, text in code.lines)])
        yield code.message
        return
    yield code.title
    number_width = max((len(str(number)) for number, _ in code.lines), default=1)
    for number, text in code.lines:
        arrow = "→" if number == code.line else " "
        text, column, end_column = _crop(text, code, number)
        yield f"{arrow}  {number:>{number_width}} | {text}".rstrip()
        if number == code.line:
            lead = " " * (number_width + 6)
            yield f"{lead}{caret_line(text, column, end_column)} {code.message}"


def _crop(text: str, code: Code, number: int) -> tuple[str, int, int]:
    """A window of a long line, around the caret if it is in this line."""
    column, end_column = (code.column, code.end_column) if number == code.line else (0, 0)
    start = max(column - CODE_COLUMNS // 2, 0) if column > CODE_COLUMNS - 10 else 0
    cropped = text[start : start + CODE_COLUMNS]
    tail = "…" if len(text) > start + CODE_COLUMNS else ""
    if not start:
        return cropped + tail, column, min(end_column, CODE_COLUMNS + 1)
    return "…" + cropped + tail, column - start + 1, min(end_column - start + 1, CODE_COLUMNS + 2)


def _table(table: Table, indent: str, columns: int) -> Iterator[str]:
    widths = fitted(table, columns - len(indent)) if columns else natural_widths(table)
    for number, row in enumerate((table.header, *table.rows)):
        folds = [folded(cell, width) for cell, width in zip(row, widths, strict=True)]
        for at in range(max(map(len, folds))):
            cells = (fold[at] if at < len(fold) else "" for fold in folds)
            line = indent + GAP.join(padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()
            yield line if number else HeaderLine(line)


def _hosts(rows: Sequence[WorkerRow]) -> Iterator[str]:
    width = max(columns_of(row.host) for row in rows)
    for host, group in groupby(sorted(rows, key=lambda row: row.host), key=lambda row: row.host):
        marks = " ".join(f"{row.worker} {row.glyph}{' ' + row.detail if row.detail else ''}" for row in group)
        yield f"{padded(host, width)}   {marks}"
