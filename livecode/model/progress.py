"""A push in words while it is under way. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livecode.model.canary import canary_items
from livecode.model.headline import subject
from livecode.model.measured import CanaryResult
from livecode.model.nouns import Worker
from livecode.model.report import Outcome, Report, Verdict
from livecode.model.sheet import Head, Item, Sheet, Table, Tone
from livecode.model.wording import worker_rows

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


def _items(report: Report, workers: Sequence[Worker], canary: CanaryResult | None) -> Iterator[Item]:
    said = {row.worker: (f"{row.glyph} {row.word}", row.versions, row.time, row.detail) for row in worker_rows(report)}
    rows = (
        (worker.name, worker.host, str(worker.pid), *said.get(worker.name, ("waiting", "", "", "")))
        for worker in workers
    )
    if workers:
        yield Table(_HEADER, tuple(rows), code=(0, 2))
    if canary is not None:
        yield from canary_items(canary, report.modules)
