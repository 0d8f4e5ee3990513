"""The shop as a process of its own, under uvicorn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from livecode.demo.workspace import HOST, Workspace
from livecode.errors import LivecodeError

START_LIMIT_S = 60.0
STOP_LIMIT_S = 5.0

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # everything here is on this machine


class ServiceFailedError(LivecodeError):
    """A process of the demo did not start."""


def command(port: int) -> list[str]:
    """The command line that serves the shop: uvicorn as everybody runs it."""
    serve = ["uvicorn", "shop.app:app", "--host", HOST, "--port", str(port), "--log-level", "warning"]
    return [sys.executable, "-m", *serve, "--timeout-graceful-shutdown", "1"]


@contextmanager
def running(argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block, in a session of its own: Ctrl-C reaches only the demo."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def served(space: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    """The shop, serving, as long as the block lasts."""
    with running(command(space.port), space.folder, space.environment(), space.log) as process:
        wait_for(process, f"{space.url}/health", space.log)
        yield process


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return as soon as `url` answers 200.

    Raises:
        ServiceFailedError: The process ended, or did not answer in time; with the end of its log.
    """
    deadline = time.monotonic() + START_LIMIT_S
    while not _answers(url):
        if process.poll() is not None:
            raise ServiceFailedError(f"{_name(process)} ended with {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServiceFailedError(f"{_name(process)}: no answer in {START_LIMIT_S:g} s:\n{tail(log)}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started: SIGTERM to its session, SIGKILL if that is not enough."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            continue


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _name(process: subprocess.Popen[bytes]) -> str:
    assert not isinstance(process.args, (str, bytes, os.PathLike))
    return f"{process.args[2]!s} (pid {process.pid})"
