"""What runs where, in words: the status of a service, the history of a module, two sources compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from livecode.model.difference import Side, compare, difference_sheet
from livecode.model.headline import short, version
from livecode.model.nouns import DiskState, History, ModuleStatus, ProcessStatus, Worker
from livecode.model.sheet import (
    IN_NOTEBOOK,
    Commands,
    Head,
    Item,
    Note,
    Sheet,
    Table,
    Tone,
)

_DISK_WORDS = {
    DiskState.SAME: "same",
    DiskState.DIFFERS: "differs",
    DiskState.NO_FILE: "no file",
    DiskState.UNREADABLE: "unreadable",
}
_DIFFERING_SHOWN = 8

_SPANS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def age(then: float, now: float) -> str:
    """How long ago something was, in its largest unit; empty where one of the two times is not known."""
    if not then or not now:
        return ""
    return f"{passed} ago" if (passed := span(then, now)) else "just now"


def span(then: float, now: float) -> str:
    """How long it is from one time to another, in its largest unit; empty below a second."""
    passed = max(now - then, 0.0)
    for seconds, name in _SPANS:
        if passed >= seconds:
            count = int(passed // seconds)
            return f"{count} {name}{'s' * (count != 1)}"
    return ""


def status_sheet(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> Sheet:
    """Modules by version, checksum and worker; then the workers."""
    return Sheet(_status_head("STATUS", statuses, ""), tuple(_status_items(statuses, now, commands)))


def attached_sheet(statuses: Sequence[ProcessStatus], now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> Sheet:
    """What a notebook is told when it has attached to a service."""
    leave = f"leave: {commands.detach} (never stops the service)" if commands.detach else ""
    items: list[Item] = []
    patches = [m for m in _distinct(statuses) if _patched(m)]
    if patches:
        look = f"list: {commands.status}" if commands.status else ""
        items.append(Note(f"live patches: {len(patches)} ({_patches(patches, now)})", look))
    items += _busy(statuses)
    return Sheet(_status_head("ATTACHED", statuses, leave), tuple(items))


def history_sheet(history: History, now: float = 0.0, commands: Commands = IN_NOTEBOOK) -> Sheet:
    """All versions of one module, the running one first."""
    current = history.current
    if current is None:
        return Sheet(Head("○", "HISTORY", Tone.CALM, history.module, ("never pushed, not tracked",)))
    undo = f"back: {commands.undo} {history.module} --to VERSION" if commands.undo else ""
    rows = tuple(
        (
            version(v.number),
            short(v.checksum) or "unloaded",
            f"restores {version(v.restores)}" if v.restores is not None else "",
            v.author,
            age(v.since, now),
            v.reason,
        )
        for v in reversed(history.versions)
    )
    table = Table(("version", "checksum", "", "author", "when", "reason"), rows, code=(0, 1))
    facts = (f"{version(current.number)} runs",)
    return Sheet(Head("●", "HISTORY", Tone.CALM, history.module, facts, undo), (table,))


def diff_sheet(before: tuple[str, str | None], after: tuple[str, str | None], context_lines: int = 3) -> Sheet:
    """A unified diff of two named sources; None stands for a source that is not there."""
    (before_name, before_source), (after_name, after_source) = before, after
    for name, source in (before, after):
        if source is None:
            return Sheet(Head("○", "NO SOURCE", Tone.CALM, name))
    texts = before_source, after_source
    return difference_sheet(compare("", Side(before_name), Side(after_name), texts, context_lines))


def services_sheet(workers: Sequence[Worker], now: float = 0.0) -> Sheet:
    """Every worker of every service that can be attached."""
    if not workers:
        way = "in a service, call livecode.listen('shop')"
        return Sheet(Head("○", "NO SERVICE", Tone.CALM, "nothing listens", (way,)))
    rows = tuple((w.service, w.name, str(w.pid), w.host, w.python, w.livecode, age(w.started, now)) for w in workers)
    header = ("service", "worker", "pid", "host", "Python", "livecode", "started")
    return Sheet(None, (Table(header, rows, code=(0, 1, 2, 4, 5)),))


def _status_head(word: str, statuses: Sequence[ProcessStatus], hint: str) -> Head:
    if not statuses:
        return Head("○", word, Tone.CALM, "no worker answers", (), hint)
    workers = [status.worker for status in statuses]
    return Head("●", word, Tone.GOOD, _name(workers), tuple(_workers_facts(workers)), hint)


def _name(workers: Sequence[Worker]) -> str:
    return workers[0].service or "this process"


def _workers_facts(workers: Sequence[Worker]) -> Iterator[str]:
    hosts = {w.host for w in workers}
    if workers[0].service:
        on = f" on {len(hosts)} hosts" if len(hosts) > 1 else f" on {next(iter(hosts))}"
        yield f"{len(workers)} worker{'s' * (len(workers) != 1)}{on}"
    else:
        yield f"pid {workers[0].pid}"
    yield "Python " + ", ".join(sorted({w.python for w in workers}))


def _status_items(statuses: Sequence[ProcessStatus], now: float, commands: Commands) -> Iterator[Item]:
    rows = tuple(_module_rows(statuses, now))
    if rows:
        header = ("module", "version", "checksum", "workers", "on disk", "author", "since", "reason")
        yield Table(_shown(header, rows)[0], _shown(header, rows)[1], code=(0, 1, 2))
    else:
        yield Note("no module was pushed, and none below a tracked folder is loaded")
    yield from _busy(statuses)
    yield from _places_in_log(statuses, commands)
    for module in _distinct(statuses):
        for call in module.still_old:
            yield Note(f"{module.module}: still inside old code: {call}", mark="!")
        if module.old_gone and not module.still_old:
            when = age(module.old_gone, now)
            yield Note(f"{module.module}: the last call inside old code ended{f' {when}' if when else ''}")
        for value, maker in module.old_makes:
            again = commands.rerun.format(f"{module.module}.{value}") if commands.rerun else ""
            way = f": {again} makes it again" if again else ""
            yield Note(f"{module.module}: {value} was made by {maker}() as it was before{way}", mark="!")
        if module.held:
            yield Note(f"{module.module}: unloaded, still held: {module.held}", mark="!")
    yield from _differing([m.module for m in _distinct(statuses) if m.disk is DiskState.DIFFERS], commands)
    if statuses and statuses[0].worker.service:
        yield _worker_table(statuses, now)


def _differing(modules: Sequence[str], commands: Commands) -> Iterator[Note]:
    """What differs from its file, one by one, or counted: the table above says it of each."""
    if not commands.diff:
        return
    if len(modules) > _DIFFERING_SHOWN:
        yield Note(f"{len(modules)} modules differ from disk", f"compare: {commands.diff.format('').rstrip()}")
        return
    for module in modules:
        yield Note(f"{module} differs from disk", f"compare: {commands.diff.format(module)}")


def _shown(
    header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The columns in which at least one row says something."""
    used = [i for i in range(len(header)) if any(row[i] for row in rows)]
    return tuple(header[i] for i in used), tuple(tuple(row[i] for i in used) for row in rows)


