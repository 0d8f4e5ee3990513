"""What follows on what in a log: pure, each generation from the one before."""

from __future__ import annotations

import pytest

from livecode.fleet import generations
from livecode.fleet.generations import Applied, Author
from livecode.model.log import NOTHING_YET, Action, Patch, Stage, State, read_state
from livecode.model.nouns import ModuleSource, Push, checksum

ANN = Author("ann", "why", 1.0, "pusher-ann")
BEN = Author("ben", "no", 2.0, "pusher-ben")
PUSH = Push((ModuleSource("m", "new"),), "ann", "why")
LIVE = {"m": Applied(checksum("new"), checksum("old"))}


def on_trial(before: State = NOTHING_YET, author: Author = ANN, running: int = 1) -> State:
    """The push on trial on w1."""
    return generations.tried(before, PUSH, author, Stage.TRIAL, ("w1",), {"m": running})


def live(before: State = NOTHING_YET) -> State:
    """The push, live."""
    return generations.went_live(on_trial(before), Action.PUSH, LIVE)


def test_trial() -> None:
    """What is on trial is no patch yet; its version follows the highest that runs."""
    state = on_trial(running=4)
    assert (state.generation, state.began, state.patches) == (1, 1, ())
    assert state.trial is not None
    assert (state.trial.versions, state.trial.workers) == ((("m", 5),), ("w1",))


@pytest.mark.parametrize(("author", "began"), [(ANN, 1), (BEN, 2)])
def test_second_trial(author: Author, began: int) -> None:
    """A trial goes on with one of the same pusher, and begins anew after one of another."""
    assert on_trial(on_trial(), author).began == began


def test_live() -> None:
    """What went live is a patch over its file, and nothing is on trial."""
    state = live()
    assert (state.generation, state.began, state.trial) == (2, 1, None)
    assert state.patches == (Patch("m", 2, checksum("new"), checksum("old"), "ann", "why", 1.0),)


def test_nothing_on_trial_goes_live() -> None:
    """Only what was tried goes live."""
    with pytest.raises(ValueError, match="generation 0 tries nothing"):
        generations.went_live(NOTHING_YET, Action.PUSH, LIVE)


@pytest.mark.parametrize("now", [on_trial(), live()], ids=["on trial", "live"])
def test_taken_back(now: State) -> None:
    """A push is taken back under a new generation, as part of itself, whoever does it."""
    back = generations.taken_back(now, (), BEN)
    assert (back.generation, back.began, back.action) == (now.generation + 1, now.began, Action.TAKE_BACK)
    assert (back.patches, back.trial, back.force, back.author) == ((), None, True, "ben")


def test_session_and_drop() -> None:
    """A new session has no patches; a drop has all but those it names."""
    assert generations.new_session(live(), "s2", ANN).patches == ()
    assert generations.dropped(live(), ["m"], ANN).patches == ()
    assert generations.dropped(live(), ["other"], ANN).patches == live().patches


@pytest.mark.parametrize(("found", "then"), [(0, 3), (1, 3), (7, 8)])
def test_restored(found: int, then: int) -> None:
    """A store that forgot goes on above what it says and above what was seen."""
    again = generations.restored(live(), found, ANN)
    assert (again.generation, again.action, again.patches) == (then, Action.RESTORE, live().patches)


@pytest.mark.parametrize(
    ("seen", "now", "names", "found"),
    [
        (NOTHING_YET, live(), ["m"], ["m"]),
        (NOTHING_YET, live(), ["other"], []),
        (live(), live(), ["m"], []),
        (live(), live(live()), ["m"], ["m"]),
    ],
)
def test_meddled(seen: State, now: State, names: list[str], found: list[str]) -> None:
    """Only what somebody made of these modules since it was seen is in the way."""
    assert [patch.module for patch in generations.meddled(seen, now, names)] == found


@pytest.mark.parametrize("state", [on_trial(), live(), generations.taken_back(live(), (), BEN)])
def test_read_back(state: State) -> None:
    """A state is read as it was written."""
    assert read_state(state.to_json()) == state
