"""A canary that somebody else than its pusher looks at and decides, before its time is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from livecode.errors import NotAllowedError, UsageError
from livecode.fleet.rollout import Policy
from livecode.fleet.service import Service, attach
from livecode.model.report import Report, Verdict
from tests.services import Services, wait_until

OLD = "def quote(x):\n    return 'old'\n"
NEW = "def quote(x):\n    return 'new'\n"


@pytest.fixture
def other(services: Services) -> Service:
    """The service, of two workers, as somebody else sees it."""
    for _ in range(2):
        services.threaded("shop", {"pricing.py": OLD})
    return attach("shop")


@contextmanager
def canary(reports: list[Report]) -> Iterator[None]:
    """Somebody pushes a canary of ten minutes meanwhile; their report is in `reports` afterwards."""
    policy = Policy(canary=1, canary_s=600)

    def push() -> None:
        reports.append(attach("shop").push({"pricing": NEW}, author="ann", reason="tea", policy=policy))

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        yield
    finally:
        pusher.join(60)
        assert not pusher.is_alive()


def test_promoted_by_somebody_else(other: Service) -> None:
    """It goes to all workers, and the pusher's report, the log and the answer say who let it."""
    reports = list[Report]()
    with canary(reports):
        wait_until(lambda: other.canary() is not None, "the canary is seen")
        seen = other.canary()
        assert seen is not None
        assert (seen.modules, seen.author, seen.reason, seen.lasts_s) == (("pricing",), "ann", "tea", 600)
        assert len(seen.workers) == 1
        decided = other.promote(author="bob")
    assert (decided.live, decided.outcome, decided.canary) == (True, "live", 1)
    assert (reports[0].verdict, reports[0].canary and reports[0].canary.decided_by) == (Verdict.LIVE, "bob")
    assert "bob let it go to all workers before its time was over" in str(reports[0])
    assert other.canary() is None
    running = [module.version for status in other.peek() for module in status.modules if module.module == "pricing"]
    assert running == [2, 2]


def test_taken_back_by_somebody_else(other: Service) -> None:
    """All run again what they ran before it; afterwards there is nothing to decide, and the next push is as ever."""
    reports = list[Report]()
    with canary(reports):
        wait_until(lambda: other.canary() is not None, "the canary is seen")
        other.agent = "bot"
        with pytest.raises(NotAllowedError, match="a person decides"):
            other.promote(author="bot")
        other.agent = ""
        decided = other.take_back(author="bob")
    assert (decided.live, decided.outcome) == (False, "taken back: the canary: bob took it back")
    assert str(reports[0]).startswith("▲ UNDONE  pricing  bob took the canary back: v1 is live again")
    assert {other.source("pricing")} == {OLD}
    with pytest.raises(UsageError, match="no canary is under way"):
        other.take_back()
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
