"""The figures of a canary, as plain data: its new code beside the old code, function by function. Pure.

modules, author, reason, at, lasts, workers, said, tone, why
functions    name, finding, tone, calls, errors, p50, p99: each of these [new, old], null where nothing is known
notes        what was not called, and what could not be measured
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from livecode.model.canary import NO_WORSE, latency_text
from livecode.model.log import CanaryNow
from livecode.model.measured import Advice, Decision, Finding, FunctionDecision, FunctionMeasure, Measured
from livecode.model.sheet import Tone

FUNCTIONS_SHOWN = 12
IDLE_SHOWN = 8

_SAID = {
    Advice.KEEP: (NO_WORSE, Tone.GOOD),
    Advice.TAKE_BACK: ("worse than the old code", Tone.BAD),
    Advice.UNDECIDED: ("cannot be told yet", Tone.WARN),
}


def canary_of(canary: CanaryNow, workers: Sequence[str]) -> dict[str, Any]:
    """All that is shown of a canary; `workers` are the names of those that run its new code."""
    result = canary.result
    said, tone = _SAID[result.decision.advice]
    return {
        "began": canary.began,
        "modules": ", ".join(canary.modules),
        "author": canary.author,
        "reason": canary.reason,
        "at": canary.at,
        "lasts": canary.lasts_s,
        "workers": list(workers),
        "said": said,
        "tone": tone.value,
        "why": "" if result.decision.why == NO_WORSE else result.decision.why,
        "functions": [_function(each, result.new, result.old) for each in _called(result.decision)[:FUNCTIONS_SHOWN]],
        "notes": list(_notes(result.decision, result.new, result.old)),
    }


def _called(decision: Decision) -> list[FunctionDecision]:
    return [each for each in decision.functions if each.finding is not Finding.NOT_CALLED]


def _function(decision: FunctionDecision, new: Measured, old: Measured) -> dict[str, Any]:
    pair = new.function(decision.name), old.function(decision.name)
    return {
        "name": decision.name,
        "finding": decision.finding.value,
        "tone": _tone(decision.finding).value,
        "calls": [each.calls if each else None for each in pair],
        "errors": [each.failed if each else None for each in pair],
        "p50": [_latency(each, 0.5) for each in pair],
        "p99": [_latency(each, 0.99) for each in pair],
    }


def _tone(finding: Finding) -> Tone:
    if finding.is_bad:
        return Tone.BAD
    if finding is Finding.SLOWER:
        return Tone.WARN
    return Tone.GOOD if finding.is_known else Tone.CALM


def _latency(measure: FunctionMeasure | None, share: float) -> dict[str, Any] | None:
    if measure is None or not measure.latencies:
        return None
    milliseconds = measure.quantile_ms(share)
    return {"ms": milliseconds, "text": latency_text(milliseconds)}


def _notes(decision: Decision, new: Measured, old: Measured) -> Iterator[str]:
    if more := len(_called(decision)) - FUNCTIONS_SHOWN:
        if more > 0:
            yield f"and {more} more functions"
    idle = [each.name for each in decision.functions if each.finding is Finding.NOT_CALLED]
    idle = [name for name in idle if not decision.why.startswith(f"{name}():")]  # that is said already
    if idle:
        more_idle = f" and {len(idle) - IDLE_SHOWN} more" if len(idle) > IDLE_SHOWN else ""
        yield f"not called: {', '.join(idle[:IDLE_SHOWN])}{more_idle}"
    for reason in dict.fromkeys((*new.not_measured, *old.not_measured)):
        yield f"not measured: {reason}"
