"""All or nothing: an error at any step of a push leaves the process as it was."""

from __future__ import annotations

import os

import pytest

from tests.live.edits import SAME_AS_FRESH, Edit
from tests.live.forker import Forker
from tests.live.roll_back import failing_push

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

MAX_STEPS = 40
MADE_BY_LOOKING = ("global written", "cm")  # describing these modules changes them
EDITS = [edit for edit in SAME_AS_FRESH if len(edit.pushes) == 1 and edit.name not in MADE_BY_LOOKING]
GOOD = {"verdict": "ROLLED BACK", "changed": [], "then": "LIVE", "not undone": []}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_exception_at_the_end_takes_everything_back(edit: Edit, forker: Forker) -> None:
    """A last line that raises leaves every object, value and name as it was; the corrected source then applies."""
    last = list(edit.pushes[0])[-1]
    broken = {**edit.pushes[0], last: edit.pushes[0][last] + "\n1 / 0\n"}
    assert forker.ask(failing_push, edit.before, broken, edit.pushes[0], None) == GOOD


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_exception_at_any_step_takes_everything_back(edit: Edit, forker: Forker) -> None:
    """Whatever step of the journal fails, half way through, the process is as it was and the push can be repeated."""
    for step in range(MAX_STEPS):
        result = forker.ask(failing_push, edit.before, edit.pushes[0], edit.pushes[0], step)
        if result["verdict"] == "LIVE":
            return
        assert result == GOOD, step
    pytest.fail(f"more than {MAX_STEPS} steps")
