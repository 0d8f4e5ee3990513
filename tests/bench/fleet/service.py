"""The service that is measured: slow to start, with memory of its own and open websockets."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import source

ROOT = str(Path(__file__).parents[3])
NAME = "bench"
WORKERS = 4
LINES = 200
READY_S = 60.0

APP = """
import asyncio, os, time
import livecode
livecode.listen("bench", store=os.environ.get("BENCH_STORE", ""))
time.sleep(float(os.environ["START_S"]))  # stands for models to load and caches to fill
import pricing
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
BORN = time.time()  # stands for what is only in memory
async def quote(request):
    return JSONResponse({"pid": os.getpid(), "version": pricing.version(), "born": BORN})
async def talk(websocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_json({"version": pricing.version()})
            await asyncio.sleep(1)
    except (WebSocketDisconnect, RuntimeError):
        return
app = Starlette(routes=[Route("/", quote), WebSocketRoute("/talk", talk)])
"""

UVICORN = ("uvicorn", "--log-level", "warning", "app:app")
GUNICORN = ("gunicorn", "--no-control-socket", "--log-level", "error", "-k", "uvicorn_worker.UvicornWorker", "app:app")


@dataclass(frozen=True, slots=True)
class Running:
    """A service under way.

    Attributes:
        process: What was started: the one that starts the workers, if there are several.
        port: Where it answers on the loopback.
        folder: Where its modules are.
    """

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def save(self, version: int) -> None:
        """Writes that version of the module to its file, as a deploy would."""
        (self.folder / "pricing.py").write_text(text(version))


def text(version: int) -> str:
    """The module that changes, of about 200 lines: `version()` and one function in its middle are others each time."""
    return f"def version():\n    return {version}\n\n{source(LINES, version)}"


def answer(port: int) -> dict[str, float]:
    """What the service says of the process that answers; empty if none does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        found: dict[str, float] = json.load(connection.getresponse())
        return found
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def environment(**more: str) -> dict[str, str]:
    """Of a process whose modules come from their bytecode caches, as they do where livecode is installed."""
    cache = os.path.join(tempfile.gettempdir(), f"livecode-bench-cache-{os.getuid()}")
    found = {**os.environ, "PYTHONPATH": ROOT, "PYTHONPYCACHEPREFIX": cache, **more}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


@contextmanager
def running(server: Sequence[str], *arguments: str, start_s: float = 0.0) -> Iterator[Running]:
    """The service in that server, from when it answers; all its processes are ended after."""
    with tempfile.TemporaryDirectory(prefix="lc", dir="/tmp") as name:
        folder, port = Path(name), free_port()
        (folder / "app.py").write_text(APP)
        (folder / "pricing.py").write_text(text(0))
        where = ("--bind", f"127.0.0.1:{port}") if server is GUNICORN else ("--port", str(port))
        os.environ["LIVECODE_DIR"] = f"{name}/d"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *server, *where, *arguments],
                cwd=folder, env=environment(START_S=str(start_s)), stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        try:
            wait_for_answers(port, process)
            yield Running(process, port, folder)
        finally:
            end(process)


def wait_for_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns when the service answers; a service that ends instead is an error."""
    deadline = time.monotonic() + READY_S
    while not answer(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service does not start: {process.args!r}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
