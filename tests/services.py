"""Real services for tests: processes that listen, started in a folder of their own and asked until they are ready.

with Services(tmp_path) as services:
    service = services.threaded("shop", {"pricing.py": "def quote(): return 1"})
    service.pid, service.get("pricing.quote()")
"""

from __future__ import annotations

import http.client
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

import livecode

ROOT = str(Path(livecode.__file__).parent.parent)
READY_S = 30.0

ANSWER = """
import os, sys
def answer(expression):
    module, _, rest = expression.partition(".")
    return repr(eval(expression, {"os": os, "sys": sys, module: sys.modules.get(module)})).encode()
"""
"""What a test service answers to GET /EXPRESSION: its value there."""

THREADED = """
import sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from livecode.fleet.listen import listen
name, port, *modules = sys.argv[1:]
listener = listen(name)
for module in modules:
    __import__(module)
from answering import answer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = answer(self.path[1:].replace("%20", " "))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""

WSGI = """
import os
from livecode.fleet.listen import listen
listener = listen(os.environ["SERVICE"])
for module in os.environ["MODULES"].split():
    __import__(module)
from answering import answer
def app(environ, start_response):
    body = answer(environ["PATH_INFO"][1:])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""

ASGI = """
import os
from livecode.fleet.listen import listen
listener = listen(os.environ["SERVICE"])
for module in os.environ["MODULES"].split():
    __import__(module)
from answering import answer
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = answer(scope["path"][1:])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""

CELERY = """
import os
from livecode.fleet.listen import listen
listener = listen(os.environ["SERVICE"])
for module in os.environ["MODULES"].split():
    __import__(module)
from answering import answer as value_of
import broker
app = broker.app(".")
@app.task(name="answer")
def answer(expression):
    return value_of(expression).decode()
"""

BROKER = """
from pathlib import Path
from celery import Celery
def app(folder):
    folder = Path(folder).resolve()
    made = Celery("app", broker="filesystem://", backend=f"file://{folder}/results")
    queue = {"data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue"}
    options = {**queue, "control_folder": f"{folder}/control", "polling_interval": 0.02}
    made.conf.update(broker_transport_options=options, worker_enable_remote_control=False)
    for name in ("queue", "control", "results"):
        (folder / name).mkdir(exist_ok=True)
    return made
"""
"""A broker of files, which needs no server: worker and test are on one machine."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service process that was started for a test.

    Attributes:
        process: The process that was started; the arbiter for gunicorn.
        port: Where it answers HTTP on the loopback.
        folder: Its working folder, with its modules.
        log: What it printed.
    """

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    log: Path

    @property
    def pid(self) -> int:
        """Process id of what was started."""
        return self.process.pid

    def get(self, expression: str) -> str:
        """The value of an expression in the service, asked over HTTP: it serves."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/" + expression.replace(" ", "%20"))
            response = connection.getresponse()
            assert response.status == 200, self.log.read_text()
            return response.read().decode()
        finally:
            connection.close()

    def printed(self) -> str:
        """All that it printed so far."""
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal, wait for it, and tell how it ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class RunningCelery(RunningService):
    """A Celery worker, which is asked with a task instead of over HTTP."""

    __slots__ = ()

    def get(self, expression: str) -> str:
        """The value of an expression in a process of the pool."""
        made: dict[str, Any] = {}
        exec(BROKER, made)
        with made["app"](self.folder) as client:
            answered: str = client.send_task("answer", [expression]).get(timeout=20, interval=0.01)
        return answered


