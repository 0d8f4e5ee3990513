"""What a panel shows of what was seen."""

from __future__ import annotations

import json

import pytest

from livecode.front.panel.plain import Look, plain
from livecode.model.nouns import ProcessStatus
from tests.front.panel.looks import FAILED, NEW, OLD, canary, look, module, push, status


def test_it_is_json_and_only_changes_with_what_is_seen() -> None:
    """It can be sent as it is, and two looks that saw the same are equal: nothing is sent then."""
    seen = look(pushes=(push(4, FAILED),), canary=canary())
    assert json.loads(json.dumps(plain(seen))) == plain(seen)
    assert plain(seen) == plain(look(pushes=(push(4, FAILED),), canary=canary()))


def test_in_short() -> None:
    """How many workers, on which hosts, with which Python."""
    assert plain(look())["facts"] == ["3 workers on web-1", "Python 3.12.1"]
    alone = plain(Look("", statuses=(status(1),)))
    assert (alone["service"], alone["facts"][0]) == ("this process", "pid 71")
    assert plain(Look("shop", away="shop has no worker"))["workers"] == []


@pytest.mark.parametrize(
    ("odd", "state", "tone"),
    [
        (status(2), "in step", "good"),
        (status(2, generation=2), "behind: generation 2 of 4", "warn"),
        (status(2, module(version=1, digest=OLD)), "differs: shop.pricing v1", "warn"),
        (status(2, stale=("shop.tax",)), "stale: shop.tax runs as its file says, which has changed since", "warn"),
        (status(2, trouble="store went back"), "store went back", "bad"),
        (status(2, busy="a push of shop.tax"), "busy: a push of shop.tax", "calm"),
        (ProcessStatus(status(2).worker, (), busy="gone"), "does not answer: gone", "bad"),
    ],
)
def test_a_worker_says_what_is_wrong_with_it(odd: ProcessStatus, state: str, tone: str) -> None:
    """What matters most first; the others are in step, and stand below it."""
    rows = plain(look(status(1), odd, status(3)))["workers"]
    said = {row["name"]: (row["state"], row["tone"]) for row in rows}
    assert said == {"w1": ("in step", "good"), "w2": (state, tone), "w3": ("in step", "good")}
    assert [row["name"] for row in rows] == (["w1", "w2", "w3"] if tone == "good" else ["w2", "w1", "w3"])


def test_a_module_has_a_row_for_each_source_that_runs() -> None:
    """With the workers that run it; what was pushed stands first, and can be undone."""
    other = module("shop.a", 1, OLD)
    seen = look(status(1, module(), other), status(2, module(), other), status(3, module(version=1, digest=OLD), other))
    rows = plain(seen)["modules"]
    assert [(row["module"], row["version"], row["on"], row["differs"], row["undo"]) for row in rows] == [
        ("shop.pricing", "v2", "2/3: w1 w2", True, True),
        ("shop.a", "v1", "3/3", False, False),
        ("shop.pricing", "v1", "1/3: w3", True, False),
    ]
    assert [(rows[0]["disk"], rows[0]["diskTone"]), (rows[1]["disk"], rows[1]["diskTone"])] == [
        ("differs", "warn"),
        ("same", "good"),
    ]


def test_many_workers_are_counted() -> None:
    """Sixty-four of them are not all named."""
    odd = {n: status(n, module(version=1, digest=OLD)) for n in range(10, 20)}
    shown = plain(look(*(odd.get(n) or status(n) for n in range(1, 65))))
    assert len(shown["workers"]) == 64
    assert [row["on"] for row in shown["modules"]] == [
        "54/64: w1 w2 w3 w4 and 50 more",
        "10/64: w10 w11 w12 w13 and 6 more",
    ]


def test_calls_inside_old_code_are_added_up() -> None:
    """One row a place, over all workers; what has another form is shown as it is."""
    one = module(still_old=("run_feed() of v1 (feed.py:31)", "perhaps x() of v1 (a.py:1): the heap is large", "what?"))
    two = module(still_old=('3 × run_feed() of v1 (feed.py:31), thread "t"', "2 × run_feed() of v1 (feed.py:31)"))
    rows = plain(look(status(1, one), status(2, two), status(3)))["old"]
    assert [(row["function"], row["version"], row["place"], row["count"], row["on"]) for row in rows] == [
        ("run_feed()", "v1", "feed.py:31", 3, "2/3: w1 w2"),
        ("perhaps x()", "v1", "a.py:1: the heap is large", 1, "1/3: w1"),
        ("what?", "", "", 1, "1/3: w1"),
        ("run_feed()", "v1", 'feed.py:31, thread "t"', 3, "1/3: w2"),
    ]


def test_pushes_and_errors() -> None:
    """What became of each, and what went wrong on which worker, with the text as it is."""
    back = push(6, FAILED, outcome="taken back: it could not be applied", live=False)
    shown = plain(look(pushes=(back, push(4))))
    assert [(row["what"], row["outcome"], row["tone"]) for row in shown["pushes"]] == [
        ("shop.pricing v2 bbbbbbb", "taken back: it could not be applied", "bad"),
        ("shop.pricing v2 bbbbbbb", "live on 3 workers", "good"),
    ]
    assert [(row["worker"], row["verdict"], row["why"]) for row in shown["errors"]] == [
        ("w2", "ROLLED BACK", "ValueError: no tea 🍵 <script>alert(1)</script>")
    ]


def test_what_the_last_push_was() -> None:
    """It can be undone while it is live; a process without a log has one, too."""
    assert plain(look(pushes=(push(4),)))["last"] == {"generation": 4, "what": "shop.pricing v2"}
    assert plain(look(pushes=(push(4, live=False),)))["last"] is None
    assert plain(Look("", statuses=(status(1, last_push=("shop.tax",)),)))["last"] == {
        "generation": 0,
        "what": "shop.tax",
    }
    assert plain(look())["last"] is None


def test_a_canary() -> None:
    """New beside old, function by function; who runs it; nothing can be undone meanwhile."""
    shown = plain(look(pushes=(push(3, live=False, is_open=True),), canary=canary()))
    figures = shown["canary"]
    assert (figures["workers"], figures["said"], figures["tone"]) == (["w1"], "worse than the old code", "bad")
    (quote,) = figures["functions"]
    assert (quote["finding"], quote["tone"], quote["calls"], quote["errors"]) == (
        "errors rose",
        "bad",
        [200, 900],
        [9, 0],
    )
    assert quote["p50"][0]["ms"] > quote["p50"][1]["ms"] > 0
    assert figures["notes"] == ["not called: shop.pricing.idle", "not measured: w3 cannot"]
    assert shown["workers"][0]["state"] == "runs the canary"
    old = tuple(status(n, module(version=1, digest=OLD)) for n in (2, 3, 4))
    assert {row["state"] for row in plain(look(*old, status(1), canary=canary()))["workers"]} == {
        "in step",
        "runs the canary",
    }
    assert not any(row["undo"] for row in shown["modules"])
    assert shown["modules"][0]["digest"] == NEW
