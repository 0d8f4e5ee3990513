"""Histograms of latencies, and what several workers measured as one."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from livecode.model.codec import from_plain, to_plain
from livecode.model.measured import (
    LAST_SLOT,
    FunctionMeasure,
    Measured,
    Timed,
    count_slots,
    lowest_ms,
    merged,
    slot_of,
)


def measure(*latencies_ms: float, name: str = "m.f") -> FunctionMeasure:
    """Calls that took so long."""
    slots: dict[int, int] = {}
    for latency in latencies_ms:
        slot = slot_of(round(latency * 1e6))
        slots[slot] = slots.get(slot, 0) + 1
    return FunctionMeasure(name, len(latencies_ms), (), sum(latencies_ms), tuple(sorted(slots.items())))


@pytest.mark.parametrize("latency_ns", [0, 1, 1023, 1024, 1279, 1280, 5_000, 123_456, 10**6, 10**9, 7 * 10**10])
def test_a_latency_falls_between_the_bounds_of_its_slot(latency_ns: int) -> None:
    """The lowest of its slot is at most as long, the lowest of the next one longer."""
    slot = slot_of(latency_ns)
    assert lowest_ms(slot) <= latency_ns / 1e6 < lowest_ms(slot + 1)


@pytest.mark.parametrize(
    "latencies", [[], [0], [5], [1500, 900, 1500, 10**18, 2**40, 77_000], list(range(0, 10**6, 977))]
)
def test_many_are_counted_as_each_is(latencies: list[int]) -> None:
    """In one go, with the same result."""
    assert count_slots(latencies) == Counter(map(slot_of, latencies))


def test_slots_have_an_end() -> None:
    """Everything from 16 minutes on is one slot."""
    assert slot_of(2**40) == slot_of(10**18) == LAST_SLOT
    assert lowest_ms(LAST_SLOT) <= 2**40 / 1e6


@pytest.mark.parametrize("latency_ms", [0.01, 0.7, 1.0, 12.3, 4567.0])
def test_quantiles_are_right_to_within_an_eighth(latency_ms: float) -> None:
    """The middle of a slot stands for all in it."""
    assert measure(latency_ms).p50_ms == pytest.approx(latency_ms, rel=0.125)


def test_quantiles_of_many() -> None:
    """The median is in the middle, and 99 % are below the 99th percentile."""
    many = measure(*[1.0] * 60, *[10.0] * 38, *[100.0] * 2)
    found = [many.quantile_ms(share) for share in (0.5, 0.6, 0.61, 0.98, 0.99)]
    assert found == pytest.approx([1.0, 1.0, 10.0, 10.0, 100.0], rel=0.125)
    assert (many.latencies, many.slower_than(5.0), many.slower_than(1000.0)) == (100, 40, 0)


def test_nothing_has_no_quantiles() -> None:
    """Zero stands for none."""
    assert (FunctionMeasure("f").p50_ms, FunctionMeasure("f").slowest_ms) == (0.0, 0.0)


def test_workers_are_added_up() -> None:
    """The sums of all, the longest time, each reason once; quantiles are those of all calls."""
    one = FunctionMeasure("f", 10, (("KeyError", 1),), 5.0, ((1, 10),), ((7, 1),))
    other = FunctionMeasure("f", 30, (("OSError", 2), ("KeyError", 1)), 60.0, ((1, 10), (5, 20)), ((3, 1),))
    alone = FunctionMeasure("g", 1, (), 1.0, ((9, 1),), (), Timed.STEP)
    old = Measured(not_measured=("too old",))
    assert merged((Measured((one,), 4.0, 1), old, Measured((other, alone), 5.0, 1), old)) == Measured(
        (
            FunctionMeasure("f", 40, (("KeyError", 2), ("OSError", 2)), 65.0, ((1, 20), (5, 20)), ((3, 1), (7, 1))),
            alone,
        ),
        5.0,
        2,
        ("too old",),
    )


def test_merging_nothing() -> None:
    """No worker, nothing measured."""
    assert merged(()) == Measured()


def test_it_goes_through_json() -> None:
    """All of it."""
    measured = Measured((measure(1, 2, 3), FunctionMeasure("g", timed=Timed.ITEM)), 2.5, 1, ("why",))
    assert from_plain(Measured, json.loads(json.dumps(to_plain(measured)))) == measured
