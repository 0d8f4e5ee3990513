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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

import livecode

ROOT = str(Path(livecode.__file__).parent.parent)
READY_S = 30.0
REQUIRED = "LIVECODE_REQUIRE_SERVERS"

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

CHILDREN = """
import multiprocessing, os, signal, socket, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from livecode.fleet.listen import listen
listener = listen(os.environ["SERVICE"])
for module in os.environ["MODULES"].split():
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
def serve(listening):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.serve_forever()
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
if __name__ == "__main__":
    method, number, _, port = sys.argv[1:]
    listening = socket.create_server(("127.0.0.1", int(port)))
    context = multiprocessing.get_context(method)
    children = [context.Process(target=serve, args=(listening,)) for _ in range(int(number))]
    for child in children:
        child.start()
    try:
        signal.pause()
    finally:
        for child in children:
            child.terminate()
            child.join()
"""
"""A program whose children serve on one socket."""

CELERY = """
import os
from livecode.fleet.listen import listen
listener = listen(os.environ["SERVICE"])
for module in os.environ["MODULES"].split():
    __import__(module)
from answering import answer as value_of
from celery import Celery
app = Celery("app", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
@app.task(name="answer")
def answer(expression):
    return value_of(expression).decode()
"""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service process that was started for a test.

    Attributes:
        process: The process that was started; the arbiter for gunicorn.
        port: Where it answers HTTP on the loopback.
        folder: Its working folder, with its modules.
        log: What it printed.
        environment: Its environment variables.
    """

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    log: Path
    environment: Mapping[str, str]

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


@dataclass(frozen=True, slots=True)
class RunningCelery(RunningService):
    """A Celery worker with a Redis server as its broker, at `port`; it is asked with a task instead of over HTTP."""

    redis: subprocess.Popen[bytes]

    def get(self, expression: str) -> str:
        """The value of an expression in a process of the pool."""
        from celery import Celery

        with Celery("asks", broker=redis_url(self.port), backend=redis_url(self.port)) as client:
            answered: str = client.send_task("answer", [expression]).get(timeout=20)
        return answered

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal, wait for it, and tell how it ended; its broker ends, too."""
        try:
            return super(RunningCelery, self).stop(number)
        finally:
            self.redis.kill()
            self.redis.wait()


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
            with suppress(ProcessLookupError):  # nobody told its workers
                os.killpg(service.pid, signal.SIGKILL)
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

    def uvicorn(
        self, name: str, modules: Mapping[str, str] | None = None, *arguments: str, app: str = ASGI
    ) -> RunningService:
        """A real uvicorn, whose application listens under that name."""
        command = [sys.executable, "-m", "uvicorn", "--log-level", "warning", "app:app", *arguments]
        return self._server(name, modules, app, command, "--port")

    def flask(self, name: str, modules: Mapping[str, str] | None, app: str) -> RunningService:
        """A real development server of Flask, whose application listens under that name."""
        command = [sys.executable, "-m", "flask", "--app", "app:flask", "run", "--no-reload", "--no-debugger"]
        return self._server(name, modules, app, command, "--port")

    def gunicorn(
        self, name: str, modules: Mapping[str, str] | None = None, *arguments: str, app: str = WSGI
    ) -> RunningService:
        """A real gunicorn, whose application listens under that name; as many workers as `arguments` ask for."""
        command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "app:app", *arguments]
        return self._server(name, modules, app, command, "--bind")

    def granian(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real granian, whose application listens under that name."""
        pytest.importorskip("granian", reason="pip install granian")
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-log", "app:app", *arguments]
        return self._server(name, modules, ASGI, command, "--port")

    def celery(self, name: str, modules: Mapping[str, str] | None = None, *arguments: str) -> RunningService:
        """A real Celery worker with a prefork pool, whose application listens under that name."""
        pytest.importorskip("celery", reason="pip install 'celery[redis]'")
        redis = required_program(("redis-server", "valkey-server"), "apt-get install redis-server")
        folder, port = self._folder({**(modules or {}), "app.py": CELERY}), free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        broker = subprocess.Popen(
            [redis, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], cwd=folder, **quiet
        )
        command = [sys.executable, "-m", "celery", "-A", "app", "worker", "--pool", "prefork", "--loglevel", "warning"]
        command += ["--without-mingle", "--without-gossip", "--without-heartbeat"]  # no word with other workers
        more = {"SERVICE": name, "MODULES": " ".join(_imports(modules)), "BROKER": redis_url(port)}
        make = partial(RunningCelery, redis=broker)
        return self._start([*command, *arguments], folder, port, {**more, "PYTHONWARNINGS": "default"}, name, make)

    def children(self, name: str, modules: Mapping[str, str] | None, method: str, number: int) -> RunningService:
        """A program that listens under that name and serves in children of multiprocessing, started by that method."""
        return self._server(name, modules, CHILDREN, [sys.executable, "app.py", method, str(number)], "--port")

    def again(self, service: RunningService) -> RunningService:
        """The same service once more, started as it was before, in its folder; it has ended."""
        command = service.process.args
        assert isinstance(command, list)
        return self._run(command, service.folder, service.port, service.environment, "it")

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
        make: Callable[..., RunningService] = RunningService,
    ) -> RunningService:
        return self._run(command, folder, port, self.environment(**more), name, make)

    def _run(
        self,
        command: list[str],
        folder: Path,
        port: int,
        environment: Mapping[str, str],
        name: str,
        make: Callable[..., RunningService] = RunningService,
    ) -> RunningService:
        log = folder / "printed.log"
        with log.open("ab") as file:
            where = {"stdout": file, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(command, cwd=folder, env=environment, process_group=0, **where)
        service = make(process, port, folder, log, environment)
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


def required_program(program: str | tuple[str, ...], how_to_get: str) -> str:
    """The path of a program, the first of several names that is found.

    A missing program skips the test with the reason; with LIVECODE_REQUIRE_SERVERS=1, as in CI, it is a failure.
    """
    programs = (program,) if isinstance(program, str) else program
    for name in programs:
        if path := shutil.which(name):
            return path
    reason = f"{' or '.join(programs)} is not installed: {how_to_get}"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason} ({REQUIRED}=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)


def redis_url(port: int) -> str:
    """Where a Redis server on the loopback is."""
    return f"redis://127.0.0.1:{port}/0"


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


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _imports(modules: Mapping[str, str] | None) -> list[str]:
    """Names of the modules in these files; packages by their folder."""
    names = (file.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for file in modules or ())
    return [*names]
