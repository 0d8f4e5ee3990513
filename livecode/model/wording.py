"""A Report in words: what changed, what went wrong, what was kept, by module and worker. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from livecode.model.canary import canary_items
from livecode.model.headline import (
    ERROR_WORDS,
    LOOKS,
    OVERRUN,
    alone,
    duration,
    headline,
    module_facts,
    outcomes_of,
    step,
    workers_text,
)
from livecode.model.nouns import DiskState
from livecode.model.report import (
    Change,
    ChangeKind,
    Failure,
    Frame,
    ModuleOutcome,
    Outcome,
    Refusal,
    Report,
    Verdict,
)
from livecode.model.sheet import (
    IN_NOTEBOOK,
    Code,
    Commands,
    Diff,
    Entry,
    Hosts,
    Item,
    Note,
    Part,
    Sheet,
    Tone,
    WorkerRow,
)

MARKS: dict[ChangeKind, str] = {
    ChangeKind.ADDED: "+",
    ChangeKind.CHANGED: "~",
    ChangeKind.REMOVED: "-",
    ChangeKind.MOVED: "=",
    ChangeKind.RERUN: "↻",
    ChangeKind.KEPT: "=",
    ChangeKind.STALE: "!",
}

_QUIET = (ChangeKind.KEPT, ChangeKind.MOVED)
_QUIET_WORDS = {ChangeKind.KEPT: "kept, not re-run", ChangeKind.MOVED: "moved, not re-run"}
_NAMES_SHOWN = 8
_MODULES_SHOWN = 12
"""So many modules of one push are told one by one; of more, those that nothing odd is said of are counted."""
_FRAMES_SHOWN = 6
_DIFF_LINES_SHOWN = 40

T = TypeVar("T")


def report_sheet(report: Report, commands: Commands = IN_NOTEBOOK) -> Sheet:
    """Everything that a Report says."""
    return Sheet(head=headline(report, commands), items=tuple(_items(report, commands)))


def _items(report: Report, commands: Commands) -> Iterator[Item]:
    if report.failure:
        yield from _failure(report.failure, report.verdict)
    yield from _refusals(report, lambda o: o.refusals)
    yield from _overrun(report)
    if report.canary is not None:
        yield from canary_items(report.canary, report.modules)
    yield from _safe_part(report)
    for failure, tag in _by_worker(report, lambda o: (o.failure,) if o.failure else ()):
        yield from _failure(failure, report.verdict, tag)
    if report.verdict is Verdict.ROLLED_BACK:
        yield from _tried(report)
    yield from _effects(report)
    if report.ok:
        yield from _modules(report, commands)
        yield from _left_out(report)
    for warning, tag in _by_worker(report, lambda o: o.warnings):
        yield Note(tag + warning, mark="!")
    if report.verdict in (Verdict.UNKNOWN, Verdict.HALTED):
        yield from _elsewhere(report)
    if report.outcomes and not alone(report):
        yield Hosts(tuple(worker_rows(report)), telling=len({o.verdict for o in report.outcomes}) > 1)


def _by_worker(report: Report, get: Callable[[Outcome], Iterable[T]]) -> Iterator[tuple[T, str]]:
    """Each different thing that workers said, with ``[w1 w3] `` before it unless all of them said it."""
    said: dict[T, list[Outcome]] = {}
    for outcome in report.outcomes:
        for thing in dict.fromkeys(get(outcome)):
            said.setdefault(thing, []).append(outcome)
    total = max(report.workers, len(report.outcomes))
    for thing, outcomes in said.items():
        everywhere = len(outcomes) == total or report.verdict is Verdict.ROLLED_BACK
        yield thing, "" if everywhere or alone(report) else f"[{workers_text(outcomes, ' ')}] "


def _modules(report: Report, commands: Commands) -> Iterator[Item]:
    names = tuple(dict.fromkeys((*report.modules, *(m.module for o in report.outcomes for m in o.modules))))
    counted: list[Part] = []
    for place, name in enumerate(names):
        outcomes = outcomes_of(report, name)
        said = tuple(_module(report, outcomes, commands)) if outcomes else ()
        if (name,) == report.modules:
            yield from said
        elif place < _MODULES_SHOWN or any(item.mark == "!" for item in said):
            yield Part(name, module_facts(outcomes), said)
        else:
            counted.append(Part(name, module_facts(outcomes), said))
    yield from counted if len(counted) == 1 else _counted(counted)


def _counted(parts: Sequence[Part]) -> Iterator[Note]:
    """What many modules of one push have in common, such as those of a checkout."""
    if parts:
        words = [item.word for part in parts for item in part.items if isinstance(item, Entry) and item.mark in "+~-↻"]
        changes = "".join(f", {words.count(word)} {word}" for word in dict.fromkeys(words))
        yield Note(f"… and {len(parts)} more modules{changes}:  {_some([part.title for part in parts])}")


def _module(report: Report, outcomes: Sequence[ModuleOutcome], commands: Commands) -> Iterator[Entry | Note]:
    name = outcomes[0].module
    yield from _changes(next((o.changes for o in outcomes if o.changes), ()), commands)
    if len({(o.before, o.after) for o in outcomes}) > 1:
        steps = _by_worker(report, lambda o: map(step, _of(o, name)))
        yield Note("versions differ: " + ", ".join(tag + step for step, tag in steps), mark="!")
    for call, tag in _by_worker(report, lambda o: (c for m in _of(o, name) for c in m.still_old)):
        yield Note(f"{tag}still inside old code: {call}", mark="!")
    for holder, tag in _by_worker(report, lambda o: (h for m in _of(o, name) for h in m.held)):
        yield Note(f"{tag}still held: {holder}", mark="!")
    if report.verdict is Verdict.LIVE:
        yield from _disk(outcomes[0], commands)


def _of(outcome: Outcome, module: str) -> Iterator[ModuleOutcome]:
    return (m for m in outcome.modules if m.module == module)


def _changes(changes: Sequence[Change], commands: Commands) -> Iterator[Entry]:
    for change in changes:
        if change.kind not in _QUIET:
            offered = commands.rerun if change.rerun else ""
            way = f": {offered.format(change.rerun)} makes it again" if offered else ""
            yield Entry(MARKS[change.kind], change.name, change.kind.value, change.detail + way)
    quiet: dict[tuple[ChangeKind, str], list[str]] = {}
    for change in changes:
        if change.kind in _QUIET:
            quiet.setdefault((change.kind, change.detail), []).append(change.name)
    for (kind, detail), names in quiet.items():
        words = _QUIET_WORDS[kind] + (f": {detail}" if detail else "")
        yield Entry(MARKS[kind], _some(names), words)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _keep(module: str, commands: Commands) -> str:
    """How what was pushed gets onto the disk, or at least how it differs."""
    if commands.save:
        return f"keep: {commands.save.format(module)}"
    return f"compare: {commands.diff.format(module)}" if commands.diff else ""


def _disk(outcome: ModuleOutcome, commands: Commands) -> Iterator[Note]:
    if not outcome.after:
        return
    match outcome.disk:
        case DiskState.DIFFERS:
            lines = f" (+{outcome.lines_added} −{outcome.lines_removed})"
            yield Note(f"differs from {outcome.file or 'its file'} on disk{lines}", _keep(outcome.module, commands))
        case DiskState.NO_FILE:
            yield Note("has no file on disk: it lives as long as the process")
        case DiskState.UNREADABLE:
            yield Note(f"{outcome.file or 'its file'} cannot be read", mark="!")
        case DiskState.SAME:
            pass


def _refusals(report: Report, get: Callable[[Outcome], Iterable[Refusal]]) -> Iterator[Entry]:
    said = [(refusal, "") for refusal in report.refusals]
    said += [(r, tag) for r, tag in _by_worker(report, get) if r not in report.refusals]
    for refusal, tag in said:
        way_out = f"→ {refusal.way_out}" if refusal.way_out else ""
        yield Entry("", refusal.code, tag + _place(refusal, report) + refusal.what, way_out)


def _overrun(report: Report) -> Iterator[Item]:
    """What somebody else pushed meanwhile against what was to be pushed, and how to go on."""
    if report.diff:
        yield Diff(report.diff[:_DIFF_LINES_SHOWN])
    if len(report.diff) > _DIFF_LINES_SHOWN:
        yield Note(f"… {len(report.diff) - _DIFF_LINES_SHOWN} more lines")
    if report.again and any(refusal.code == OVERRUN for refusal in report.refusals):
        yield Note(f"to replace it:  {report.again}")


def _safe_part(report: Report) -> Iterator[Note]:
    """What could be applied without the rest of a refused push, and how."""
    for count, tag in _by_worker(report, lambda o: (o.safe_changes,) if o.safe_changes else ()):
        other = "1 other change is safe" if count == 1 else f"{count} other changes are safe"
        yield Note(f"{tag}{other}:  {report.again + ' --safe-part' if report.again else 'safe_part=True applies them'}")


def _left_out(report: Report) -> Iterator[Item]:
    left = tuple(_refusals(report, lambda o: o.left_out))
    if left:
        yield Note("left out, it runs as before:" if len(left) == 1 else "left out, they run as before:", mark="!")
        yield from left


def _place(refusal: Refusal, report: Report) -> str:
    parts = [refusal.module] if refusal.module and len(report.modules) > 1 else []
    parts += [f"line {refusal.line}"] if refusal.line else []
    parts += [f"line {refusal.old_line} of what runs"] if refusal.old_line else []
    return ", ".join(parts) + ": " if parts else ""


def _failure(failure: Failure, verdict: Verdict, tag: str = "") -> Iterator[Item]:
    if not failure.module:
        yield Note(tag + (failure.message or failure.type), mark="!")
        return
    compiling = verdict is Verdict.NOT_SENT or failure.type in ERROR_WORDS
    message = failure.message if compiling else f"{failure.type}: {failure.message}".removesuffix(": ")
    where = tag + failure.module + (f", line {failure.line}" if failure.line else "")
    where += f" ({failure.origin})" if failure.origin else ""
    lines = failure.source if failure.column else tuple(pair for pair in failure.source if pair[0] == failure.line)
    where += ":" if lines and not failure.column else ""
    yield Code(where, lines, failure.line, failure.column, failure.end_column, message)
    yield from _frames(failure)


def _frames(failure: Failure) -> Iterator[Note]:
    own = [f for f in failure.frames if f.own and (f.chunk, f.line) != (failure.module, failure.line)]
    for frame in own[-_FRAMES_SHOWN:]:
        yield Note(_frame(frame))
    other = sum(not f.own for f in failure.frames)
    if other:
        yield Note(f"… {other} frame{'s' * (other != 1)} of other code")


def _frame(frame: Frame) -> str:
    text = f":  {frame.text.strip()}" if frame.text else ""
    return f"from {frame.chunk}, line {frame.line}, in {frame.function}{text}"


def _tried(report: Report) -> Iterator[Note]:
    tried = [o for o in report.outcomes if o.verdict is Verdict.ROLLED_BACK]
    spared = max(report.workers, len(report.outcomes)) - len(tried)
    if not tried or not spared:
        return
    time = duration(_total_ms(tried[0]))
    others = "the other worker" if spared == 1 else f"{spared} workers"
    yield Note(f"tried on {workers_text(tried)} only{f' ({time})' if time else ''}; {others} never saw it")


def _effects(report: Report) -> Iterator[Note]:
    steps = max((o.undone for o in report.outcomes), default=0)
    if steps:
        yield Note(f"undone: {steps} step{'s' * (steps != 1)}")
    for effect, tag in _by_worker(report, lambda o: o.not_undone):
        yield Note(f"{tag}could not undo: {effect}", mark="!")


def _elsewhere(report: Report) -> Iterator[Note]:
    """What the workers that did answer run now."""
    answered = [o for o in report.outcomes if o.verdict not in (Verdict.UNKNOWN, Verdict.HALTED)]
    for name in report.modules:
        running: dict[int, list[Outcome]] = {}
        for outcome in answered:
            for module in outcome.modules:
                if module.module == name:
                    running.setdefault(module.after, []).append(outcome)
        for number, outcomes in running.items():
            state = f"v{number} is live" if number else "not loaded"
            yield Note(f"{name}: {state} on {workers_text(outcomes)}")


def worker_rows(report: Report) -> Iterator[WorkerRow]:
    """One row for every worker that has answered."""
    for outcome in report.outcomes:
        went_well = outcome.ok or outcome.verdict is Verdict.UNDONE
        glyph, tone = LOOKS[Verdict.LIVE if went_well else outcome.verdict]
        yield WorkerRow(
            host=outcome.worker.host,
            worker=outcome.worker.name,
            pid=outcome.worker.pid,
            glyph=glyph,
            word=outcome.verdict.value,
            tone=Tone.WARN if outcome.verdict is Verdict.UNDONE else tone,
            versions=", ".join(step(m) for m in outcome.modules if m.module in report.modules),
            time=duration(_total_ms(outcome)),
            detail="" if went_well else _why(outcome),
        )


def _total_ms(outcome: Outcome) -> float:
    phases = dict(outcome.timings_ms)
    return phases.get("total", sum(phases.values()))


def _why(outcome: Outcome) -> str:
    if outcome.failure:
        failure = outcome.failure
        return f"{failure.type}, {failure.module} line {failure.line}" if failure.line else failure.type
    return ", ".join(refusal.code for refusal in outcome.refusals)
