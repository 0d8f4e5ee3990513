"""New code against old code: when errors rose, calls hang or got slower, and when nothing can be said."""

from __future__ import annotations

from math import comb

import pytest

from livecode.engine.canary import Rules, chance_of_more, changed_in, decide
from livecode.model.measured import Advice, Decision, Finding, FunctionMeasure, Measured, Timed, slot_of
from livecode.model.nouns import Worker
from livecode.model.report import Change, ChangeKind, ModuleOutcome, Outcome, Verdict

F = "shop.pricing.quote"


def calls(count: int, failed: int = 0, type_: str = "KeyError", ms: float = 5.0, name: str = F) -> FunctionMeasure:
    """So many calls, of which some failed, all equally fast."""
    errors = ((type_, failed),) if failed else ()
    return FunctionMeasure(name, count, errors, count * ms, ((slot_of(int(ms * 1e6)), count),) if count else ())


def took(*groups: tuple[int, float]) -> FunctionMeasure:
    """Groups of calls that took so many ms."""
    slots = {slot_of(int(ms * 1e6)): count for count, ms in groups}
    return FunctionMeasure(F, sum(count for count, _ in groups), (), 0.0, tuple(sorted(slots.items())))


def decided(new: FunctionMeasure | None, old: FunctionMeasure | None = None, *changed: str) -> Decision:
    """What follows from one function."""
    return decide(*(Measured((each,), 10.0, 1) if each else Measured() for each in (new, old)), changed)


