"""Who keeps a session alive: a worker and what starts workers, on real servers; no shell, no supervisor."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from livecode.fleet import holders as room
from livecode.fleet.holders import Holder, holders, is_alive
from tests.services import RunningService, Services, wait_until

HELD = {
    "held.py": """
import os
from livecode.fleet.holders import holders
def note():
    global at_start
    at_start = [list(holder) for holder in holders()]
note()
os.register_at_fork(after_in_child=note)
"""
}
"""A module that notes who holds the session when its worker starts."""

CODE = "import json, os\nfrom livecode.fleet.holders import holders\n"
PRINT = "print(json.dumps([os.getpid(), [holder.pid for holder in holders()]]), flush=True)\n"


def at_start(server: RunningService) -> list[Holder]:
    """The holders that the worker which happens to answer found when it started, itself first."""
    return [Holder(*held) for held in json.loads(server.get("held.at_start").replace("'", '"'))]


def printed(run: subprocess.CompletedProcess[str]) -> list[tuple[int, list[int]]]:
    """What each process printed: its id, and the ids of the holders."""
    assert (run.returncode, run.stderr) == (0, "")
    return [(pid, held) for pid, held in map(json.loads, run.stdout.splitlines())]


Start = Callable[[Services], RunningService]
SERVERS: dict[str, Start] = {
    "gunicorn": lambda services: services.gunicorn("shop", HELD),
    "gunicorn --preload": lambda services: services.gunicorn("shop", HELD, "--preload", "--threads", "2"),
    "uvicorn --workers": lambda services: services.uvicorn("shop", HELD, "--workers", "2"),
    "celery prefork": lambda services: services.celery("shop", HELD, "--concurrency", "2"),
    "granian": lambda services: services.granian("shop", HELD, "--workers", "2"),
}


@pytest.mark.parametrize("start", SERVERS.values(), ids=SERVERS)
def test_servers_main_process_is_a_manager(services: Services, start: Start) -> None:
    """A worker and its server's main process hold the session; what started the server does not."""
    server = start(services)
    worker, manager = at_start(server)
    assert (worker.pid == server.pid, manager.pid) == (False, server.pid)
    assert is_alive(worker)
    assert is_alive(manager)
    server.stop()
    assert not is_alive(worker)
    assert not is_alive(manager)


def test_recycled_worker(services: Services) -> None:
    """The only gunicorn worker ends after each request: the arbiter holds the session for the next one."""
    server = services.gunicorn("shop", HELD, "--workers", "1", "--max-requests", "1")
    worker, manager = at_start(server)
    wait_until(lambda: not is_alive(worker), "the worker has ended", server)
    assert is_alive(manager)
    assert at_start(server)[1] == manager


def test_one_process(services: Services) -> None:
    """A server of one process stands alone, whoever started it."""
    server = services.uvicorn("shop", HELD)
    assert [holder.pid for holder in at_start(server)] == [server.pid]


def test_plain_script_of_a_shell(services: Services) -> None:
    """A script stands alone: its shell is no manager."""
    command = f"{sys.executable} -c '{CODE}{PRINT}'; true"  # with a second command, no shell replaces itself by it
    run = subprocess.run(["sh", "-c", command], env=services.environment(), capture_output=True, text=True)
    ((pid, held),) = printed(run)
    assert held == [pid]


SUPERVISOR = """
import subprocess, sys
for command in sys.argv[1:]:
    subprocess.run([sys.executable, "-c", command], check=True)
"""


def test_supervisor_written_in_python(services: Services) -> None:
    """One that starts programs with subprocess is no manager, although it runs the same Python."""
    run = subprocess.run(
        [sys.executable, "-c", SUPERVISOR, CODE + PRINT], env=services.environment(), capture_output=True, text=True
    )
    ((pid, held),) = printed(run)
    assert held == [pid]


FORKED = (
    CODE
    + """
def child(more):
    if more and os.fork():
        os.wait()
    else:
        """
    + PRINT
    + """
if os.fork():
    os.wait()
    """
    + PRINT
    + """
else:
    {before}
    child({more})
"""
)


