"""Decides whether new code does worse than old code, from what was measured of both at the same time. Pure.

    errors      Fisher's exact test, one-sided: how often chance alone would let so many of all errors fall on calls of
                the new code. A type of error that the old code did not raise in many calls needs less to convince.
    hanging     calls that run for much longer than the slowest of the old code did, more than chance would have it
    latency     median and 99th percentile: told from `slower_told` times on; it takes a canary back from
                `slower_fails` times on, if more calls are so slow than chance would have it
    too few     calls say nothing, neither good nor bad

It may be asked again and again while a canary runs, which gives chance more than one chance: so `by_chance` is small,
and the functions that fail share it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import exp, lgamma

from livecode.model.canary import NO_WORSE, latency_text
from livecode.model.measured import Advice, Decision, Finding, FunctionDecision, FunctionMeasure, Measured
from livecode.model.report import ChangeKind, Outcome


@dataclass(frozen=True, slots=True)
class Rules:
    """When new code counts as worse.

    Attributes:
        by_chance: Errors rose, or calls are slow or hang, if chance does that in a smaller share of cases.
        new_type_by_chance: The same for a type of error that the old code did not raise in `many_calls`, and for
            what is only told.
        many_calls: Of the old code.
        min_errors: Fewer never convince: a single one may be anything.
        min_calls: Of the new code, before it counts as fine; of both, before latencies are compared.
        slower_told: A latency that is longer by this factor is told.
        slower_fails: A latency that is longer by this factor takes the canary back.
        slower_by_ms: A latency that is longer by less does not matter.
        slower_fails_by_ms: One that is longer by less is told at most: threads wait 5 ms for each other anyway.
        hanging_ms: A call that runs for less does not hang.
        hanging_factor: Nor does one that runs for less than this times the slowest call of the old code.
        min_hanging: Fewer calls that hang never convince.
    """

    by_chance: float = 0.001
    new_type_by_chance: float = 0.01
    many_calls: int = 100
    min_errors: int = 2
    min_calls: int = 20
    slower_told: float = 1.5
    slower_fails: float = 3.0
    slower_by_ms: float = 0.5
    slower_fails_by_ms: float = 10.0
    hanging_ms: float = 1000.0
    hanging_factor: float = 3.0
    min_hanging: int = 3


USUAL = Rules()

_WORST_FIRST = (
    Finding.ERRORS_ROSE,
    Finding.HANGS,
    Finding.MUCH_SLOWER,
    Finding.NO_OLD_CALLS,
    Finding.SLOWER,
    Finding.TOO_FEW,
    Finding.FEWER_ERRORS,
    Finding.FINE,
    Finding.NOT_CALLED,
)

_QUANTILES = (("p50", 0.5), ("p99", 0.99))
_NO_CALLS = FunctionMeasure("")
_NEGLIGIBLE = 1e-18


def decide(new: Measured, old: Measured, changed: Collection[str] = (), rules: Rules = USUAL) -> Decision:
    """What to do with a canary.

    Args:
        new: What the workers with the new code measured.
        old: What the others measured meanwhile, of the same functions.
        changed: Names of what the push changed, ``shop.pricing.quote`` or ``shop.pricing.Order``. As long as one of
            their functions was not called enough, the canary is not kept. Without any, one function of all will do.
        rules: When new code counts as worse.
    """
    others = {each.name: each for each in old.functions}
    share = max(sum(each.failed > 0 for each in new.functions), 1)
    found = [_decide_one(each, others.get(each.name, _NO_CALLS), rules, share) for each in new.functions]
    found.sort(key=lambda each: (_WORST_FIRST.index(each.finding), not _is_among(each.name, changed)))
    advice, why = _advice(found, new, changed)
    return Decision(advice, why, tuple(found))


def changed_in(outcome: Outcome) -> tuple[str, ...]:
    """Names of what a push changed or added on a worker, with their modules: what `decide` takes as `changed`."""
    kinds = (ChangeKind.CHANGED, ChangeKind.ADDED)
    return tuple(
        f"{item.module}.{change.name.removesuffix('()')}"
        for item in outcome.modules
        for change in item.changes
        if change.kind in kinds
    )


def chance_of_more(hits: int, calls: int, other_hits: int, other_calls: int) -> float:
    """The share of cases in which chance alone lets at least so many hits fall on these calls; 1.0 if there are not
    more of them than among the other calls.

    Source: Fisher's exact test, one-sided: the upper tail of the hypergeometric distribution.
    """
    if hits * other_calls <= other_hits * calls:
        return 1.0
    every, all_hits = calls + other_calls, hits + other_hits
    term = exp(_log_choices(all_hits, hits) + _log_choices(every - all_hits, calls - hits) - _log_choices(every, calls))
    total = 0.0
    for more in range(hits, min(all_hits, calls) + 1):  # above the mean every term is smaller than the one before
        total += term
        if term < total * _NEGLIGIBLE:
            break
        term *= (all_hits - more) * (calls - more) / ((more + 1) * (every - all_hits - calls + more + 1))
    return min(total, 1.0)


def _log_choices(among: int, taken: int) -> float:
    return lgamma(among + 1) - lgamma(taken + 1) - lgamma(among - taken + 1)


def _advice(found: Sequence[FunctionDecision], new: Measured, changed: Collection[str]) -> tuple[Advice, str]:
    if bad := [each for each in found if each.finding.is_bad]:
        return Advice.TAKE_BACK, _sentence(bad)
    if not found:
        return Advice.UNDECIDED, "; ".join(new.not_measured) or "no function was measured"
    unknown = [each for each in found if not each.finding.is_known]
    open_ones = [each for each in unknown if each.finding is Finding.NO_OLD_CALLS or _is_among(each.name, changed)]
    if open_ones or len(unknown) == len(found):
        return Advice.UNDECIDED, _sentence(open_ones or unknown)
    slower = [each for each in found if each.finding is Finding.SLOWER]
    return Advice.KEEP, _sentence(slower) if slower else NO_WORSE


def _is_among(name: str, changed: Collection[str]) -> bool:
    """True for the functions that bear one of the names, and for what is inside of them."""
    return any(name == each or name.startswith(f"{each}.") for each in changed)


def _sentence(found: Sequence[FunctionDecision]) -> str:
    first, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{first.name}(): {first.finding.value}{f', {first.why}' if first.why else ''}{more}"


def _decide_one(new: FunctionMeasure, old: FunctionMeasure, rules: Rules, share: int) -> FunctionDecision:
    finding, why = next(_findings(new, old, rules, share))
    return FunctionDecision(new.name, finding, why)


def _findings(new: FunctionMeasure, old: FunctionMeasure, rules: Rules, share: int) -> Iterator[tuple[Finding, str]]:
    """What can be said of a function, what matters most first."""
    errors = _errors_text(new, old) if new.failed else ""
    if _errors_rose(new, old, rules, share):
        yield Finding.ERRORS_ROSE, errors
    if _hangs(new, old, rules):
        yield Finding.HANGS, f"{new.under_way} of {new.calls + new.under_way:,} calls have not returned"
    if not new.calls and not new.under_way:
        yield Finding.NOT_CALLED, ""
    if new.calls < rules.min_calls:
        under_way = f", {new.under_way:,} under way" if new.under_way else ""
        yield Finding.TOO_FEW, errors or f"{new.calls} of the {rules.min_calls} that it takes{under_way}"
    if new.failed >= rules.min_errors and old.calls < rules.min_calls:
        yield Finding.NO_OLD_CALLS, errors
    yield from _latency(new, old, rules)
    if chance_of_more(old.failed, _calls(old), new.failed, _calls(new)) < rules.by_chance:
        yield Finding.FEWER_ERRORS, _errors_text(new, old)
    yield Finding.FINE, errors


def _errors_rose(new: FunctionMeasure, old: FunctionMeasure, rules: Rules, share: int) -> bool:
    if new.failed < rules.min_errors:
        return False
    if chance_of_more(new.failed, _calls(new), old.failed, _calls(old)) < rules.by_chance / share:
        return True
    known = dict(old.errors)
    unseen = [count for name, count in new.errors if name not in known] if old.calls >= rules.many_calls else []
    most = max(unseen, default=0)
    limit = rules.new_type_by_chance / share
    return most >= rules.min_errors and chance_of_more(most, _calls(new), 0, _calls(old)) < limit


def _calls(measure: FunctionMeasure) -> int:
    """Never fewer than failed: a generator may have begun before anybody measured."""
    return max(measure.calls, measure.failed)


def _hangs(new: FunctionMeasure, old: FunctionMeasure, rules: Rules) -> bool:
    if not old.latencies:
        return False
    limit_ms = max(rules.hanging_ms, rules.hanging_factor * old.slowest_ms)
    hanging, before = new.waiting_longer_than(limit_ms), old.waiting_longer_than(limit_ms)
    every, other = new.latencies + new.under_way, old.latencies + old.under_way
    return hanging >= rules.min_hanging and chance_of_more(hanging, every, before, other) < rules.by_chance


def _latency(new: FunctionMeasure, old: FunctionMeasure, rules: Rules) -> Iterator[tuple[Finding, str]]:
    if min(new.latencies, old.latencies) < rules.min_calls:
        return
    grades = (
        (Finding.MUCH_SLOWER, rules.slower_fails, rules.slower_fails_by_ms, rules.by_chance),
        (Finding.SLOWER, rules.slower_told, rules.slower_by_ms, rules.new_type_by_chance),
    )
    for finding, factor, more_ms, by_chance in grades:
        for name, share in _QUANTILES:
            now_ms, then_ms = new.quantile_ms(share), old.quantile_ms(share)
            limit_ms = max(then_ms * factor, then_ms + more_ms)
            slow, before = new.slower_than(limit_ms), old.slower_than(limit_ms)
            chance = chance_of_more(slow, new.latencies, before, old.latencies)
            if now_ms > limit_ms and chance < by_chance:
                yield finding, f"{name} {latency_text(now_ms)}, in old code {latency_text(then_ms)}"


def _errors_text(new: FunctionMeasure, old: FunctionMeasure) -> str:
    types = ", ".join(f"{name} {count:,}" for name, count in sorted(new.errors, key=lambda item: -item[1]))
    before = f"in old code {old.failed:,} of {old.calls:,}" if old.calls else "no call of old code"
    return f"{new.failed:,} of {new.calls:,} calls raised{f' ({types})' if types else ''}, {before}"
