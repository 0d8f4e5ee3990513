"""Services in one line each, as `livecode ps` lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from livecode.model.log import State, WorkerReport
from livecode.model.nouns import Worker
from livecode.model.overview import age, span
from livecode.model.sheet import Head, Item, Note, Sheet, Table, Tone

_HEADER = ("service", "workers", "hosts", "Python", "generation", "up", "patches", "differs", "at")
_HOSTS_SHOWN = 2
_DIFFERING_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """One service, and what its log says of it.

    Attributes:
        service: Its name.
        workers: Those that are there now, called w1, w2, … by host and process id.
        generation: The newest generation of its log; 0 where nobody has pushed.
        patches: How many modules run another source than their files say.
        differing: Who does not run what the log says, and of which module, as ``w2: shop.pricing``.
        store: The URL of its log, without a password; empty for the one beside its sockets.
        place: Where it was looked for, such as ``ssh://host``; empty for this machine and its stores.
        trouble: Why its log cannot be read; else empty.
    """

    service: str
    workers: tuple[Worker, ...]
    generation: int = 0
    patches: int = 0
    differing: tuple[str, ...] = ()
    store: str = ""
    place: str = ""
    trouble: str = ""


def who_differs(workers: Sequence[Worker], state: State, reports: Sequence[WorkerReport]) -> tuple[str, ...]:
    """Who runs something else than the log says, by what they report of themselves.

    A worker that has not imported a module says nothing of it: it will import what was pushed.
    """
    said = {report.worker.key: report for report in reports}
    return tuple(
        f"{worker.name}: {what}"
        for worker in workers
        if (report := said.get(worker.key)) is not None and (what := _difference(report, state))
    )


def _difference(report: WorkerReport, state: State) -> str:
    held = {each.module: each.digest for each in report.held}
    other = {name for name, patch in state.by_module.items() if held.get(name, patch.digest) != patch.digest}
    return ", ".join(sorted({*other, *report.stale})) or report.trouble


def summaries_sheet(
    services: Sequence[ServiceSummary], now: float = 0.0, troubles: Sequence[str] = (), *, workers: bool = False
) -> Sheet:
    """One row a service; then one a worker, if they are wanted.

    Args:
        services: What was found.
        now: Seconds since the epoch.
        troubles: What kept some from being found.
        workers: True to list the workers, too.
    """
    notes = tuple(Note(trouble, mark="!") for trouble in troubles)
    if not services:
        way = "in a service, call livecode.listen('shop')"
        return Sheet(Head("○", "NO SERVICE", Tone.CALM, "nothing listens", (way,)), notes)
    return Sheet(None, (*_items(services, now, workers=workers), *notes))


def _items(services: Sequence[ServiceSummary], now: float, *, workers: bool) -> Iterator[Item]:
    yield _shown(_HEADER, tuple(_row(each, now) for each in services), code=("service", "Python", "generation"))
    for each in services:
        if each.trouble:
            yield Note(f"{each.service}: {each.trouble}", mark="!")
        for who in each.differing[_DIFFERING_SHOWN:] if workers else ():
            yield Note(f"{each.service}: differs: {who}", mark="!")
    if workers:
        header = ("service", "worker", "pid", "host", "Python", "livecode", "started")
        rows = tuple(
            (w.service, w.name, str(w.pid), w.host, w.python, w.livecode, age(w.started, now))
            for each in services
            for w in each.workers
        )
        yield Note("")
        yield _shown(header, rows, code=("service", "worker", "pid", "Python", "livecode"))


def _row(each: ServiceSummary, now: float) -> tuple[str, ...]:
    started = [worker.started for worker in each.workers if worker.started]
    return (
        each.service,
        str(len(each.workers)),
        _some(sorted({worker.host for worker in each.workers}), _HOSTS_SHOWN, "hosts"),
        ", ".join(sorted({worker.python for worker in each.workers})),
        str(each.generation) if each.generation else "",
        span(min(started), now) if started else "",
        str(each.patches) if each.patches else "",
        _some(each.differing, _DIFFERING_SHOWN, "workers"),
        each.place or each.store,
    )


def _some(names: Sequence[str], shown: int, what: str) -> str:
    return ", ".join(names) if len(names) <= shown else f"{len(names)} {what}"


def _shown(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], code: tuple[str, ...]) -> Table:
    """A table of the columns in which at least one row says something."""
    used = [i for i in range(len(header)) if any(row[i] for row in rows)]
    cells = tuple(tuple(row[i] for i in used) for row in rows)
    names = tuple(header[i] for i in used)
    return Table(names, cells, code=tuple(i for i, name in enumerate(names) if name in code))
