"""A forked process has a door of its own, and who is gone has none. Servers: `test_servers`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from livecode.fleet import wire
from livecode.fleet.client import Presence
from livecode.fleet.discovery import look
from livecode.fleet.line import knock
from livecode.fleet.rundir import split_stem
from tests.services import Services, wait_until


def pids(name: str) -> set[int]:
    """The processes that answer under that name."""
    return {door.worker.pid for door in look(name).workers if door.meet()[0] is Presence.ANSWERS}


def read_line(script: subprocess.Popen[str]) -> str:
    """The next line that a script prints."""
    assert script.stdout is not None
    return script.stdout.readline().strip()


FORK = """
import os, sys
from livecode.fleet.listen import listen
listener = listen("shop", track=())
{fork}
os.write(1, f"{{os.getpid()}} {{listener.path}}\\n".encode())  # in one piece, beside the child's
sys.stdin.readline()
"""


@pytest.fixture
def forked(services: Services) -> Iterator[tuple[subprocess.Popen[str], int, dict[int, str]]]:
    """A script that listened and forked: itself, its child's pid, and the paths of both doors."""
    script = services.script(FORK.format(fork="os.fork()"))
    lines = dict(read_line(script).split() for _ in range(2))
    paths = {int(pid): path for pid, path in lines.items()}
    (child,) = set(paths) - {script.pid}
    yield script, child, paths
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    script.kill()
    script.communicate(timeout=20)


def test_forked_child(forked: tuple[subprocess.Popen[str], int, dict[int, str]]) -> None:
    """A forked child has a door of its own, under the same name."""
    script, child, paths = forked
    assert pids("shop") == {script.pid, child}
    assert len(set(paths.values())) == 2


def test_dead_parent(forked: tuple[subprocess.Popen[str], int, dict[int, str]]) -> None:
    """A killed process does not appear alive because its child lives, which holds nothing of its door."""
    script, child, _ = forked
    script.kill()
    script.wait()
    assert pids("shop") == {child}


def test_connection_is_not_inherited(services: Services) -> None:
    """Who is connected to a process that dies is told at once, though a child was forked meanwhile."""
    script = services.script(FORK.format(fork="print(listener.path, flush=True); input(); os.fork()"))
    path, request = read_line(script), b'{"op": "hello"}'
    with knock(path, 5) as connection:
        connection.sendall(len(request).to_bytes(4, "big") + request)
        assert wire.receive(connection, 5, 5)  # served, and still connected
        assert script.stdin is not None
        print(file=script.stdin, flush=True)
        (child,) = {int(read_line(script).split()[0]) for _ in range(2)} - {script.pid}
        script.kill()
        connection.settimeout(5)
        assert connection.recv(1) == b""
    os.kill(child, signal.SIGKILL)
    script.communicate(timeout=20)


def test_leaving_removes_the_files(services: Services) -> None:
    """A process that ends takes its files with it, and so does its child."""
    script = services.script(FORK.format(fork="os.fork()"))
    for _ in range(2):
        read_line(script)
    _, errors = script.communicate("\n\n", timeout=20)
    wait_until(lambda: not list(services.doors.iterdir()), "both have left")
    assert (errors, script.returncode) == ("", 0)


def test_program_in_a_child(services: Services) -> None:
    """A child that is forked only to run a program opens no door, not even with a preexec_fn."""
    run = "import subprocess; subprocess.run(['true'], preexec_fn=lambda: None, check=True)"
    script = services.script(FORK.format(fork=run))
    read_line(script)
    assert {split_stem(path.stem) for path in services.doors.iterdir()} == {("shop", script.pid)}
    script.communicate("\n", timeout=20)


def test_unsafe_directory_in_a_child(services: Services) -> None:
    """A fork never fails because of the door; what is wrong with the directory is said."""
    run = f"os.chmod({str(services.doors)!r}, 0o755); pid = os.fork(); pid or (print('child', flush=True), os._exit(0))"
    script = services.script(FORK.format(fork=run + "; os.waitpid(pid, 0)"))
    assert read_line(script) == "child"
    _, errors = script.communicate("\n", timeout=20)
    assert "livecode: no door in pid" in errors
    assert "0700" in errors
    assert script.returncode == 0


def test_closed_listener_stays_closed(services: Services) -> None:
    """A child of a process that has closed its listener does not listen."""
    script = services.script(FORK.format(fork="listener.close(); os.fork()"))
    for _ in range(2):
        read_line(script)
    assert list(services.doors.iterdir()) == []
    script.communicate("\n\n", timeout=20)


def test_script_main(services: Services) -> None:
    """A script's __main__ listens in one line."""
    script = services.script(FORK.format(fork=""))
    path = read_line(script).split()[1]
    assert [door.path for door in look("shop").workers] == [path]
    script.communicate("\n", timeout=20)
