"""Line 1 of a Report: the verdict, what it is about, what runs now, the next command. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livecode.model.nouns import SHORT_DIGITS
from livecode.model.report import Failure, ModuleOutcome, Outcome, Report, Verdict
from livecode.model.sheet import Commands, Head, Tone

LOOKS: dict[Verdict, tuple[str, Tone]] = {
    Verdict.LIVE: ("✔", Tone.GOOD),
    Verdict.SAME: ("○", Tone.CALM),
    Verdict.READY: ("◇", Tone.CALM),
    Verdict.CANARY: ("◐", Tone.WARN),
    Verdict.NOT_SENT: ("✖", Tone.BAD),
    Verdict.REFUSED: ("■", Tone.BAD),
    Verdict.ROLLED_BACK: ("✖", Tone.BAD),
    Verdict.UNDONE: ("▲", Tone.WARN),
    Verdict.UNKNOWN: ("?", Tone.WARN),
    Verdict.HALTED: ("✖", Tone.BAD),
}

OVERRUN = "LC407"
"""The refusal of a push that would replace what somebody else pushed meanwhile."""

ERROR_WORDS = {
    "SyntaxError": "syntax error",
    "IndentationError": "indentation error",
    "TabError": "tabs and spaces are mixed",
}


def headline(report: Report, commands: Commands) -> Head:
    """Line 1: glyph, WORD, module, versions, checksum, n/m workers, time; what runs now, after a failure."""
    glyph, tone = LOOKS[report.verdict]
    action = f"{report.action} " if report.action in ("undo", "unload") else ""
    facts = tuple(filter(None, _FACTS[report.verdict](report)))
    return Head(glyph, report.verdict.value, tone, action + subject(report), facts, _hint(report.verdict, commands))


def _hint(verdict: Verdict, commands: Commands) -> str:
    if verdict in (Verdict.LIVE, Verdict.CANARY) and commands.undo:
        return f"undo: {commands.undo}"
    if verdict in (Verdict.UNKNOWN, Verdict.HALTED) and commands.status:
        return f"look: {commands.status}"
    return ""


def _live(report: Report) -> tuple[str, ...]:
    return (*_one_module_facts(report), _part(report), _reached(report), duration(report.duration_ms))


def _part(report: Report) -> str:
    return "in part" if any(outcome.left_out for outcome in report.outcomes) else ""


def _ready(report: Report) -> tuple[str, ...]:
    can = f"can be applied{_part(report) and ' in part'}{_on_count(report)}: nothing was touched"
    outcomes = outcomes_of(report, report.modules[0]) if len(report.modules) == 1 else []
    new = bool(outcomes) and not any(outcome.before for outcome in outcomes)
    facts = ("new",) if new else _one_module_facts(report)
    return (*facts, can, duration(report.duration_ms))


def _same(report: Report) -> tuple[str, ...]:
    if not report.modules:
        if any(outcome.warnings for outcome in report.outcomes):
            return ("no source that can be sent differs from what runs",)
        return ("nothing differs from what runs: nothing sent",)
    known = [m for m in outcomes_of(report, report.modules[0]) if len(report.modules) == 1]
    state = "not loaded" if known and not any(m.after for m in known) else "already live"
    done = "nothing done" if alone(report) else "nothing sent"
    return (*_one_module_facts(report), f"{state}{_on_count(report)}: {done}")


def _not_sent(report: Report) -> tuple[str, ...]:
    failure = _first_failure(report)
    what = ERROR_WORDS.get(failure.type, failure.type) if failure else "not valid"
    return (f"{what}: {_still(report)}",)


def _refused(report: Report) -> tuple[str, ...]:
    if any(refusal.code == OVERRUN for refusal in report.refusals):
        return ("somebody pushed meanwhile: nothing was sent",)
    return (f"cannot be applied live: {_still(report)}",)


def _rolled_back(report: Report) -> tuple[str, ...]:
    failure = _first_failure(report)
    return (f"{failure.type if failure else 'an error'} on load: {_still(report)}",)


def _undone(report: Report) -> tuple[str, ...]:
    return (f"{_why_undone(report)}: {_still(report, again=True)}",)


def _why_undone(report: Report) -> str:
    if report.canary is not None and not report.canary.promoted:
        bad = [each.finding.value for each in report.canary.decision.functions if each.finding.is_bad]
        if not bad and report.canary.decided_by:
            return f"{report.canary.decided_by} took the canary back"
        return f"{bad[0]} in the canary" if bad else "the canary was interrupted"
    failed = [o for o in report.outcomes if o.verdict not in (Verdict.UNDONE, Verdict.LIVE, Verdict.SAME)]
    return f"{len(failed)} of {report.workers} workers failed" if failed else "somebody else took it back"


def _unknown(report: Report) -> tuple[str, ...]:
    silent = [o for o in report.outcomes if o.verdict is Verdict.UNKNOWN]
    if report.failure is not None:  # of whoever was to drive it
        return ("the link was lost: what runs now is not known",)
    if not silent:
        return ("no worker answered: what runs is not known",)
    they = "it runs" if len(silent) == 1 else "they run"
    return (f"{workers_text(silent)} did not answer: what {they} now is not known",)


def _halted(report: Report) -> tuple[str, ...]:
    broken = [o for o in report.outcomes if o.verdict is Verdict.HALTED]
    which = "this process" if alone(report) else workers_text(broken)
    return (f"could not be undone: {which} must be restarted",)


_FACTS: dict[Verdict, Callable[[Report], tuple[str, ...]]] = {
    Verdict.LIVE: _live,
    Verdict.CANARY: _live,
    Verdict.READY: _ready,
    Verdict.SAME: _same,
    Verdict.NOT_SENT: _not_sent,
    Verdict.REFUSED: _refused,
    Verdict.ROLLED_BACK: _rolled_back,
    Verdict.UNDONE: _undone,
    Verdict.UNKNOWN: _unknown,
    Verdict.HALTED: _halted,
}


def _first_failure(report: Report) -> Failure | None:
    return report.failure or next((o.failure for o in report.outcomes if o.failure), None)


def subject(report: Report) -> str:
    """What a report is about: its module, or how many."""
    count = len(report.modules)
    return report.modules[0] if count == 1 else f"{count} modules" if count else ""


def _one_module_facts(report: Report) -> tuple[str, ...]:
    return module_facts(outcomes_of(report, report.modules[0])) if len(report.modules) == 1 else ()


def module_facts(outcomes: Sequence[ModuleOutcome]) -> tuple[str, ...]:
    """Versions and short checksum of one module, by what each worker said."""
    if not outcomes:
        return ()
    return tuple(filter(None, (_steps(outcomes), *{short(o.checksum): None for o in outcomes})))


def _steps(outcomes: Sequence[ModuleOutcome]) -> str:
    steps = {step(o) for o in outcomes}
    return steps.pop() if len(steps) == 1 else "versions differ"


def step(outcome: ModuleOutcome) -> str:
    """``v7 → v8``."""
    before, after = outcome.before, outcome.after
    if before == after:
        return version(after)
    if not before:
        return f"v{after} (new)"
    return f"v{before} → v{after}" if after else f"v{before} → unloaded"


def alone(report: Report) -> bool:
    """True for the caller's own process, which nobody wants to see counted."""
    return not report.service and max(report.workers, len(report.outcomes)) <= 1


