"""What the panel shows of a look, as plain data: texts, numbers, tones; the browser draws it and counts the ages.

    service, place, facts, away, generation
    workers    those that are not in step first: name, host, pid, python, started, pushes, generation, state, tone
    modules    module, version, checksum, on, differs, disk, author, since, reason, undo
    old        module, function, version, place, count, on
    pushes     generation, what, author, at, reason, outcome, tone
    errors     generation, what, worker, verdict, why, at
    canary     see `livecode.front.panel.canary`
    last       what "undo the last push" would take back

Times are seconds since the epoch, 0 where they are not known. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from livecode.front.panel.canary import canary_of
from livecode.model.headline import short, version
from livecode.model.log import Action, CanaryNow
from livecode.model.nouns import DiskState, ModuleStatus, ProcessStatus, Worker
from livecode.model.pushes import LoggedPush, module_words, outcome_words
from livecode.model.sheet import Tone

Plain: TypeAlias = dict[str, Any]

NAMES_SHOWN = 4
ERRORS_SHOWN = 12

_DISK = {
    DiskState.SAME: ("same", Tone.GOOD),
    DiskState.DIFFERS: ("differs", Tone.WARN),
    DiskState.NO_FILE: ("no file", Tone.CALM),
    DiskState.UNREADABLE: ("unreadable", Tone.BAD),
}
_CALL = re.compile(
    r"(?:(?P<count>\d+) × )?(?P<function>.+?\(\)) of v(?P<version>\d+) \((?P<place>[^()]*)\)(?P<more>.*)"
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Attributes:
        service: The name of the service; empty for the notebook's own process.
        place: Where it is; empty for this machine.
        statuses: What each worker runs.
        pushes: The last ones, newest first.
        canary: The one that runs at this moment.
        away: Why nothing can be seen at this moment, in words: what is shown was seen before; else empty.
    """

    service: str
    place: str = ""
    statuses: tuple[ProcessStatus, ...] = ()
    pushes: tuple[LoggedPush, ...] = ()
    canary: CanaryNow | None = None
    away: str = ""


def plain(look: Look) -> Plain:
    """All that the panel shows of a look."""
    return {
        "service": look.service or "this process",
        "place": look.place,
        "facts": list(_facts(look)),
        "away": look.away,
        "generation": max((status.generation for status in look.statuses), default=0),
        "workers": sorted(_workers(look), key=lambda row: bool(row["tone"] == Tone.GOOD)),
        "modules": list(_modules(look.statuses, on_trial=_is_on_trial(look))),
        "old": list(_old(look.statuses)),
        "pushes": [_push(push) for push in look.pushes],
        "errors": list(_errors(look))[:ERRORS_SHOWN],
        "canary": canary_of(look.canary, _names(look, look.canary.workers)) if look.canary is not None else None,
        "last": _last(look),
    }


def _facts(look: Look) -> Iterator[str]:
    workers = [status.worker for status in look.statuses]
    if not workers:
        return
    if look.service:
        hosts = sorted({worker.host for worker in workers})
        where = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
        yield f"{len(workers)} worker{'s' * (len(workers) != 1)} on {where}"
    else:
        yield f"pid {workers[0].pid}"
    if look.place:
        yield f"at {look.place}"
    yield "Python " + ", ".join(sorted({worker.python for worker in workers if worker.python}))


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────


def _workers(look: Look) -> Iterator[Plain]:
    most = _most_common(look.statuses)
    newest = max((status.generation for status in look.statuses), default=0)
    trying = set(look.canary.workers) if look.canary is not None else set()
    tried = look.canary.modules if look.canary is not None else ()  # of these, two versions run on purpose
    most = {name: running for name, running in most.items() if name not in tried}
    for status in look.statuses:
        worker = status.worker
        state, tone = next(_states(status, newest, most, worker.key in trying))
        yield {
            "name": worker.name,
            "host": worker.host,
            "pid": worker.pid,
            "python": worker.python,
            "started": worker.started,
            "pushes": status.pushes,
            "generation": status.generation,
            "state": state,
            "tone": tone.value,
        }


def _states(
    status: ProcessStatus, newest: int, most: Mapping[str, tuple[int, str]], trying: bool
) -> Iterator[tuple[str, Tone]]:
    """What can be said of a worker, what matters most first."""
    if status.busy and not status.modules:
        yield f"does not answer: {status.busy}", Tone.BAD
    if status.trouble:
        yield status.trouble, Tone.BAD
    if status.stale:
        yield f"stale: {', '.join(status.stale)} runs as its file says, which has changed since", Tone.WARN
    if trying:
        yield "runs the canary", Tone.WARN
    if status.busy:
        yield f"busy: {status.busy}", Tone.CALM
    if status.generation < newest:
        yield f"behind: generation {status.generation} of {newest}", Tone.WARN
    differing = [m for m in status.modules if (m.version, m.checksum) != most.get(m.module, (m.version, m.checksum))]
    if differing:
        yield f"differs: {', '.join(f'{m.module} {_version(m)}' for m in differing)}", Tone.WARN
    yield "in step", Tone.GOOD


def _most_common(statuses: Sequence[ProcessStatus]) -> dict[str, tuple[int, str]]:
    """What most workers run of each module; where as many run another version, the newer one."""
    found: dict[str, Counter[tuple[int, str]]] = {}
    for status in statuses:
        for module in status.modules:
            found.setdefault(module.module, Counter())[module.version, module.checksum] += 1
    return {name: max(counts, key=lambda each: (counts[each], each)) for name, counts in found.items()}


