"""A push in words while it is under way. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from livecode.model.canary import canary_items
from livecode.model.headline import subject
from livecode.model.measured import CanaryResult
from livecode.model.nouns import Worker
from livecode.model.report import Outcome, Report, Verdict
from livecode.model.sheet import Head, Item, Note, Sheet, Table, Tone
from livecode.model.wording import worker_rows

WAITING = "waiting"
_HEADER = ("worker", "host", "pid", "", "version", "time", "")


def progress_sheet(
    modules: Sequence[str], workers: Sequence[Worker], outcomes: Sequence[Outcome], canary: CanaryResult | None
) -> Sheet:
    """What is known so far.

    Args:
        modules: What is pushed.
        workers: Who will answer.
        outcomes: Who has answered, and what.
        canary: What was measured so far.
    """
    report = Report(Verdict.LIVE, tuple(modules), tuple(outcomes), len(workers))
    fact = f"{len(outcomes)} of {len(workers)} workers so far" if workers else "no worker has answered so far"
    head = Head("…", "PUSHING", Tone.CALM, subject(report), (fact,))
    return Sheet(head, tuple(_items(report, workers, canary)))


def shortened(sheet: Sheet, lines: int) -> Sheet:
    """The sheet in so many lines at most: of a long table, what went wrong, who is waited for, and how many more."""
    long = next((item for item in sheet.items if isinstance(item, Table)), None)
    room = lines - len(sheet.items) - 1
    if long is None or len(long.rows) <= max(room, 1):
        return sheet
    shown = sorted(long.rows, key=_urgency)[: max(room - 1, 1)]
    kept = set(shown)
    left = Counter(row[3] for row in long.rows if row not in kept)
    more = Note(f"… {sum(left.values())} more: " + ", ".join(f"{count} {word}" for word, count in left.items()))
    table = Table(long.header, tuple(row for row in long.rows if row in kept), long.code)
    items = [each for item in sheet.items for each in ((table, more) if item is long else (item,))]
    return Sheet(sheet.head, tuple(items))


def _urgency(row: tuple[str, ...]) -> int:
    """Rows of a table of workers: what went wrong says why, and comes first."""
    return 0 if row[-1] else 1 if row[3] == WAITING else 2


def _items(report: Report, workers: Sequence[Worker], canary: CanaryResult | None) -> Iterator[Item]:
    said = {row.worker: (f"{row.glyph} {row.word}", row.versions, row.time, row.detail) for row in worker_rows(report)}
    rows = (
        (worker.name, worker.host, str(worker.pid), *said.get(worker.name, (WAITING, "", "", ""))) for worker in workers
    )
    if workers:
        yield Table(_HEADER, tuple(rows), code=(0, 2))
    if canary is not None:
        yield from canary_items(canary, report.modules)
