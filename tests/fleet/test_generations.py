"""What the next generation of a log says, given the one before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livecode.fleet import generations
from livecode.fleet.generations import Applied, Author
from livecode.model.log import NOTHING_YET, Action, Patch, Stage, State
from livecode.model.nouns import ModuleSource, Push

ANN, BOB = Author("ann", "why", 1.0, "key of ann"), Author("bob", "because", 2.0, "key of bob")
PUSH = Push((ModuleSource("m", "new"),), rerun=("MODEL",))
PATCH = Patch("m", 4, "digest", "base")


def tried(before: State = NOTHING_YET, running: int = 1, author: Author = ANN, stage: Stage = Stage.TRIAL) -> State:
    """A push on trial."""
    return generations.tried(before, PUSH, author, stage, ("w1",), {"m": running})


def live(before: State = NOTHING_YET) -> State:
    """A push that went live."""
    return generations.went_live(tried(before), Action.PUSH, {"m": Applied("d", "b")})


@pytest.mark.parametrize(
    ("patches", "running", "version"), [((), 0, 1), ((), 1, 2), ((), 7, 8), ((PATCH,), 1, 5), ((PATCH,), 9, 10)]
)
def test_version(patches: tuple[Patch, ...], running: int, version: int) -> None:
    """A push gets a version above all that the log or a worker has seen."""
    trial = tried(replace(NOTHING_YET, patches=patches), running).trial
    assert trial is not None
    assert trial.versions == (("m", version),)


def test_began() -> None:
    """A trial, its canary and what became of it began in one generation; another pusher's is another push."""
    first = tried()
    canary = tried(first, stage=Stage.CANARY)
    settled = generations.went_live(canary, Action.PUSH, {})
    back = generations.taken_back(settled, (), BOB)
    assert [state.generation for state in (first, canary, settled, back)] == [1, 2, 3, 4]
    assert {state.began for state in (first, canary, settled, back)} == {1}
    assert tried(first, author=BOB).began == 2


def test_going_live_and_back() -> None:
    """What goes live is in the patches with its base; what is taken back leaves those that were before."""
    now = live(replace(NOTHING_YET, patches=(PATCH, Patch("other", 2, "o"))))
    assert [(patch.module, patch.version, patch.digest, patch.base) for patch in now.patches] == [
        ("m", 5, "d", "b"),
        ("other", 2, "o", ""),
    ]
    assert (now.trial, now.rerun) == (None, ("MODEL",))
    back = generations.taken_back(now, (PATCH,), BOB)
    assert (back.patches, back.rerun, back.force, back.author) == ((PATCH,), (), True, "bob")
    with pytest.raises(ValueError, match="tries nothing"):
        generations.went_live(back, Action.PUSH, {})


@pytest.mark.parametrize(("digest", "base"), [("", "base"), ("digest", "base"), ("else", "")])
def test_base_is_kept(digest: str, base: str) -> None:
    """An unload, and a source that ran already, keep the file that the patch was made for."""
    before = replace(NOTHING_YET, patches=(PATCH,))
    (patch,) = generations.went_live(tried(before), Action.PUSH, {"m": Applied(digest, "")}).patches
    assert patch.base == base


@pytest.mark.parametrize(("known", "found"), [(9, 2), (2, 9), (3, 3)])
def test_restored(known: int, found: int) -> None:
    """What a store forgot is said again above all that anyone has seen, and nothing is on trial."""
    again = generations.restored(replace(tried(), generation=known), found, BOB)
    assert (again.generation, again.trial, again.action) == (max(known, found) + 1, None, Action.RESTORE)


def test_dropped_and_new_session() -> None:
    """Patches go by name, unknown names are no matter; a new session has none."""
    now = live()
    assert generations.dropped(now, ["m", "unknown"], BOB).patches == ()
    assert generations.dropped(now, ["m", "unknown"], BOB).modules == ("m",)
    session = generations.new_session(now, BOB)
    assert (session.patches, session.modules) == ((), ("m",))


@pytest.mark.parametrize(
    ("seen", "now", "names"),
    [
        ((), (PATCH,), ["m"]),
        ((PATCH,), (PATCH,), []),
        ((PATCH,), (replace(PATCH, version=5),), ["m"]),
        ((PATCH,), (), []),
    ],
)
def test_meddled(seen: tuple[Patch, ...], now: tuple[Patch, ...], names: list[str]) -> None:
    """Whoever pushes over a patch that they have not seen is told."""
    states = [replace(NOTHING_YET, patches=patches) for patches in (seen, now)]
    assert [patch.module for patch in generations.meddled(*states, ["m"])] == names