@pytest.mark.parametrize(
    "before",
    [
        "pass",
        pytest.param(
            "os.setgid(65534); os.setuid(65534)",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
        ),
    ],
    ids=["same user", "another user"],
)
def test_forked(services: Services, before: str) -> None:
    """Who forks is a manager, and so is who forked that one, also for a child that has given up root."""
    source = FORKED.format(before=before, more=True)
    run = subprocess.run([sys.executable, "-c", source], env=services.environment(), capture_output=True, text=True)
    (grandchild, held), (main, alone) = printed(run)
    assert (len(held), held[0], held[2], alone) == (3, grandchild, main, [main])


MULTIPROCESSING = (
    CODE
    + "import multiprocessing, sys\n"
    + PRINT
    + """
def work():
    """
    + PRINT
    + """
if __name__ == "__main__":
    child = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    child.start()
    child.join()
"""
)


@pytest.mark.parametrize(("method", "between"), [("fork", 0), ("spawn", 0), ("forkserver", 1)])
def test_multiprocessing(services: Services, tmp_path: Path, method: str, between: int) -> None:
    """The parent is a manager of its child, and a fork server between them is one too; also while modules load."""
    (tmp_path / "program.py").write_text(MULTIPROCESSING)
    command = [sys.executable, str(tmp_path / "program.py"), method]
    found = printed(subprocess.run(command, env=services.environment(), capture_output=True, text=True))
    main, alone = found[0]
    pid, held = found[-1]
    assert (alone, held[0], held[-1], len(held) - 2) == ([main], pid, main, between)
    assert all(above[-1] == main for _, above in found)


def test_zombie_is_dead(services: Services) -> None:
    """A process that has ended is dead, also while nobody has waited for it."""
    script = services.script(CODE + "print(*holders()[0], sep=',', flush=True)")
    assert script.stdout is not None
    pid, born = script.stdout.readline().strip().split(",")
    os.waitid(os.P_PID, script.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(Holder(int(pid), born))
    script.communicate(timeout=20)


def test_later_process_of_the_same_id() -> None:
    """A holder is told from a process that has its id now."""
    (me, *_) = holders()
    assert is_alive(me)
    assert not is_alive(me._replace(born="long ago"))


def test_system_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process cannot be seen it stands alone, and counts as dead."""
    monkeypatch.setattr(room, "_see", lambda pid: None)
    assert holders() == (Holder(os.getpid(), ""),)
    assert not is_alive(holders()[0])


def test_killed(services: Services) -> None:
    """A killed server holds nothing, though its port and files may still be there."""
    server = services.threaded("shop", HELD)
    (holder,) = at_start(server)
    server.stop(signal.SIGKILL)
    assert not is_alive(holder)


LINES = {
    "a gunicorn worker": (b"  71  4 S  Tue Nov 24 12:58:03 2026 gunicorn: worker [app:app]\n", True),
    "the same, another year": (b"  71  4 S  Wed Nov 24 12:58:03 2027 gunicorn: worker [app:app]\n", True),
    "a child of subprocess": (b"  71  4004 S  Tue Nov 24 12:58:03 2026 /usr/bin/python3 app.py\n", False),
    "a child of multiprocessing": (
        b"  71  4004 S  Tue Nov 24 12:58:03 2026 /usr/bin/python3 -c from x --multiprocessing-fork\n",
        True,
    ),
}


@pytest.mark.parametrize(("line", "started"), LINES.values(), ids=LINES)
def test_line_of_ps(line: bytes, started: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, flags and command line tell a worker from a program that was started."""
    parent = room._read_ps(71, b" 1 4004 S Tue Nov 24 12:58:01 2026 gunicorn: master [app:app]\n")
    child = room._read_ps(72, line)
    assert parent is not None
    assert child is not None
    monkeypatch.setattr(room, "_image", lambda pid: b"")
    assert room._starts(parent, child) is started
    assert parent.born != child.born


@pytest.mark.skipif(not os.path.exists("/bin/ps"), reason="ps is not installed: apt-get install procps")
def test_ps() -> None:
    """ps tells the parent, the state and when a process started, in the same words each time."""
    me, again, nobody = room._see_with_ps(os.getpid()), room._see_with_ps(os.getpid()), room._see_with_ps(2**22 + 1)
    assert me is not None
    assert (me, nobody) == (again, None)
    assert (me.parent, me.zombie) == (os.getppid(), False)
    assert re.fullmatch(r"\w+ \w+ \d+ \d\d:\d\d:\d\d \d{4}", me.born)
