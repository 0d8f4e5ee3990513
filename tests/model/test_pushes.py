"""The log as people read it: one row a push, whatever generations it took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livecode.fleet.generations import (
    Applied,
    Author,
    dropped,
    mixed,
    new_session,
    restored,
    taken_back,
    tried,
    went_live,
)
from livecode.model.log import NOTHING_YET, Action, Stage, State, Tried
from livecode.model.nouns import ModuleSource, Push, checksum
from livecode.model.pushes import dropped_words, generations_for, log_sheet, pushes_of
from livecode.model.report import Verdict
from livecode.model.text import sheet_text

ANN = Author("ann", "prices up", 1000.0, "pusher-1")
PUSH = Push((ModuleSource("shop.pricing", "new"),), "ann", "prices up")
TRIAL = tried(NOTHING_YET, PUSH, ANN, Stage.TRIAL, ("key 1",), {"shop.pricing": 1})
LIVE = went_live(TRIAL, Action.PUSH, {"shop.pricing": Applied(checksum("new"), checksum("old"))})
FAILED = (Tried("web-2:71", Verdict.ROLLED_BACK, "MemoryError: no room"),)
BACK = taken_back(LIVE, (), Author("ann", "another worker failed", 1001.0, ""), FAILED)


@pytest.mark.parametrize(
    ("states", "outcome", "live", "is_open"),
    [
        ((TRIAL,), "on trial on 1 worker now", False, True),
        ((replace(TRIAL, trial=replace(TRIAL.trial, stage=Stage.CANARY)),), "a canary on 1 worker now", False, True),
        ((LIVE, TRIAL), "live", True, False),
        ((BACK, LIVE, TRIAL), "taken back: another worker failed", False, False),
        ((mixed(LIVE, FAILED), LIVE, TRIAL), "live on some workers", False, False),
    ],
)
def test_one_push(states: tuple[State, ...], outcome: str, live: bool, is_open: bool) -> None:
    """The generations of a push are one entry: its author's words, its versions, and what became of it."""
    (push,) = pushes_of(states)
    assert (push.author, push.reason, push.at, push.action) == ("ann", "prices up", 1000.0, Action.PUSH)
    assert [(each.module, each.version, each.checksum) for each in push.modules] == [
        ("shop.pricing", 2, checksum("new"))
    ]
    assert (push.outcome, push.live, push.is_open) == (outcome, live, is_open)
    assert (push.began, push.generation) == (1, states[0].generation)


def test_entries_of_their_own() -> None:
    """What is no push is an entry, too, and each module can be looked at alone."""
    gone = dropped(LIVE, ["shop.pricing"], replace(ANN, name="bob"))
    told = restored(gone, 1, replace(ANN, name="web-1:7", reason="the store went back"))
    begun = new_session(replace(told, patches=LIVE.patches), replace(ANN, name="web-1:8"))
    pushes = pushes_of((begun, told, gone, LIVE, TRIAL))
    assert [(push.generation, push.author, push.action.value) for push in pushes] == [
        (5, "web-1:8", "new session"),
        (4, "web-1:7", "restore"),
        (3, "bob", "drop"),
        (2, "ann", "push"),
    ]
    assert [push.generation for push in pushes_of((LIVE, TRIAL), "shop.pricing")] == [2]
    assert pushes_of((LIVE, TRIAL), "shop.orders") == ()


def test_a_trial_that_was_overtaken() -> None:
    """Only what the newest generation tries is on trial; before it, a trial without an end went live nowhere."""
    drop, push = pushes_of((dropped(TRIAL, (), ANN), TRIAL))
    assert drop.action is Action.DROP
    assert (push.outcome, push.live, push.is_open) == ("never decided: something else was published", False, False)


def test_two_pushes_and_what_failed() -> None:
    """Newest first; what went wrong, and where, stands below."""
    again = tried(BACK, PUSH, replace(ANN, name="bob", reason="", at=1060.0), Stage.TRIAL, (), {"shop.pricing": 1})
    live = went_live(again, Action.UNDO, {"shop.pricing": Applied("", "")})
    text = sheet_text(log_sheet(pushes_of((live, again, BACK, LIVE, TRIAL)), "shop", 1120.0))
    short = checksum("new")[:7]
    assert text.splitlines() == [
        "● LOG  shop  generation 5                                               undo: %hotundo",
        "  #  modules                  author  when           reason     outcome",
        "  5  undo shop.pricing v2     bob     1 minute ago              live",
        f"  3  shop.pricing v2 {short}  ann     2 minutes ago  prices up  taken back: another worker failed",
        "  ! 3: web-2:71 ROLLED BACK: MemoryError: no room",
    ]


def test_a_module_is_looked_for_in_all_that_is_remembered() -> None:
    """Its last push may be long ago; without one the newest generations are enough."""
    assert generations_for(1, "shop.pricing") >= 1000 > generations_for(1)


def test_nothing_was_pushed() -> None:
    """An empty log says so."""
    assert sheet_text(log_sheet((), "shop")) == "○ LOG  shop  no push is remembered"


@pytest.mark.parametrize(
    ("dropped_names", "asked", "words"),
    [
        (("m",), (), "removed from the log: m"),
        ((), (), "no patch is stale"),
        ((), ("m", "n"), "there is no patch of m, n in the log"),
    ],
)
def test_dropped_words(dropped_names: tuple[str, ...], asked: tuple[str, ...], words: str) -> None:
    """What was removed is named; where nothing was, it is said why."""
    assert dropped_words(dropped_names, asked) == words