def _count(report: Report) -> str:
    total = max(report.workers, len(report.outcomes))
    return f"{sum(o.ok for o in report.outcomes)}/{total}"


def _on_count(report: Report) -> str:
    return "" if alone(report) else f" on {_count(report)}"


def _reached(report: Report) -> str:
    if alone(report):
        return "this process"
    total = max(report.workers, len(report.outcomes))
    return f"{_count(report)} worker{'s' * (total != 1)}"


def _still(report: Report, again: bool = False) -> str:
    """What runs now, after something that did not go live."""
    total = max(report.workers, len(report.outcomes))
    known = [o for o in report.outcomes if o.verdict is not Verdict.UNKNOWN]
    where = f" on {total}/{total}" if total and len(known) == total and not alone(report) else ""
    one = report.modules[0] if len(report.modules) == 1 else ""
    running = {m.after for m in outcomes_of(report, one)}
    if len(running) != 1:
        return f"what ran before {'runs again' if again else 'still runs'}{where}"
    number = running.pop()
    if not number:
        return f"not loaded{where}, as before"
    return f"v{number} is live{where} again" if again else f"v{number} is still live{where}"


def workers_text(outcomes: Sequence[Outcome], separator: str = ", ") -> str:
    """Names of workers."""
    return separator.join(o.worker.name for o in outcomes)


def outcomes_of(report: Report, module: str) -> list[ModuleOutcome]:
    """What the workers that answered say of one module."""
    answered = (o for o in report.outcomes if o.verdict is not Verdict.UNKNOWN)
    return [m for o in answered for m in o.modules if m.module == module]


def duration(milliseconds: float) -> str:
    """A duration for people, ``41 ms`` or ``1.3 s``; empty for nothing measured."""
    if milliseconds <= 0:
        return ""
    if milliseconds < 9.95:
        return f"{max(milliseconds, 0.1):.1f} ms".replace(".0 ", " ")
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f} s"


def short(checksum: str) -> str:
    """The part of a checksum that people see."""
    return checksum[:SHORT_DIGITS]


def version(number: int) -> str:
    """``v7``, or words for what is not loaded."""
    return f"v{number}" if number else "not loaded"
