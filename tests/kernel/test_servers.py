"""Kernels inside the processes of real servers: each has its own, also those that are forked, and those that follow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from livecode.errors import UsageError
from livecode.fleet.client import RemoteWorker
from livecode.kernel import places
from tests.kernel.inside import notebook_in, workers
from tests.services import RunningService, Services, wait_until

PRICING = "CACHE = []\ndef quote(x=1):\n    return x * 2\n"
START: dict[str, Callable[[Services, str], RunningService]] = {
    "uvicorn": lambda services, name: services.uvicorn(name, {"pricing.py": PRICING}, "--workers", "2"),
    "gunicorn-sync": lambda services, name: services.gunicorn(name, {"pricing.py": PRICING}, "--workers", "2"),
    "gunicorn-gthread-preload": lambda services, name: services.gunicorn(
        name, {"pricing.py": PRICING}, "--workers", "2", "--worker-class", "gthread", "--threads", "3", "--preload"
    ),
    "fork": lambda services, name: services.children(name, {"pricing.py": PRICING}, "fork", 1),
}


@pytest.mark.parametrize("server", START)
def test_each_process_has_a_kernel_of_its_own(services: Services, server: str) -> None:
    """Cells run in the process that was asked, both serve meanwhile, and a stop of the server stops all of it."""
    running = START[server](services, server)
    both = workers(server, 2)
    with notebook_in(both[0], f"{server} 0") as first, notebook_in(both[1], f"{server} 1") as second:
        asked = [int(notebook.run("import os; os.getpid()").value) for notebook in (first, second)]
        assert asked == [worker.worker.pid for worker in both]
        request = first.send("print('on')\nwhile True: pass")
        first.wait_for_print(request)
        assert second.run("import pricing; pricing.quote(4)").value == "8"
        assert running.get("pricing.quote(1)") == "2"
        first.interrupt()
        assert first.answer(request).error == "KeyboardInterrupt: "
        second.send("while True: pass")
        assert running.stop() == 0
    assert "Traceback" not in running.printed()


def test_await_on_the_loop_of_the_service(services: Services) -> None:
    """`await on_loop(...)` runs where the service serves, plain await does not; prints come to the notebook."""
    services.uvicorn("looping", {"pricing.py": PRICING})
    (worker,) = workers("looping", 1)
    with notebook_in(worker, "looping") as notebook:
        notebook.run(
            "import asyncio, threading\nasync def where():\n    await asyncio.sleep(0)\n    print('there')\n"
            "    return threading.current_thread() is threading.main_thread()"
        )
        there = notebook.run("await on_loop(where())")
        assert (there.value, there.printed) == ("True", "there\n")
        assert notebook.run("await where()").value == "False"
        request = notebook.send("print('on'); await on_loop(asyncio.sleep(300))")
        notebook.wait_for_print(request)
        notebook.interrupt()
        assert notebook.answer(request).error == "KeyboardInterrupt: "


def test_a_service_without_a_loop_says_so(worker: RemoteWorker) -> None:
    """`on_loop` in a threaded service: a sentence instead of a hang."""
    with notebook_in(worker, "no loop") as notebook:
        answer = notebook.run("async def one(): return 1\nawait on_loop(one())")
    assert answer.error.startswith("UsageError: this process runs no event loop of its own")


FORKING = """
import os, sys, time
from livecode.fleet.listen import listen
listen("forking")
children = []
def fork():
    pid = os.fork()
    if not pid:
        print("child says", flush=True)
        time.sleep(300)
    children.append(pid)
while True:
    time.sleep(0.05)
