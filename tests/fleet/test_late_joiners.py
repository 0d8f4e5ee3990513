"""A worker that starts while its service is up runs what was pushed before it serves its first request."""

from __future__ import annotations

import os
import signal

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.served import NEW, OLD, RECYCLING, REPLACING, WORKERS, Server, answer, gunicorn, pids, started
from tests.services import RunningService, Services, wait_until


def pushed(services: Services, server: Server) -> tuple[RunningService, set[int]]:
    """A server to which a push went, and its workers at that time."""
    running, workers = started(services, server)
    report = attach("shop").push(NEW)
    assert report.verdict is Verdict.LIVE, str(report)
    return running, workers


def answers_until_others_serve(running: RunningService, workers: set[int], others: int = 1) -> set[str]:
    """All that was answered until so many processes had answered that are none of these workers."""
    answers, newcomers = set[str](), set[int]()

    def seen() -> bool:
        pid, text = answer(running)
        if pid:
            answers.add(text)
            newcomers.update({pid} - workers)
        return len(newcomers) >= others

    wait_until(seen, f"{others} new workers answer", running)
    return answers


@pytest.mark.parametrize("server", REPLACING.values(), ids=REPLACING)
def test_worker_in_place_of_a_killed_one(services: Services, server: Server) -> None:
    """The worker that a server starts for a killed one never answers with older code."""
    running, workers = pushed(services, server)
    os.kill(min(workers), signal.SIGKILL)
    assert answers_until_others_serve(running, workers) == {"new"}


@pytest.mark.parametrize("server", RECYCLING.values(), ids=RECYCLING)
def test_recycled_worker(services: Services, server: Server) -> None:
    """A worker that takes over after some requests never answers with older code."""
    running, workers = pushed(services, server)
    assert answers_until_others_serve(running, workers) == {"new"}


def test_the_only_worker_is_recycled(services: Services) -> None:
    """Between two workers no worker lives: the server's main process has held the session."""
    running = services.gunicorn("shop", OLD, "--workers", "1", "--max-requests", "3")
    assert attach("shop").push(NEW).verdict is Verdict.LIVE
    assert answers_until_others_serve(running, pids(), others=3) == {"new"}


@pytest.mark.parametrize("more", [(), ("--preload",)], ids=["", "preload"])
def test_gunicorn_reload(services: Services, more: tuple[str, ...]) -> None:
    """Workers that are started by a reload never answer with older code, as its main process has held the session."""
    running, workers = pushed(services, gunicorn(*more))
    running.process.send_signal(signal.SIGHUP)
    assert answers_until_others_serve(running, workers, WORKERS) == {"new"}


RESTARTED = {name: REPLACING[name] for name in ("uvicorn", "gunicorn sync", "granian")}


@pytest.mark.parametrize("server", RESTARTED.values(), ids=RESTARTED)
def test_service_that_was_restarted(services: Services, server: Server) -> None:
    """After all of it was stopped, main process included, a service runs what is on disk."""
    running, _ = pushed(services, server)
    running.stop()
    again = services.again(running)
    assert answers_until_others_serve(again, set(), WORKERS) == {"old"}
