"""Edits that people make in services: web apps, trading bots, robots, simulations, job workers.

Each file `*.toml` is a service and edits of it, as data:

    [modules]   name = its source; `ran("NAME", value)` in it says that a statement is executed
    holds       what somebody took before the push: name = expression
    asks        expressions whose answers have to be those of a fresh process, also through `hold`
    [[edit]]    rule     one sentence
                change   module = [old text, new text, …]; a module that is new, or goes, is given whole
                runs     what is executed, and nothing else is: what did not change is not run again
                stale    what the report says is of the old make; made again before live and fresh are compared
                skip     names and questions that are left out, as a value of the old make went into them
                refused  the code, if it cannot be done: then everything is as it was
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live.equivalence import Sources, differences
from tests.live.forker import Forker
from tests.stories.told import fresh, told

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every edit has a forked process of its own")

HERE = Path(__file__).parent


class Edit(NamedTuple):
    """One edit of a service."""

    service: str
    rule: str
    before: Sources
    after: Sources
    holds: dict[str, str]
    asks: list[str]
    runs: list[str]
    stale: list[str]
    skip: list[str]
    refused: str

    @property
    def step(self) -> Sources:
        """The modules that are pushed."""
        return {name: text for name, text in self.after.items() if text != self.before.get(name)}


def edits() -> Iterator[Edit]:
    """Those of all services."""
    for path in sorted(HERE.glob("*.toml")):
        service = tomllib.loads(path.read_text())
        for each in service["edit"]:
            yield _edit(path.stem, service, each)


def _edit(name: str, service: dict[str, Any], each: dict[str, Any]) -> Edit:
    before: Sources = service["modules"]
    after = dict(before)
    for module, texts in each["change"].items():
        texts = [each.replace("\\n", "\n") for each in texts]
        for old, new in zip(texts[::2], texts[1::2], strict=True):
            assert after[module].count(old) == 1, (each["rule"], module, old, after[module].count(old))
            after[module] = after[module].replace(old, new)
    return Edit(
        name,
        each["rule"],
        before,
        after,
        {**service.get("holds", {}), **each.get("holds", {})},
        [*service.get("asks", []), *each.get("asks", [])],
        sorted(each.get("runs", [])),
        sorted(each.get("stale", [])),
        each.get("skip", []),
        each.get("refused", ""),
    )


@pytest.fixture(scope="module")
def teller() -> Iterator[Forker]:
    """A process that forks for every question."""
    made = Forker("tests.stories.told")
    yield made
    made.close()


@pytest.mark.parametrize("edit", list(edits()), ids=lambda edit: f"{edit.service}: {edit.rule}")
def test_edit(edit: Edit, teller: Forker) -> None:
    """After the push, and after taking it back, all is as in a fresh process; only what had to be was executed."""
    back = {name: edit.before[name] for name in edit.step}
    live, undone = teller.ask(told, edit.before, edit.holds, edit.asks, [edit.step, back])
    was = teller.ask(fresh, edit.before, edit.holds, edit.asks)
    if edit.refused:
        assert (live["verdict"], live["codes"]) == ("REFUSED", [edit.refused]), live["said"]
        assert list(differences(live["seen"], was)) == []
        return
    assert live["verdict"] == "LIVE", live["said"]
    assert _differences(live, teller.ask(fresh, edit.after, edit.holds, edit.asks), edit) == [], live["said"]
    assert sorted(live["executed"]) == edit.runs, (live["executed"], live["said"])
    assert set(live["executed"].values()) <= {1}, live["executed"]
    assert live["stale"] == edit.stale, live["said"]
    assert live["again"] == ""
    assert undone["verdict"] in ("LIVE", "SAME"), undone["said"]
    assert _differences(undone, was, edit) == [], undone["said"]


def _differences(live: dict[str, Any], wanted: dict[str, Any], edit: Edit) -> list[str]:
    found = differences(live["seen"], wanted)
    left_out = [*(f".modules.{name}:" for name in edit.skip), *(f".answers.{ask}:" for ask in edit.skip)]
    return [each for each in found if not each.startswith(tuple(left_out))]
