"""A push in words while it is under way."""

from __future__ import annotations

from livecode.model.measured import Advice, Finding
from livecode.model.progress import progress_sheet, shortened
from livecode.model.report import Failure, Outcome, Verdict
from livecode.model.text import sheet_text
from tests.model.reports import PRICING_SAME, canary, worker


def test_who_has_answered_and_what_a_canary_measured() -> None:
    """One row a worker, and below them the figures so far."""
    said = Outcome(worker(1), Verdict.LIVE, (PRICING_SAME,), timings_ms=(("total", 12.0),))
    result = canary(Advice.KEEP, "no worse than the old code", Finding.FINE)
    sheet = progress_sheet(("shop.pricing",), (worker(1), worker(2)), (said,), result)
    assert sheet_text(sheet).splitlines() == [
        "… PUSHING  shop.pricing  1 of 2 workers so far",
        "  worker  host   pid           version  time",
        "  w1      web-1  101  ✔ LIVE   v8       12 ms",
        "  w2      web-1  102  waiting",
        "  canary: no worse than the old code, 2 new, 6 old, 60.0 s",
        "  function  calls (old)  errors (old)  p50 (old)          p99 (old)",
        "  quote     200 (200)    0 (0)         1.97 ms (1.97 ms)  1.97 ms (1.97 ms)  fine",
    ]


def test_nobody_has_answered() -> None:
    """An undo of what was pushed last knows its workers by their answers only."""
    assert sheet_text(progress_sheet((), (), (), None)) == "… PUSHING  no worker has answered so far"


def test_many_workers_fit_a_screen() -> None:
    """What went wrong is shown, then who is waited for; the others are counted."""
    crew = tuple(worker(number) for number in range(1, 65))
    good = tuple(Outcome(each, Verdict.LIVE) for each in crew[:40])
    bad = Outcome(crew[40], Verdict.ROLLED_BACK, failure=Failure("MemoryError", "", "shop.pricing", 22))
    sheet = progress_sheet(("shop.pricing",), crew, (*good, bad), None)
    lines = sheet_text(shortened(sheet, 12)).splitlines()
    assert len(lines) == 12
    assert "MemoryError" in lines[2]
    assert lines[3].split() == ["w42", "web-2", "142", "waiting"]
    assert lines[-1] == "  … 55 more: 40 ✔ LIVE, 15 waiting"
    assert shortened(sheet, 100) == sheet
