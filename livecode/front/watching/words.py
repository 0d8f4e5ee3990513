"""What a watch says besides Reports. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livecode.model.headline import ERROR_WORDS
from livecode.model.loaded import LoadedFile
from livecode.model.report import Failure, Refusal, Report, Verdict
from livecode.model.sheet import Commands, Head, Note, Sheet, Tone

NAMED = 3
"""More than this many are counted, not named."""

MOST = 5
"""So many files that are not what runs are named."""

_WORDS = {
    Verdict.UNDONE: "a worker failed, so all went back",
    Verdict.UNKNOWN: "a worker did not answer",
    Verdict.HALTED: "could not be undone",
    Verdict.REFUSED: "refused",
}


def why_not(report: Report) -> str:
    """Why a push is not live, in a few words: ``syntax error, line 4``."""
    if failure := _failure(report):
        what = ERROR_WORDS.get(failure.type, failure.type)
        return f"{what}, line {failure.line}" if failure.line else what
    if refusal := _refusal(report):
        return f"{refusal.code} {refusal.what}"
    return _WORDS.get(report.verdict, str(report.verdict))


def blamed(report: Report) -> str:
    """The module that a push failed for; empty where it is not that of one."""
    failure, refusal = _failure(report), _refusal(report)
    named = failure.module if failure else refusal.module if refusal else ""
    return named if named in report.modules else ""


def at_start(shown: str, target: str, loaded: int, differing: Sequence[str]) -> str:
    """What is said when a watch begins: that nothing is loaded from the folder, or what is not as its file says."""
    if not loaded:
        return f"{target} has loaded nothing from {shown} yet: what it imports from there goes live when it is saved"
    if differing:
        they = "is not what its file says" if len(differing) == 1 else "are not what their files say"
        return f"{listed(differing)} {they} already: saving goes live, what was saved before does not by itself"
    return ""


def not_loaded(paths: Sequence[str], target: str) -> str:
    """What is said of files that nothing was loaded from: once each, as they are no error."""
    return f"saved {listed(paths)}: not loaded in {target}, so there is nothing to change; an import will find it"


def elsewhere(shown: str, file: LoadedFile, target: str) -> str:
    """What is said of a file whose module was loaded from another one."""
    return f"saved {shown}: not pushed, as {target} has loaded {file.module} from {file.file}"


def as_main(shown: str) -> str:
    """What is said of a running script."""
    return f"saved {shown}: it runs as __main__, which takes a restart"


def empty(shown: str, module: str) -> str:
    """What is said of an emptied file: many programs save by emptying it first, so it is not pushed."""
    return f"saved {shown}: it is empty, not pushed; if that is meant, push {module} by name"


def gone(shown: str, file: LoadedFile, commands: Commands, now: str = "") -> str:
    """What is said of a module whose file is gone; `now` is the file's name where only its case changed."""
    way = f": {commands.unload.format(file.module)}" if commands.unload else ""
    if now:
        return (
            f"{shown} is called {now} now: {file.module} stays loaded, and no import will find it; "
            f"unload it if nothing needs it{way}"
        )
    return f"{shown} is gone: {file.module} stays loaded; unload it if nothing needs it{way}"


def back(shown: str) -> str:
    """What is said of a file that was gone, and says what runs."""
    return f"{shown} is there again, and is what runs"


def good_again(shown: str, modules: Sequence[str]) -> str:
    """What is said of a file that failed, and was put back to what runs."""
    return f"saved {shown}: {', '.join(modules) or 'it'} is what runs again"


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 4 more``."""
    if len(names) <= NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _failure(report: Report) -> Failure | None:
    return report.failure or next((outcome.failure for outcome in report.outcomes if outcome.failure), None)


def _refusal(report: Report) -> Refusal | None:
    refusals = [*report.refusals, *(each for outcome in report.outcomes for each in outcome.refusals)]
    return refusals[0] if refusals else None


@dataclass(frozen=True, slots=True)
class Behind:
    """A saved file that is not what runs.

    Attributes:
        path: Of the file.
        modules: What is loaded from it; none where nobody could be asked yet.
        why: A few words.
    """

    path: str
    modules: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watch does at this moment.

    Attributes:
        folder: What is watched.
        target: What is pushed to: a service's name, or ``this process``.
        means: ``events`` or ``polling``.
        files: How many sources count.
        live: How many pushes went live.
        failed: How many did not.
        behind: The saved files that are not what runs.
        stopped: True if it is over.
        waits: True if another worker of the service watches, and this one would go on if that ended.
        closed: Folders that may not be looked into, and are left out.
        why: Why it is polled, where nobody asked for that; else empty.
    """

    folder: str
    target: str
    means: str
    files: int
    live: int = 0
    failed: int = 0
    behind: tuple[Behind, ...] = ()
    stopped: bool = False
    waits: bool = False
    closed: tuple[str, ...] = ()
    why: str = ""


def watch_sheet(state: WatchState, stop: str = "") -> Sheet:
    """One line, and one more for each saved file that is not what runs.

    Args:
        state: Of the watch.
        stop: The command that ends it.
    """
    facts = [f"{'pushed into' if state.stopped else 'what is saved goes live in'} {state.target}"]
    if state.waits:
        facts.append("another worker of it watches; this one goes on if that ends")
    else:
        facts += [f"{state.files:,} file{'s' * (state.files != 1)} by {state.means}"]
    facts += [f"{state.live} live, {state.failed} failed"] if state.live or state.failed else []
    hint = f"stop: {stop}" if stop and not state.stopped else ""
    tone = Tone.WARN if state.behind else Tone.CALM if state.stopped else Tone.GOOD
    head = Head("○" if state.stopped else "●", "STOPPED" if state.stopped else "WATCHING", tone, state.folder)
    notes = [Note(behind_words(each), mark="!") for each in state.behind[:MOST]]
    if len(state.behind) > MOST:
        notes.append(Note(f"{len(state.behind) - MOST} more saved files are not what runs", mark="!"))
    notes += [Note(f"{place} may not be looked into, and is left out", mark="!") for place in state.closed]
    return Sheet(replace(head, facts=tuple(facts), hint=hint), tuple(notes))


def behind_words(each: Behind) -> str:
    """``shop.pricing differs from what runs: syntax error, line 4``."""
    return f"{', '.join(each.modules) or each.path} differs from what runs: {each.why}"
