"""Live equals fresh: after a push, a module is what a fresh import of its new source makes."""

from __future__ import annotations

import os

import pytest

from tests.live.edits import REFUSED, SAME_AS_FRESH, Edit
from tests.live.equivalence import differences, fresh, pushed
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")


@pytest.mark.parametrize("edit", SAME_AS_FRESH, ids=lambda edit: edit.name)
def test_live_equals_fresh(edit: Edit, forker: Forker) -> None:
    """The names, values, classes, signatures and lines of a pushed module are those of a fresh import."""
    live = forker.ask(pushed, edit.before, edit.pushes)
    final = dict(edit.before)
    for push, verdict in zip(edit.pushes, live["verdicts"], strict=True):
        final |= push if verdict == "LIVE" else {}
    assert live["verdicts"][-1] == "LIVE", live
    assert list(differences(live["names"], forker.ask(fresh, final))) == []


@pytest.mark.parametrize(("code", "edit"), REFUSED, ids=lambda value: getattr(value, "name", ""))
def test_what_cannot_be_done_is_refused(code: str, edit: Edit, forker: Forker) -> None:
    """What cannot be done live is refused with its code, and the module stays as it was."""
    live = forker.ask(pushed, edit.before, edit.pushes)
    assert (live["verdicts"], live["codes"]) == (["REFUSED"], [code])
    assert list(differences(live["names"], forker.ask(fresh, edit.before))) == []