# ── modules ──────────────────────────────────────────────────────────────────────────────────────────────────


def _modules(statuses: Sequence[ProcessStatus], *, on_trial: bool) -> Iterator[Plain]:
    """One row for each source that runs of a module; what was pushed stands first. Nothing is undone during a trial."""
    groups: dict[tuple[str, int, str, DiskState], list[tuple[Worker, ModuleStatus]]] = {}
    for status in statuses:
        for m in status.modules:
            groups.setdefault((m.module, m.version, m.checksum, m.disk), []).append((status.worker, m))
    rows = Counter(name for name, *_ in groups)
    for (name, number, digest, disk), members in sorted(groups.items(), key=lambda item: _pushed_first(item[0])):
        first, loaded = members[0][1], bool(digest)
        word, tone = _DISK[disk] if loaded else ("", Tone.CALM)
        yield {
            "module": name,
            "number": number,
            "version": version(number) if loaded else "unloaded",
            "checksum": short(digest),
            "digest": digest,
            "on": _which([worker for worker, _ in members], len(statuses)),
            "differs": rows[name] > 1,
            "disk": word,
            "diskTone": tone.value,
            "author": first.author,
            "since": first.since,
            "reason": first.reason,
            "undo": number != 1 and not on_trial,
        }


def _is_on_trial(look: Look) -> bool:
    return bool(look.pushes) and look.pushes[0].is_open


def _pushed_first(key: tuple[str, int, str, DiskState]) -> tuple[bool, str, int]:
    name, number, _, _ = key
    return number == 1, name, -number


def _version(module: ModuleStatus) -> str:
    return version(module.version) if module.checksum else "unloaded"


def _which(workers: Sequence[Worker], total: int) -> str:
    """On which workers: ``8/8``, or their names as far as there is room for them."""
    if not workers[0].service:
        return ""
    if len(workers) == total:
        return f"{total}/{total}"
    names = [worker.name for worker in workers]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{len(names)}/{total}: {' '.join(names[:NAMES_SHOWN])}{more}"


# ── what is inside old code ──────────────────────────────────────────────────────────────────────────────────


def _old(statuses: Sequence[ProcessStatus]) -> Iterator[Plain]:
    """One row a place, with the calls of all workers that are there."""
    found: dict[tuple[str, str, str, str], list[tuple[Worker, int]]] = {}
    for status in statuses:
        for m in status.modules:
            for said in m.still_old:
                function, number, place, count = _call(said)
                found.setdefault((m.module, function, number, place), []).append((status.worker, count))
    for (module, function, number, place), there in found.items():
        yield {
            "module": module,
            "function": function,
            "version": number,
            "place": place,
            "count": sum(count for _, count in there),
            "on": _which(list(dict.fromkeys(worker for worker, _ in there)), len(statuses)),
        }


def _call(said: str) -> tuple[str, str, str, int]:
    """Function, version, place and number of the calls that a text tells of; all of it as the function if it is not
    of that form."""
    match = _CALL.fullmatch(said)
    if match is None:
        return said, "", "", 1
    place = match["place"] + match["more"]
    return match["function"], f"v{match['version']}", place, int(match["count"] or 1)


# ── pushes ───────────────────────────────────────────────────────────────────────────────────────────────────


def _push(push: LoggedPush) -> Plain:
    words = ", ".join(map(module_words, push.modules))
    return {
        "generation": push.generation,
        "began": push.began,
        "what": words if push.action is Action.PUSH else f"{push.action} {words}",
        "author": push.author,
        "at": push.at,
        "reason": push.reason,
        "outcome": outcome_words(push),
        "tone": _push_tone(push).value,
    }


def _push_tone(push: LoggedPush) -> Tone:
    if push.is_open or push.outcome == "live on some workers":
        return Tone.WARN
    if push.live:
        return Tone.GOOD
    return Tone.BAD if push.outcome.startswith("taken back") else Tone.CALM


def _errors(look: Look) -> Iterator[Plain]:
    """What went wrong on which worker, the newest first."""
    names = {f"{worker.host}:{worker.pid}": worker.name for worker in (status.worker for status in look.statuses)}
    for push in look.pushes:
        for tried in push.tried:
            if tried.why:
                yield {
                    "generation": push.generation,
                    "what": ", ".join(each.module for each in push.modules),
                    "worker": names.get(tried.worker, tried.worker),
                    "verdict": tried.verdict.value,
                    "why": tried.why,
                    "at": push.at,
                }


def _last(look: Look) -> Plain | None:
    """What an undo of the last push would take back; None if there is nothing."""
    if look.pushes:
        push = look.pushes[0]
        modules = ", ".join(f"{each.module} {version(each.version)}" for each in push.modules)
        return {"generation": push.generation, "what": modules} if push.live else None
    names = next((status.last_push for status in look.statuses if status.last_push), ()) if not look.service else ()
    return {"generation": 0, "what": ", ".join(names)} if names else None


def _names(look: Look, keys: Iterable[str]) -> list[str]:
    """The names of workers by their keys."""
    known = {status.worker.key: status.worker.name for status in look.statuses}
    return [known.get(key, key) for key in keys]