class Services:
    """Starts services, with one directory for their doors; stops those that still run at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.doors = Path(tempfile.mkdtemp(prefix="lc", dir="/tmp"))  # short: a socket's path is limited
        self._running: list[RunningService] = []
        self._previous = os.environ.get("LIVECODE_DIR")

    def __enter__(self) -> Self:
        os.environ["LIVECODE_DIR"] = str(self.doors)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for service in self._running:
            service.stop(signal.SIGKILL if service.process.poll() is None else signal.SIGTERM)
        if self._previous is None:
            os.environ.pop("LIVECODE_DIR", None)
        else:
            os.environ["LIVECODE_DIR"] = self._previous
        shutil.rmtree(self.doors)

    def threaded(self, name: str, modules: Mapping[str, str] | None = None) -> RunningService:
        """A plain threaded HTTP server that listens under that name, and has imported the modules."""
        folder = self._folder({**(modules or {}), "serve.py": THREADED})
        port = free_port()
        return self._start([sys.executable, "serve.py", name, str(port), *_imports(modules)], folder, port, {}, name)

    def uvicorn(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real uvicorn, whose application listens under that name."""
        command = [sys.executable, "-m", "uvicorn", "--log-level", "warning", "app:app", *arguments]
        return self._server(name, modules, ASGI, command, "--port")

    def gunicorn(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real gunicorn, whose application listens under that name; as many workers as `arguments` ask for."""
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "app:app", *arguments]
        return self._server(name, modules, WSGI, command, "--bind")

    def granian(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real granian, whose application listens under that name."""
        pytest.importorskip("granian", reason="pip install granian")
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-log", "app:app", *arguments]
        return self._server(name, modules, ASGI, command, "--port")

    def celery(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real Celery worker with a prefork pool, whose application listens under that name."""
        pytest.importorskip("celery", reason="pip install celery")
        folder = self._folder({**(modules or {}), "app.py": CELERY, "broker.py": BROKER})
        command = [sys.executable, "-m", "celery", "-A", "app", "worker", "--pool", "prefork", "--loglevel", "warning"]
        more = {"SERVICE": name, "MODULES": " ".join(_imports(modules)), "PYTHONWARNINGS": "default"}
        return self._start([*command, *arguments], folder, 0, more, name, RunningCelery)

    def script(self, source: str, *arguments: str) -> subprocess.Popen[str]:
        """A script of its own, with pipes for what it reads and prints; the caller ends it."""
        return self.program([sys.executable, "-c", source, *arguments])

    def program(self, command: list[str]) -> subprocess.Popen[str]:
        """A program, with pipes for what it reads and prints; the caller ends it."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment(), text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def environment(self, **more: str) -> dict[str, str]:
        """Environment variables for a process that shall import livecode and find these doors."""
        path = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "LIVECODE_DIR": str(self.doors), "PYTHONPATH": path, "PYTHONWARNINGS": "error", **more}

    def _server(
        self, name: str, modules: Mapping[str, str] | None, app: str, command: list[str], option: str
    ) -> RunningService:
        folder, port = self._folder({**(modules or {}), "app.py": app}), free_port()
        where = str(port) if option == "--port" else f"127.0.0.1:{port}"
        more = {"SERVICE": name, "MODULES": " ".join(_imports(modules)), "PYTHONWARNINGS": "default"}
        return self._start([*command, option, where], folder, port, more, name)

    def _folder(self, files: Mapping[str, str]) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="service", dir=self.folder))
        for name, source in {**files, "answering.py": ANSWER}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(source)
        return folder

    def _start(
        self,
        command: list[str],
        folder: Path,
        port: int,
        more: Mapping[str, str],
        name: str,
        kind: type[RunningService] = RunningService,
    ) -> RunningService:
        log = folder / "printed.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=folder, env=self.environment(**more), stdout=file, stderr=subprocess.STDOUT
            )
        service = kind(process, port, folder, log)
        self._running.append(service)
        wait_until(lambda: _answers(service), f"{name} answers", service)
        return service


def wait_until(holds: object, what: str, service: RunningService | None = None, timeout_s: float = READY_S) -> None:
    """Return when `holds()` is true; fail, saying what was waited for, when the time is up or the service ended."""
    assert callable(holds)
    deadline = time.monotonic() + timeout_s
    while not holds():
        ended = service is not None and service.process.poll() is not None
        if ended or time.monotonic() > deadline:
            printed = service.printed() if service is not None else ""
            raise AssertionError(f"waited in vain until {what}\n{printed}")
        time.sleep(0.01)


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def many_descriptors(number: int) -> Iterator[None]:
    """Allow this process `number` open files meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(number, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _answers(service: RunningService) -> bool:
    try:
        return bool(service.get("os.getpid()"))
    except OSError:
        return False


def _imports(modules: Mapping[str, str] | None) -> list[str]:
    """Names of the modules in these files; packages by their folder."""
    names = (file.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for file in modules or ())
    return [*names]
