"""Verdicts are read from outputs as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from livecode.demo.play import Step
from livecode.demo.spoken import Spoken, spoken
from livecode.model.nouns import Worker
from livecode.model.report import ModuleOutcome, Outcome, Report, Verdict

WORKER = Worker("w1", 1, "host", "3.11.7", "shop")


def result(text: str) -> dict[str, Any]:
    """An output of a cell, as the notebook format has it."""
    return {"output_type": "execute_result", "data": {"text/plain": text}}


def step(*words: Verdict, expected: Verdict | None = None, error: str = "") -> Step:
    """An executed cell with these verdicts."""
    return Step(7, "", (), tuple(Spoken(word, None) for word in words), expected, None, error)


def test_the_verdict_and_the_time_of_a_real_report() -> None:
    """What a Report prints is what the demo reads."""
    module = ModuleOutcome("shop.pricing", 7, 8, "3f9a1c2" + "0" * 57)
    report = Report(
        Verdict.LIVE, ("shop.pricing",), (Outcome(WORKER, Verdict.LIVE, (module,)),), workers=1, duration_ms=41.2
    )
    assert spoken([result(str(report))]) == (Spoken(Verdict.LIVE, 41.0),)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_found_in_its_report(verdict: Verdict) -> None:
    """No verdict is missed, whichever one it is."""
    report = Report(verdict, ("shop.pricing",), (Outcome(WORKER, verdict),), workers=1)
    assert [item.verdict for item in spoken([result(str(report))])] == [verdict]


def test_a_word_inside_a_line_is_no_verdict() -> None:
    """Only the first word of a line that starts with a glyph counts."""
    assert spoken([result("the shop is LIVE  now"), {"output_type": "stream", "text": "SAME  x\n"}]) == ()


def test_another_verdict_than_the_announced_one_is_a_problem() -> None:
    """A cell that announces a verdict must speak that one, once."""
    assert step(Verdict.LIVE, expected=Verdict.LIVE).problem == ""
    assert step(Verdict.LIVE, expected=Verdict.SAME).problem == "cell 7: expected SAME, got LIVE"
    assert step(expected=Verdict.SAME).problem == "cell 7: expected SAME, got no verdict"
    assert step(Verdict.LIVE, Verdict.LIVE, expected=Verdict.LIVE).problem


def test_an_exception_in_a_cell_is_a_problem() -> None:
    """Whatever else it put out."""
    assert (
        step(Verdict.LIVE, expected=Verdict.LIVE, error="KeyError: 'tea'").problem == "cell 7 failed: KeyError: 'tea'"
    )
