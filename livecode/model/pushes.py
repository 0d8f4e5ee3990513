"""The log of a service as people read it: one line a push, whatever generations it took. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from livecode.model.headline import short, version
from livecode.model.log import Action, Stage, State, Tried
from livecode.model.overview import age
from livecode.model.sheet import IN_NOTEBOOK, Commands, Head, Note, Sheet, Table, Tone

_DONE_WORDS = {
    Action.PUSH: "live",
    Action.UNDO: "live",
    Action.UNLOAD: "unloaded",
    Action.DROP: "removed from the log",
    Action.SAVE: "written to the file",
    Action.SESSION: "left behind: the service was stopped",
    Action.RESTORE: "told to the store again",
    Action.MIXED: "live on some workers",
    Action.TAKE_BACK: "taken back",
}

REMEMBERED = 1000
"""So many generations are looked at for one module."""


@dataclass(frozen=True, slots=True)
class LoggedModule:
    """One module of a push: the version that it got or would have got, and its checksum; empty if unloaded."""

    module: str
    version: int
    checksum: str


@dataclass(frozen=True, slots=True)
class LoggedPush:
    """One push, from its trial to its end.

    Attributes:
        generation: The last generation that was about it.
        began: The first one.
        action: What it was for: push, undo, unload, drop, …
        modules: What it was about.
        author: Who.
        reason: Why.
        at: When, by the author's clock, seconds since the epoch.
        outcome: What became of it, in words.
        live: True if it runs on all workers since then.
        tried: What became of it on the workers that were asked before that was decided.
        is_open: True while it is on trial.
        workers: How many workers the service had; 0 where the log does not say.
        canary: On how many of them it ran as a canary first; 0 where there was none.
    """

    generation: int
    began: int
    action: Action
    modules: tuple[LoggedModule, ...]
    author: str
    reason: str
    at: float
    outcome: str
    live: bool
    tried: tuple[Tried, ...] = ()
    is_open: bool = False
    workers: int = 0
    canary: int = 0


def generations_for(pushes: int, module: str = "") -> int:
    """How many generations to ask for to have so many pushes: most take two, some four.

    Those of one module may be far apart, so all that is remembered is asked for.
    """
    return max(pushes * 4 + 4, REMEMBERED if module else 0)


def dropped_words(dropped: Sequence[str], asked: Sequence[str]) -> str:
    """What is said of patches that were removed."""
    if dropped:
        return f"removed from the log: {', '.join(dropped)}"
    return f"there is no patch of {', '.join(asked)} in the log" if asked else "no patch is stale"


def pushes_of(states: Sequence[State], module: str = "") -> tuple[LoggedPush, ...]:
    """The pushes that these generations tell of, newest first.

    Args:
        states: Newest first, as a store gives them.
        module: Only the pushes of this one; empty for all.
    """
    groups: dict[int, list[State]] = {}
    for state in reversed(states):
        groups.setdefault(state.began, []).append(state)
    newest = max((state.generation for state in states), default=0)
    pushes = (_push(group, newest) for group in groups.values())
    chosen = [push for push in pushes if module in ("", *(each.module for each in push.modules))]
    return tuple(sorted(chosen, key=lambda push: push.generation, reverse=True))


def log_sheet(
    pushes: Sequence[LoggedPush], service: str = "", now: float = 0.0, commands: Commands = IN_NOTEBOOK
) -> Sheet:
    """One row a push, and what went wrong where below."""
    if not pushes:
        return Sheet(Head("○", "LOG", Tone.CALM, service or "nothing was pushed", ("no push is remembered",)))
    undo = f"undo: {commands.undo}" if commands.undo and pushes[0].live else ""
    facts = (f"generation {pushes[0].generation}",)
    rows = tuple(_row(push, now) for push in pushes)
    header = ("#", "modules", "author", "when", "reason", "outcome")
    used = [i for i in range(len(header)) if any(row[i] for row in rows)]
    table = Table(tuple(header[i] for i in used), tuple(tuple(row[i] for i in used) for row in rows), code=(0, 1))
    return Sheet(Head("●", "LOG", Tone.CALM, service, facts, undo), (table, *_failures(pushes)))


def _push(states: Sequence[State], newest: int) -> LoggedPush:
    first, last = states[0], states[-1]
    decided = [state.action for state in states if state.action not in (Action.TRY, Action.TAKE_BACK, Action.MIXED)]
    return LoggedPush(
        last.generation,
        first.began,
        decided[-1] if decided else Action.PUSH,
        _modules(states),
        first.author,
        first.reason,
        first.at,
        _outcome(last, newest),
        last.action in (Action.PUSH, Action.UNDO, Action.UNLOAD),
        last.tried,
        last.trial is not None and last.generation == newest,
        max(state.workers for state in states),
        max((len(s.trial.workers) for s in states if s.trial and s.trial.stage is Stage.CANARY), default=0),
    )


def _modules(states: Sequence[State]) -> tuple[LoggedModule, ...]:
    trial = next((state.trial for state in states if state.trial is not None), None)
    telling = (Action.PUSH, Action.UNDO, Action.UNLOAD, Action.SAVE)
    live = next((state for state in states if state.action in telling), None)
    if live is not None:
        patches = live.by_module
        chosen = (patches[name] for name in live.modules if name in patches)
        return tuple(LoggedModule(patch.module, patch.version, patch.digest) for patch in chosen)
    if trial is not None:
        versions = dict(trial.versions)
        return tuple(LoggedModule(name, versions.get(name, 0), digest) for name, digest in trial.sources)
    return tuple(LoggedModule(name, 0, "") for name in states[0].modules)


def _outcome(last: State, newest: int) -> str:
    if last.trial is not None and last.generation < newest:
        return "never decided: something else was published"
    if last.trial is not None:
        on = f"on {len(last.trial.workers)} worker{'s' * (len(last.trial.workers) != 1)}"
        return f"a canary {on} now" if last.trial.stage is Stage.CANARY else f"on trial {on} now"
    words = _DONE_WORDS.get(last.action, last.action.value)
    return f"{words}: {last.reason}" if last.action is Action.TAKE_BACK and last.reason else words


def _row(push: LoggedPush, now: float) -> tuple[str, ...]:
    modules = ", ".join(module_words(each) for each in push.modules)
    what = f"{push.action} {modules}" if push.action is not Action.PUSH else modules
    return (str(push.generation), what, push.author, age(push.at, now), push.reason, outcome_words(push))


def push_words(push: LoggedPush) -> str:
    """One push in a line: ``#4 shop.pricing v2 3f9a1c2: live on 8 workers``."""
    what = ", ".join(module_words(each) for each in push.modules)
    return f"#{push.generation} {what}: {outcome_words(push)}"


def outcome_words(push: LoggedPush) -> str:
    """What became of it, on how many workers, and whether a canary came first."""
    canary = f" after a canary on {push.canary}" if push.canary and not push.is_open else ""
    count = f" on {push.workers} worker{'s' * (push.workers != 1)}" if push.live and push.workers else ""
    return f"{push.outcome}{count}{canary}" if push.live else f"{push.outcome}{canary and f' ({canary.strip()})'}"


def module_words(each: LoggedModule) -> str:
    """``shop.pricing v2 3f9a1c2``."""
    words = [each.module, *([version(each.version)] if each.version else []), short(each.checksum)]
    return " ".join(filter(None, words))


def _failures(pushes: Sequence[LoggedPush]) -> Iterator[Note]:
    for push in pushes:
        for tried in push.tried:
            if tried.why:
                yield Note(f"{push.generation}: {tried.worker} {tried.verdict}: {tried.why}", mark="!")