ERRORS = {
    "no traffic": (calls(0), calls(0), Finding.NOT_CALLED, Advice.UNDECIDED),
    "no traffic on the canary": (calls(0), calls(5_000), Finding.NOT_CALLED, Advice.UNDECIDED),
    "few calls, no errors": (calls(7), calls(5_000), Finding.TOO_FEW, Advice.UNDECIDED),
    "enough calls, no errors": (calls(20), calls(5_000), Finding.FINE, Advice.KEEP),
    "no errors, and old code had little traffic": (calls(500), calls(3), Finding.FINE, Advice.KEEP),
    "a new function without errors": (calls(500), None, Finding.FINE, Advice.KEEP),
    "all errors": (calls(10, 10), calls(10), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
    "all errors, few calls": (calls(2, 2), calls(1_000), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
    "all errors, and few old calls": (calls(3, 3), calls(3), Finding.TOO_FEW, Advice.UNDECIDED),
    "the very first call fails": (calls(1, 1), calls(100_000), Finding.TOO_FEW, Advice.UNDECIDED),
    "all errors in both": (calls(50, 50), calls(50, 50), Finding.FINE, Advice.KEEP),
    "the same errors in both": (calls(1_000, 30), calls(4_000, 120), Finding.FINE, Advice.KEEP),
    "a few more": (calls(1_000, 36), calls(4_000, 120), Finding.FINE, Advice.KEEP),
    "twice as many": (calls(1_000, 60), calls(4_000, 120), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
    "fewer": (calls(1_000, 1), calls(4_000, 120), Finding.FEWER_ERRORS, Advice.KEEP),
    "one in 10, few old calls": (calls(10, 1), calls(10), Finding.TOO_FEW, Advice.UNDECIDED),
    "one in 10, many old calls": (calls(10, 1), calls(10_000), Finding.TOO_FEW, Advice.UNDECIDED),
    "one in 100, many old calls": (calls(100, 1), calls(1_000_000), Finding.FINE, Advice.KEEP),
    "3 in 10,000, as many old calls": (calls(10_000, 3), calls(10_000), Finding.FINE, Advice.KEEP),
    "3 in 10,000, many old calls": (calls(10_000, 3), calls(100_000), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
    "3 in 10,000, and 30 of 100,000 old ones": (calls(10_000, 3), calls(100_000, 30), Finding.FINE, Advice.KEEP),
    "a new type, old code with few calls": (calls(50, 3), calls(90), Finding.FINE, Advice.KEEP),
    "a new type, old code with many calls": (calls(50, 3), calls(400), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
    "errors, and old code was not called": (calls(50, 9), calls(0), Finding.NO_OLD_CALLS, Advice.UNDECIDED),
    "a new function that always raises": (calls(50, 50), None, Finding.NO_OLD_CALLS, Advice.UNDECIDED),
    "millions": (calls(3_000_000, 300), calls(9_000_000, 890), Finding.FINE, Advice.KEEP),
    "millions, and more": (calls(3_000_000, 400), calls(9_000_000, 890), Finding.ERRORS_ROSE, Advice.TAKE_BACK),
}


@pytest.mark.parametrize(("new", "old", "finding", "advice"), ERRORS.values(), ids=ERRORS)
def test_errors(new: FunctionMeasure, old: FunctionMeasure | None, finding: Finding, advice: Advice) -> None:
    """Errors take a canary back if chance hardly ever has so many; one alone never does; few calls say nothing."""
    decision = decided(new, old)
    assert (decision.functions[0].finding, decision.advice) == (finding, advice), decision


def test_a_type_that_is_new_convinces_sooner() -> None:
    """As many errors as ever: but these are of a type that the old code did not raise in many calls."""
    known = decided(calls(400, 4, "KeyError"), calls(400, 4, "KeyError"))
    unseen = decided(calls(400, 8, "NameError"), calls(400, 4, "KeyError"))
    assert (known.advice, unseen.advice) == (Advice.KEEP, Advice.TAKE_BACK)
    assert unseen.why == f"{F}(): errors rose, 8 of 400 calls raised (NameError 8), in old code 4 of 400"


def test_functions_that_fail_share_the_chance() -> None:
    """One function of forty that fails a little more by chance is no reason; alone, it would be one."""
    doubtful, before = calls(1_000, 14), calls(1_000, 1)
    others = [calls(1_000, 1, name=f"m.f{number}") for number in range(39)]
    alone = decide(Measured((doubtful,)), Measured((before,)))
    among = decide(Measured((doubtful, *others)), Measured((before, *others)))
    assert (alone.advice, among.advice) == (Advice.TAKE_BACK, Advice.KEEP)


LATENCY = {
    "the same": (took((500, 5.0)), took((500, 5.0)), Finding.FINE),
    "a little slower": (took((500, 6.0)), took((500, 5.0)), Finding.FINE),
    "twice as slow": (took((500, 10.0)), took((500, 5.0)), Finding.SLOWER),
    "four times as slow": (took((500, 20.0)), took((500, 5.0)), Finding.MUCH_SLOWER),
    "four times as slow, and still fast": (took((500, 2.0)), took((500, 0.5)), Finding.SLOWER),
    "faster": (took((500, 1.0)), took((500, 5.0)), Finding.FINE),
    "ten times as slow, in microseconds": (took((500, 0.1)), took((500, 0.01)), Finding.FINE),
    "ten times as slow, few calls": (took((19, 50.0)), took((500, 5.0)), Finding.TOO_FEW),
    "ten times as slow, few old calls": (took((500, 50.0)), took((19, 5.0)), Finding.FINE),
    "cache hits and misses, some more misses": (
        took((245, 1.0), (255, 90.0)),
        took((255, 1.0), (245, 90.0)),
        Finding.FINE,
    ),
    "a slow tail": (took((960, 5.0), (40, 90.0)), took((1_000, 5.0)), Finding.MUCH_SLOWER),
    "the same slow tail": (took((960, 5.0), (40, 90.0)), took((3_840, 5.0), (160, 90.0)), Finding.FINE),
    "one slow call in 100": (took((99, 5.0), (1, 900.0)), took((1_000, 5.0)), Finding.FINE),
}


@pytest.mark.parametrize(("new", "old", "finding"), LATENCY.values(), ids=LATENCY)
def test_latency(new: FunctionMeasure, old: FunctionMeasure, finding: Finding) -> None:
    """One and a half times is told, three times takes it back; microseconds and a few slow calls do not matter."""
    decision = decided(new, old)
    assert decision.functions[0].finding is finding, decision
    assert (decision.advice is Advice.TAKE_BACK) == (finding is Finding.MUCH_SLOWER)


def waiting(measure: FunctionMeasure, count: int, ms: float) -> FunctionMeasure:
    """The same, and so many calls have been under way for so long."""
    slots = ((slot_of(int(ms * 1e6)), count),)
    return FunctionMeasure(F, measure.calls, measure.errors, measure.total_ms, measure.slots, slots)


HANGING = {
    "none returns": (waiting(calls(0), 40, 9_000), calls(4_000), Finding.HANGS),
    "some do not return": (waiting(calls(400), 40, 9_000), calls(4_000), Finding.HANGS),
    "not for long enough": (waiting(calls(0), 40, 900), calls(4_000), Finding.TOO_FEW),
    "old calls were as long": (waiting(calls(0), 40, 9_000), took((4_000, 5), (40, 8_000)), Finding.TOO_FEW),
    "old calls wait as well": (waiting(calls(400), 4, 9_000), waiting(calls(4_000), 40, 9_000), Finding.FINE),
    "a loop that never returns": (waiting(calls(0), 1, 9_000), waiting(calls(0), 3, 9_000), Finding.TOO_FEW),
}


@pytest.mark.parametrize(("new", "old", "finding"), HANGING.values(), ids=HANGING)
def test_calls_that_hang(new: FunctionMeasure, old: FunctionMeasure, finding: Finding) -> None:
    """Calls that run much longer than any old one did hang, unless the old code has such calls too."""
    decision = decided(new, old)
    assert decision.functions[0].finding is finding, decision


def test_what_was_changed_must_have_been_called() -> None:
    """Another function of the module that is fine does not stand for it; what is inside of it belongs to it."""
    new = Measured((calls(500, name="m.helper"), calls(3, name="m.Order.total")))
    old = Measured((calls(500, name="m.helper"), calls(500, name="m.Order.total")))
    assert decide(new, old).advice is Advice.KEEP
    assert decide(new, old, ["m.helper", "m.RATE"]).advice is Advice.KEEP
    decision = decide(new, old, ["m.Order"])
    assert (decision.advice, decision.why) == (
        Advice.UNDECIDED,
        "m.Order.total(): too few calls, 3 of the 20 that it takes",
    )
    assert decide(new, old, ["m.Ord"]).advice is Advice.KEEP


def test_nothing_measured_says_why() -> None:
    """The reason that the workers gave."""
    why = "Python 3.11 cannot measure calls without slowing every call; 3.12 can"
    assert decide(Measured(not_measured=(why,)), Measured()) == Decision(Advice.UNDECIDED, why)
    assert decided(None).why == "no function was measured"


def test_the_worst_comes_first() -> None:
    """In the functions and in the sentence."""
    new = Measured((calls(500, name="a"), calls(2, name="b"), calls(500, 100, name="c"), calls(500, ms=90, name="d")))
    old = Measured(tuple(calls(500, name=name) for name in "abcd"))
    decision = decide(new, old)
    assert [each.name for each in decision.functions] == ["c", "d", "b", "a"]
    assert decision.why == "c(): errors rose, 100 of 500 calls raised (KeyError 100), in old code 0 of 500 (and 1 more)"


def test_of_the_worst_what_was_changed_comes_first() -> None:
    """An error leaves all the callers, too: it is told of where the push may have made it."""
    new = Measured(tuple(calls(500, 100, name=name) for name in ("m.page", "m.quote", "m.rate")))
    old = Measured(tuple(calls(500, name=name) for name in ("m.page", "m.quote", "m.rate")))
    assert [each.name for each in decide(new, old, ["m.rate"]).functions] == ["m.rate", "m.page", "m.quote"]


def test_slower_is_said_where_it_is_kept() -> None:
    """It is no reason to take a canary back, and a reason to look."""
    decision = decided(took((500, 10.0)), took((500, 5.0)))
    assert (decision.advice, decision.why) == (Advice.KEEP, f"{F}(): slower, p50 9.44 ms, in old code 4.72 ms")


def test_generators_that_began_before_may_fail_more_often_than_they_began() -> None:
    """The error counts, though the beginning was not seen."""
    failing = FunctionMeasure(F, 2, (("OSError", 5),), timed=Timed.STEP)
    assert decided(failing, calls(1_000)).advice is Advice.TAKE_BACK


def test_rules_can_be_others() -> None:
    """Who wants to be sure waits for more calls."""
    measures = Measured((calls(500),)), Measured((calls(500),))
    assert decide(*measures, rules=Rules(min_calls=1_000)).advice is Advice.UNDECIDED


@pytest.mark.parametrize(
    "numbers", [(3, 10, 0, 10), (4, 12, 3, 40), (10, 10, 0, 10), (7, 50, 100, 2_000), (2, 3, 0, 1)]
)
def test_the_chance_is_that_of_the_exact_test(numbers: tuple[int, int, int, int]) -> None:
    """The same as the sum over whole numbers."""
    hits, among, other_hits, other = numbers
    total = hits + other_hits
    ways = sum(comb(total, k) * comb(among + other - total, among - k) for k in range(hits, min(total, among) + 1))
    assert chance_of_more(*numbers) == pytest.approx(ways / comb(among + other, among))


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (5, 10, 0, 0), (0, 10, 5, 10), (5, 10, 5, 10), (0, 0, 5, 10)])
def test_not_more_is_no_surprise(numbers: tuple[int, int, int, int]) -> None:
    """Nor is anything beside nothing."""
    assert chance_of_more(*numbers) == 1.0


def test_what_a_push_changed() -> None:
    """Functions, methods and values that changed or are new, under the names that measures bear."""
    kinds = (ChangeKind.CHANGED, ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.KEPT)
    changes = tuple(
        Change(kind, name) for kind, name in zip(kinds, ("quote()", "Order.tax()", "old()", "X"), strict=True)
    )
    outcome = Outcome(Worker("w1", 1, "h", "3.12.1"), Verdict.LIVE, (ModuleOutcome("m", 1, 2, changes=changes),))
    assert changed_in(outcome) == ("m.quote", "m.Order.tax")
