"""A push in words while it is under way."""

from __future__ import annotations

from livecode.model.measured import Advice, Finding
from livecode.model.progress import progress_sheet
from livecode.model.report import Outcome, Verdict
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