def _busy(statuses: Iterable[ProcessStatus]) -> Iterator[Note]:
    for status in statuses:
        if status.busy:
            yield Note(f"{status.worker.name} is busy: {status.busy}", mark="!")


def _places_in_log(statuses: Sequence[ProcessStatus], commands: Commands) -> Iterator[Note]:
    """Who is not where the log says, and why."""
    newest = max((status.generation for status in statuses), default=0)
    for trial in dict.fromkeys(status.trial for status in statuses if status.trial):
        yield Note(f"on trial at this moment: {trial}", mark="!")
    for name in dict.fromkeys(name for status in statuses for name in status.stale):
        where = _which([status.worker for status in statuses if name in status.stale], len(statuses))
        way = f"remove it: {commands.drop.format(name)}" if commands.drop else ""
        yield Note(f"{name}: the patch is stale on {where}: its file has changed since, and runs there", way, "!")
    for status in statuses:
        if status.trouble:
            yield Note(f"{status.worker.name}: {status.trouble}", mark="!")
        elif status.generation < newest and not status.busy:
            yield Note(f"{status.worker.name} is at generation {status.generation} of {newest}", mark="!")


def _module_rows(statuses: Sequence[ProcessStatus], now: float) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, int, str, DiskState], list[tuple[Worker, ModuleStatus]]] = {}
    for status in statuses:
        for m in status.modules:
            groups.setdefault((m.module, m.version, m.checksum, m.disk), []).append((status.worker, m))
    for (name, number, digest, disk), members in sorted(groups.items()):
        first = members[0][1]
        yield (
            name,
            version(number) if digest else "unloaded",
            short(digest),
            _which([worker for worker, _ in members], len(statuses)),
            _DISK_WORDS[disk] if digest else "",
            first.author,
            age(first.since, now),
            first.reason,
        )


def _which(workers: Sequence[Worker], total: int) -> str:
    if not workers[0].service:
        return ""
    return f"{total}/{total}" if len(workers) == total else " ".join(w.name for w in workers)


def _distinct(statuses: Sequence[ProcessStatus]) -> list[ModuleStatus]:
    found: dict[str, ModuleStatus] = {}
    for status in statuses:
        for module in status.modules:
            found.setdefault(module.module, module)
    return list(found.values())


def _patched(module: ModuleStatus) -> bool:
    return bool(module.checksum) and module.disk is not DiskState.SAME


def _patches(modules: Sequence[ModuleStatus], now: float) -> str:
    first = modules[0]
    since = age(first.since, now)
    words = [f"{first.module} {version(first.version)}", *([since] if since else []), "not on disk"]
    return ", ".join(words) + (f", and {len(modules) - 1} more" if len(modules) > 1 else "")


def _worker_table(statuses: Sequence[ProcessStatus], now: float) -> Table:
    rows = tuple(
        (w.name, str(w.pid), w.host, w.python, age(w.started, now), str(s.pushes), _generation(s))
        for s in statuses
        for w in (s.worker,)
    )
    header = ("worker", "pid", "host", "Python", "listens since", "pushes", "generation")
    shown, cells = _shown(header, rows)
    return Table(shown, cells, code=(0, 1, 3))


def _generation(status: ProcessStatus) -> str:
    return str(status.generation) if status.generation else ""
