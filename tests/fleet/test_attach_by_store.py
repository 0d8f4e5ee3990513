"""A service whose workers are elsewhere, attached through the store that they report to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.errors import ServiceNotFoundError, StoreError, UsageError
from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.stores.backends import Backend
from tests.fleet.stores.servers import PASSWORD, REDIS, Server
from tests.services import Services

SERVE = """
import sys
from livecode.fleet.listen import listen
listener = listen("shop", store=sys.argv[1])
sys.path.insert(0, sys.argv[2])
import pricing
print("ready", flush=True)
for line in sys.stdin:
    print(pricing.quote(), flush=True)
"""
RUN = "from livecode.front.cli import main; main()"
OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"


@pytest.fixture
def server(require: Callable[..., str], tmp_path: Path) -> Iterator[Server]:
    """A Redis server of its own."""
    (tmp_path / "data").mkdir()
    with Backend("redis", REDIS).running(require, tmp_path / "data") as server:
        assert server is not None
        yield server


@pytest.fixture
def elsewhere(services: Services, server: Server, doors: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that follows the store, and whose door is not among those that this test can see."""
    (tmp_path / "pricing.py").write_text(OLD)
    environment = services.environment(LIVECODE_DIR=str(services.doors))
    command = [sys.executable, "-c", SERVE, server.url, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as worker:  # type: ignore[call-overload]
        assert worker.stdout.readline() == "ready\n"
        yield worker
        worker.kill()


def quote(worker: subprocess.Popen[str]) -> str:
    """What it answers."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    print(file=worker.stdin, flush=True)
    return worker.stdout.readline().strip()


def test_push_to_workers_elsewhere(elsewhere: subprocess.Popen[str], server: Server) -> None:
    """Nothing listens here, and yet the workers are found, pushed to and undone."""
    service = attach("shop", store=server.url)
    assert [worker.pid for worker in service.workers()] == [elsewhere.pid]
    assert service.push({"pricing": NEW}).verdict is Verdict.LIVE
    assert quote(elsewhere) == "new"
    assert service.push({"pricing": NEW.replace("new", "newer")}).verdict is Verdict.LIVE
    assert service.undo(now=True).verdict is Verdict.LIVE
    assert quote(elsewhere) == "new"


def test_in_a_terminal(elsewhere: subprocess.Popen[str], server: Server, services: Services, doors: Path) -> None:
    """Each verb takes --store, and names the next one with it, without the password."""
    environment = services.environment(LIVECODE_DIR=str(doors))

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", RUN, *arguments, "--store", server.url]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert str(elsewhere.pid) in run("ps", "shop")
    assert run("ps").splitlines()[1].split()[:2] == ["shop", "1"]
    pushed = run("push", "shop", "pricing", "--file", _file(doors, "new"))
    assert f"undo: livecode undo shop --store 'redis://:***@127.0.0.1:{server.port}/0'" in pushed
    assert quote(elsewhere) == "new"
    assert "pricing" in run("status", "shop")
    run("push", "shop", "pricing", "--file", _file(doors, "newer"))
    assert quote(elsewhere) == "newer"
    assert run("undo", "shop", "--now").startswith("✔ LIVE  undo pricing")
    assert quote(elsewhere) == "new"
    assert "undo" in run("log", "shop")
    assert "pricing" in run("drop", "shop", "pricing")


def test_the_environment_names_the_store(
    elsewhere: subprocess.Popen[str], server: Server, services: Services, doors: Path
) -> None:
    """LIVECODE_STORE is where services are looked for that have no worker here; one that is away hides no others."""
    environment = services.environment(LIVECODE_DIR=str(doors), LIVECODE_STORE=server.url)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", RUN, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run("ps").stdout.splitlines()[1].split()[:2] == ["shop", "1"]
    assert run("status", "shop").returncode == 0
    refused = run("eval", "shop", "1 + 1")
    assert (refused.returncode, "no door leads there" in refused.stderr) == (2, True)
    server.kill()
    away = run("ps")
    assert (away.returncode, "does not answer" in away.stdout) == (1, True)
    assert PASSWORD not in away.stdout + away.stderr


def _file(folder: Path, answer: str) -> str:
    (folder / "pushed.py").write_text(NEW.replace("new", answer))
    return str(folder / "pushed.py")


def test_no_worker_reports(server: Server, doors: Path) -> None:
    """The store is there, and nobody follows it; its password is not said."""
    assert doors.is_dir()
    with pytest.raises(ServiceNotFoundError, match=r"no worker of 'shop' reports to redis://:\*\*\*@") as caught:
        attach("shop", store=server.url)
    assert PASSWORD not in str(caught.value)


def test_nobody_answers(server: Server, doors: Path) -> None:
    """A store that cannot be reached is said, not an empty service."""
    assert doors.is_dir()
    server.kill()
    with pytest.raises(StoreError):
        attach("shop", store=server.url)


@pytest.mark.parametrize(
    ("name", "store", "why"),
    [
        ("shop", "mysql://host", "begins with one of sqlite, redis"),
        (None, "redis://host", "the name of one is needed"),
        (71, "redis://host", "the name of one is needed"),
    ],
)
def test_misuse(name: str | int | None, store: str, why: str) -> None:
    """A store is one of those that there are, and holds many services."""
    with pytest.raises(UsageError, match=why):
        attach(name, store=store)


def test_workers_here_follow_another_store(services: Services, server: Server) -> None:
    """What the workers of this machine say is what counts, and a contradiction is no choice."""
    services.threaded("shop", {"pricing.py": OLD})
    with pytest.raises(UsageError, match="follow sqlite://"):
        attach("shop", store=server.url)
