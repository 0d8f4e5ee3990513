"""Services in one line each, and who of them differs."""

from __future__ import annotations

from livecode.model.log import Action, Held, Patch, State, WorkerReport
from livecode.model.nouns import Worker
from livecode.model.services import ServiceSummary, summaries_sheet, who_differs
from livecode.model.text import sheet_text

W1, W2, W3 = (Worker(f"w{n}", n, "web-1", "3.12.1", "shop", "0.1.0", 10.0, f"key{n}") for n in (1, 2, 3))
STATE = State(4, Action.PUSH, ("shop.pricing",), patches=(Patch("shop.pricing", 2, "new", "old"),))


def test_who_differs() -> None:
    """Who holds another source, or found its patch stale, or is in trouble; not who has not imported it."""
    reports = (
        WorkerReport(W1, held=(Held("shop.pricing", 2, "new"),)),
        WorkerReport(W2, held=(Held("shop.pricing", 1, "old"),)),
        WorkerReport(W3),
    )
    assert who_differs((W1, W2, W3), STATE, reports) == ("w2: shop.pricing",)
    assert who_differs((W1,), STATE, (WorkerReport(W1, stale=("shop.tax",), trouble="x"),)) == ("w1: shop.tax",)
    assert who_differs((W1,), STATE, (WorkerReport(W1, trouble="no memory"),)) == ("w1: no memory",)
    assert who_differs((W1,), STATE, ()) == ()


def test_a_row_a_service() -> None:
    """Columns that say nothing are left out; what is the matter with one stands below."""
    services = (
        ServiceSummary("cart", (W3,), trouble="the store is away"),
        ServiceSummary("shop", (W1, W2), 4, 1, ("w2: shop.pricing",), "redis://cache-1/0"),
    )
    assert sheet_text(summaries_sheet(services, 100.0)).splitlines() == [
        "service  workers  hosts  Python  generation  up        patches  differs           at",
        "cart     1        web-1  3.12.1              1 minute",
        "shop     2        web-1  3.12.1  4           1 minute  1        w2: shop.pricing  redis://cache-1/0",
        "! cart: the store is away",
    ]


def test_workers_below() -> None:
    """One row each, where they are asked for."""
    lines = sheet_text(summaries_sheet((ServiceSummary("shop", (W1, W2)),), 100.0, workers=True)).splitlines()
    assert [line.split()[:3] for line in lines[4:]] == [["shop", "w1", "1"], ["shop", "w2", "2"]]


def test_nothing_listens() -> None:
    """What one line in a service changes."""
    assert "livecode.listen('shop')" in sheet_text(summaries_sheet((), 100.0))
