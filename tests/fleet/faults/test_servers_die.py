"""Servers of stores that are killed around pushes, and one that forgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livecode.errors import StoreError
from livecode.fleet.service import attach
from livecode.model.log import Action
from livecode.model.report import Verdict
from tests.fleet.faults.agreeing import NEW, NEXT, OLD, check_agreed, opened_log
from tests.fleet.stores.backends import Require, answers
from tests.fleet.stores.servers import NATS, PASSWORD, REDIS, Server
from tests.services import RunningService, Services, wait_until

FORGETFUL = replace(
    REDIS,
    command=lambda port, folder: [
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--requirepass", PASSWORD, "--save", "")
    ],
    keeps=False,
)


@pytest.fixture(params=[REDIS, NATS, FORGETFUL], ids=["redis", "nats", "forgetful redis"])
def server(request: pytest.FixtureRequest, require: Require, tmp_path: Path) -> Iterator[Server]:
    """A server that the test may kill."""
    with Server(request.param, require(request.param.programs, request.param.how_to_get), tmp_path / "data") as running:
        answers(running.url)
        yield running


@pytest.fixture
def started(services: Services, server: Server, monkeypatch: pytest.MonkeyPatch) -> list[RunningService]:
    """Two workers that follow the log in that server."""
    monkeypatch.setenv("LIVECODE_STORE", server.url)
    return [services.threaded("shop", {"pricing.py": OLD}) for _ in range(2)]


def test_server_killed(started: list[RunningService], server: Server) -> None:
    """While the server is away a push changes nothing and says why; what was acknowledged runs on, and is not lost."""
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    check_agreed(started, "new", server.url)
    server.kill()
    with pytest.raises(StoreError):
        attach("shop").push({"pricing": NEXT})
    assert [service.get("pricing.quote()") for service in started] == ["'new'"] * 2
    server.start()
    answers(server.url)
    if not server.kind.keeps:
        with opened_log(server.url) as log:
            wait_until(
                lambda: any(state.action is Action.RESTORE for state in log.history()), "the store is told again"
            )
            assert "the store went back from generation" in log.history()[0].reason
    else:
        check_agreed(started, "new", server.url)
    wait_until(lambda: attach("shop").push({"pricing": NEXT}).verdict in (Verdict.LIVE, Verdict.SAME), "a push works")
    assert [service.get("pricing.quote()") for service in started] == ["'next'"] * 2
