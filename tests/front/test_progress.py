"""Progress: who has answered, for as long as it takes; nothing for what is over at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from livecode.front.progress import followed
from livecode.front.push import PushRequest, push
from livecode.model.nouns import ModuleSource
from livecode.model.report import Outcome, Report, Verdict
from livecode.model.sheet import Sheet
from livecode.model.text import sheet_text
from tests.front.targets import KeepingTarget


class KeepingScreen:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.sheets: list[str] = []
        self.closed: list[Report | None] = []
        self.shown = threading.Event()

    def show(self, sheet: Sheet) -> None:
        self.sheets.append(sheet_text(sheet))
        self.shown.set()

    def close(self, report: Report | None) -> None:
        self.closed.append(report)


class SlowTarget(KeepingTarget):
    """Answers when what is known so far was seen."""

    def __init__(self, screen: KeepingScreen) -> None:
        super().__init__()
        self._screen = screen

    def push(self, sources: Mapping[str, str | None], **options: object) -> Report:  # type: ignore[override]
        assert self._screen.shown.wait(20)
        options["on_outcome"](Outcome(self.worker, Verdict.LIVE))  # type: ignore[operator]
        return super().push(sources)


REQUEST = PushRequest((ModuleSource("one", "x = 1\n"),))


def test_what_is_over_at_once_shows_nothing() -> None:
    """The report is there before anybody could read something else."""
    screen = KeepingScreen()
    assert push(REQUEST, KeepingTarget(), screen).ok
    assert (screen.sheets, screen.closed) == ([], [])


def test_one_row_a_worker() -> None:
    """Each waits until it has answered; the report comes last."""
    screen = KeepingScreen()
    report = push(REQUEST, SlowTarget(screen), screen)
    first, last = screen.sheets
    assert first.startswith("… PUSHING  one  0 of 1 workers so far\n")
    assert first.endswith("w1      web-1  71   waiting")
    assert last.startswith("… PUSHING  one  1 of 1 workers so far\n")
    assert last.endswith("w1      web-1  71   ✔ LIVE")
    assert screen.closed == [report]


def test_an_error_leaves_no_report() -> None:
    """What was shown ends, and the error goes on."""
    screen = KeepingScreen()

    def fail() -> None:
        with followed(screen, ("one",)):
            assert screen.shown.wait(20)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert screen.closed == [None]
