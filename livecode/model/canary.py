"""A canary in words: its new code beside the old code, function by function, and what follows from that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livecode.model.measured import (
    Advice,
    CanaryResult,
    Decision,
    Finding,
    FunctionDecision,
    FunctionMeasure,
    Measured,
    Timed,
)
from livecode.model.sheet import Head, Item, Note, Sheet, Table, Tone

NO_WORSE = "no worse than the old code"

_LOOKS = {
    Advice.KEEP: (NO_WORSE, Tone.GOOD),
    Advice.TAKE_BACK: ("worse than the old code", Tone.BAD),
    Advice.UNDECIDED: ("cannot be told yet", Tone.WARN),
}
_UNITS = {Timed.CALL: "", Timed.STEP: " a step", Timed.ITEM: " an item"}
_HEADER = ("function", "calls (old)", "errors (old)", "p50 (old)", "p99 (old)", "")
_ROWS_SHOWN = 20
_NAMES_SHOWN = 8


def latency_text(ms: float) -> str:
    """A latency for people, in two or three digits: ``870 µs``, ``12.4 ms``, ``1.31 s``."""
    if ms < 0.001:
        return "< 1 µs"
    value, unit = (ms * 1000, "µs") if ms < 0.9995 else (ms, "ms") if ms < 999.5 else (ms / 1000, "s")
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def canary_sheet(new: Measured, old: Measured, decision: Decision, title: str = "") -> Sheet:
    """What a canary did so far.

    Args:
        new: What the workers with the new code measured.
        old: What the others measured meanwhile.
        decision: What follows from that.
        title: What is tried, e.g. the names of the modules.
    """
    said, tone = _LOOKS[decision.advice]
    facts = (said, _workers(new, old), latency_text(new.seconds * 1000) if new.seconds else "")
    head = Head("◐", "CANARY", tone, title, tuple(filter(None, facts)))
    return Sheet(head, tuple(_items(new, old, decision, title)))


def canary_items(result: CanaryResult, modules: Sequence[str]) -> Iterator[Item]:
    """What a report of these modules says of its canary."""
    sheet = canary_sheet(result.new, result.old, result.decision, ", ".join(modules))
    if sheet.head is not None:
        yield Note(f"canary: {', '.join(sheet.head.facts)}")
    if result.decided_by:
        did = "let it go to all workers" if result.promoted else "took it back"
        yield Note(f"{result.decided_by} {did} before its time was over")
    if result.promoted and result.decision.advice is Advice.UNDECIDED:
        yield Note("it went to all workers without evidence", mark="!")
    yield from sheet.items


def _workers(new: Measured, old: Measured) -> str:
    return f"{new.workers} new, {old.workers} old" if new.workers or old.workers else ""


def _items(new: Measured, old: Measured, decision: Decision, title: str) -> Iterator[Item]:
    others = {each.name: each for each in old.functions}
    news = {each.name: each for each in new.functions}
    if decision.why and decision.why != NO_WORSE:
        yield Note(decision.why, mark="!" if decision.advice is Advice.TAKE_BACK else "")
    called = [each for each in decision.functions if each.finding is not Finding.NOT_CALLED]
    called.sort(key=lambda each: (_rank(each), -news[each.name].calls if not each.finding.is_bad else 0))
    shown = called[:_ROWS_SHOWN]
    lead = f"{title}." if all(each.name.startswith(f"{title}.") for each in shown) else ""
    rows = tuple(_row(each, lead, news[each.name], others.get(each.name)) for each in shown)
    if rows:
        yield Table(_HEADER, rows, code=(0,))
    if len(called) > _ROWS_SHOWN:
        yield Note(f"and {len(called) - _ROWS_SHOWN} more functions")
    yield from _details(called, decision)
    idle = [each.name for each in decision.functions if each.finding is Finding.NOT_CALLED]
    if idle:
        more = f" and {len(idle) - _NAMES_SHOWN} more" if len(idle) > _NAMES_SHOWN else ""
        yield Note(f"not called: {', '.join(idle[:_NAMES_SHOWN])}{more}")
    for reason in dict.fromkeys((*new.not_measured, *old.not_measured)):
        yield Note(f"not measured: {reason}", mark="!")


def _rank(decision: FunctionDecision) -> int:
    """What takes a canary back stands above what was not called enough, and that above what is fine."""
    return 0 if decision.finding.is_bad else 1 if not decision.finding.is_known else 2


def _details(called: Sequence[FunctionDecision], decision: Decision) -> Iterator[Note]:
    """The figures of each function, unless the first sentence has them or the table says enough."""
    for each in called[:_ROWS_SHOWN]:
        if each.why and each.finding is not Finding.TOO_FEW and f"{each.name}()" not in decision.why:
            yield Note(f"{each.name}(): {each.why}")


def _row(decision: FunctionDecision, lead: str, new: FunctionMeasure, old: FunctionMeasure | None) -> tuple[str, ...]:
    calls = f"{new.calls:,} ({old.calls:,})" if old else f"{new.calls:,} (new)"
    errors = f"{new.failed:,} ({old.failed:,})" if old else f"{new.failed:,}"
    quantiles = (_latencies(new, old, share) for share in (0.5, 0.99))
    return (decision.name.removeprefix(lead), calls, errors, *quantiles, decision.finding.value)


def _latencies(new: FunctionMeasure, old: FunctionMeasure | None, share: float) -> str:
    texts = [latency_text(each.quantile_ms(share)) if each.latencies else "–" for each in (new, old) if each]
    before = f" ({texts[1]})" if len(texts) > 1 else ""
    return f"{texts[0]}{_UNITS[new.timed]}{before}"
