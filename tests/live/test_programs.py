"""Live equals fresh, whatever the program and whatever the edits.

Programs and edits are made at random (`tests.live.programs`). After each push the modules are compared with those of a
fresh process, name by name and call by call; values that the report calls stale are made again first, as it says.
Some sequences run in CI, always the same; `LIVECODE_NIGHTLY=1` runs thousands, other ones each time, and another
number runs so many. A failure is shown as a history of statements, and as sources to be pasted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings

from tests.live.equivalence import Sources, differences
from tests.live.forker import Forker
from tests.live.played import MODULES, imported, played
from tests.live.programs import Program, histories, histories_as_sources, may_execute

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every program has a forked process of its own")

NIGHTLY = int(os.environ.get("LIVECODE_NIGHTLY", "0"))
REFUSABLE = {"LC102", "LC103", "LC104", "LC105", "LC106"}
"""What a plan may refuse of these programs: classes that change their kind in ways that cannot be done live."""

thorough = settings(
    max_examples=4000 if NIGHTLY == 1 else NIGHTLY or 60,
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def player() -> Iterator[Forker]:
    """A process that forks for every question, and has imported what answers."""
    made = Forker("tests.live.played")
    yield made
    made.close()


@pytest.mark.timeout(0 if NIGHTLY else 300)
@thorough
@given(histories())
def test_live_equals_fresh(player: Forker, history: tuple[list[Program], list[str]]) -> None:
    """After every push the modules are what a fresh import makes; nothing runs twice; a refusal touches nothing."""
    compare(player, *history)


def compare(player: Forker, programs: list[Program], breaks: list[str]) -> None:
    """Pushes the programs one after the other, and asserts after each that live is fresh."""
    states = histories_as_sources(programs)
    fresh = player.ask(imported, states)
    assume(None not in fresh)
    at = 0  # what runs
    for number, live in enumerate(player.ask(played, states, breaks), 1):
        show(states[at], states[number], live["said"])
        if live["kept"] is not None:
            assert live["refused"] not in ("LIVE", "SAME"), "what is broken was taken"
            assert_same(live["kept"], fresh[at])
        if live["verdict"] == "REFUSED":
            assert set(live["codes"]) <= REFUSABLE, live["said"]
            assert_same(live["names"], fresh[at])
            continue
        check_executions(live["executed"], programs[at], programs[number])
        at = number
        assert live["verdict"] in ("LIVE", "SAME"), live["said"]
        assert live["again"] == "LIVE", live["again"]
        assert_same(live["names"], fresh[at])
        assert live["held"] == [], live["held"]


def assert_same(live: Any, wanted: Any) -> None:
    """Asserts that two descriptions are the same, and says where they differ."""
    found = list(differences(live, wanted))
    assert found == [], found


def check_executions(executed: dict[str, int], before: Program, after: Program) -> None:
    """Every statement was executed once at most, and only if something that it reads changed."""
    allowed = may_execute(before, after)
    for tag, count in executed.items():
        same = [s for m, made in zip(MODULES, after, strict=True) for s in made if tag == f"{m}.{s.shape}.{s.name}"]
        assert count <= max(len(same), 1), f"{tag} was executed {count} times"
        assert tag.rstrip("+*") in allowed, f"{tag} was executed, and reads nothing that changed"


def show(before: Sources, after: Sources, said: str) -> None:
    """Prints the push, where a failure is shown."""
    for module in MODULES:
        if before[module] != after[module]:
            note(f"── {module} before\n{before[module]}\n── {module} after\n{after[module]}")
        else:
            note(f"── {module}, the same\n{before[module]}")
    note(said)