"""


def test_a_child_of_a_process_with_a_kernel_has_none(services: Services, tmp_path: Path) -> None:
    """Forked while a cell runs: the child prints to the log, gets a kernel of its own, and keeps nothing open."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        program = subprocess.Popen([sys.executable, "-c", FORKING], stdout=out, stderr=out, env=services.environment())
    try:
        (parent,) = workers("forking", 1)
        with notebook_in(parent, "parent") as notebook:
            notebook.run("import __main__; __main__.fork()")
            wait_until(lambda: "child says" in log.read_text(), "the child prints to the log")
            found = workers("forking", 2)
            (child,) = (worker for worker in found if worker.worker.pid != parent.worker.pid)
            with notebook_in(child, "child") as inside:
                assert inside.run("import os; os.getppid()").value == str(program.pid)
            assert notebook.run("1 + 1").value == "2"
            program.kill()
            program.wait()
            sockets = Path(parent.path).parent / places.FOLDER / f"{places.stem_of('parent')}-1"
            assert not places.is_open(str(sockets))  # the child does not accept in the place of the dead
            os.kill(child.worker.pid, signal.SIGKILL)
        assert "Traceback" not in log.read_text()
    finally:
        program.kill()
        program.wait()


def test_what_a_dead_process_left_is_removed(services: Services, worker: RemoteWorker) -> None:
    """The files of kernels whose process was killed go when the next kernel starts."""
    killed = services.threaded("killed")
    (doomed,) = workers("killed", 1)
    information = doomed.open_kernel("doomed")
    killed.stop(signal.SIGKILL)
    folder = Path(information["ip"]).parent
    stem = Path(information["ip"]).name
    assert any(file.name.startswith(stem) for file in folder.iterdir())
    with notebook_in(worker, "the next"):
        assert not any(file.name.startswith(stem) for file in folder.iterdir())


def test_a_recycled_worker_has_a_kernel_in_the_same_place(services: Services) -> None:
    """The session of a notebook goes on in the worker that follows a killed one, at the sockets where it was."""
    running = services.gunicorn("recycled", {"pricing.py": PRICING}, "--workers", "1")
    (first,) = workers("recycled", 1)
    information = first.open_kernel("recycled", "the key of the front end")
    os.kill(first.worker.pid, signal.SIGKILL)
    wait_until(lambda: workers("recycled", 1)[0].worker.pid != first.worker.pid, "another worker listens", running)
    (second,) = workers("recycled", 1)
    again = second.open_kernel("recycled", "the key of the front end", "another process")
    assert {**again, "livecode": ""} == {**information, "livecode": ""}
    with notebook_in(second, "recycled") as notebook:
        assert notebook.run("1 + 1").printed == "[livecode] another process\n"


def test_green_threads_are_refused(services: Services, tmp_path: Path) -> None:
    """Where gevent has replaced threads there is no kernel, and the reason says what works."""
    pytest.importorskip("gevent", reason="pip install gevent")
    program = "from gevent import monkey; monkey.patch_all()\nfrom livecode.fleet.listen import listen\n"
    program += "listen('green')\nimport time\ntime.sleep(300)"
    running = subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], env=services.environment())
    try:
        (green,) = workers("green", 1)
        with pytest.raises(UsageError, match=r"gevent has replaced threads here.*%hotattach green"):
            green.open_kernel("green")
    finally:
        running.kill()
        running.wait()


def test_agents_get_no_kernel(worker: RemoteWorker) -> None:
    """A kernel runs any code, so a request that says that it is an agent's is refused, whatever agents may do."""
    reply = worker._exchange({"op": "open_kernel", "session": "agent", "agent": "a model"}, 10)
    assert reply["error"]["kind"] == "not allowed"


def test_others_cannot_get_in(services: Services, worker: RemoteWorker) -> None:
    """Sockets and connection files are this user's; in a directory that others could enter no kernel starts."""
    with notebook_in(worker, "private") as notebook:
        folder = Path(worker.path).parent / places.FOLDER
        assert notebook.run("1").value == "1"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    folder.chmod(0o755)
    try:
        with pytest.raises(UsageError, match=r"kernels has mode 0755, and 0700 is needed"):
            worker.open_kernel("unsafe")
    finally:
        folder.chmod(0o700)
