"""Which doors are alive: stale files go, living ones stay, whoever is behind them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from livecode.errors import ProtocolError, ServiceNotFoundError, UnsafeDirectoryError, UsageError
from livecode.fleet import wire
from livecode.fleet.discovery import look, running
from livecode.fleet.door import Door
from livecode.fleet.line import knock
from livecode.fleet.service import attach
from tests.services import Services, wait_until


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_no_directory(doors: Path) -> None:
    """Where no service ever listened, none is found, and nothing is made."""
    doors.rmdir()
    assert (look().workers, running()) == ((), ())
    assert not doors.exists()
    doors.mkdir(mode=0o700)


def test_unsafe_directory(doors: Path) -> None:
    """Readers do not trust a directory that others can write to: who is behind those sockets?"""
    doors.chmod(0o777)
    with pytest.raises(UnsafeDirectoryError, match="mode 0777"):
        look()
    doors.chmod(0o700)


def test_killed(services: Services) -> None:
    """After kill -9 the next look says so once, and removes the files."""
    service = services.threaded("shop")
    assert len(list(services.doors.iterdir())) == 2
    service.stop(signal.SIGKILL)
    assert look("shop").lost == (f"shop (pid {service.pid})",)
    assert list(services.doors.iterdir()) == []
    assert look("shop").lost == ()


def test_two_of_one_name(services: Services) -> None:
    """Two processes with one name are two workers, named in the order of their process ids; each answers."""
    started = {services.threaded("shop").pid, services.threaded("shop").pid}
    other = services.threaded("bar")
    assert [(door.worker.name, door.hello().pid) for door in look("shop").workers] == [
        (f"w{number}", pid) for number, pid in enumerate(sorted(started), 1)
    ]
    assert [(worker.service, worker.name) for worker in running()] == [("bar", "w1"), ("shop", "w1"), ("shop", "w2")]
    assert attach("bar").workers()[0].pid == other.pid


def test_stopped_process_is_not_cleaned(services: Services) -> None:
    """A process that is stopped does not answer and is not dead: its files stay, and it is listed."""
    service = services.threaded("shop")
    os.kill(service.pid, signal.SIGSTOP)
    seen = look("shop")
    assert ([door.worker.pid for door in seen.workers], seen.lost) == ([service.pid], ())
    assert seen.workers[0].worker.python  # known from its card
    os.kill(service.pid, signal.SIGCONT)
    assert look("shop").workers[0].hello().pid == service.pid


def test_living_door_with_an_unknown_process(doors: Path, gone: int) -> None:
    """A door that answers is never cleaned, even if its process id means nothing here: another container."""
    path = doors / f"shop-{gone}-00000000.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        knock(str(path), 1).close()
        assert look("shop").lost == ()
        assert path.exists()
    assert look("shop").lost == (f"shop (pid {gone})",)
    assert not path.exists()


def test_leftovers(doors: Path, gone: int) -> None:
    """Cards without a socket and files half made go, if their process has and they are old; nothing else does."""
    old = {f"shop-{gone}-aa.json", f".{gone}-bb.new"}
    young = {f"shop-{gone}-cc.json", f".{gone}-dd.new"}
    others = {f"shop-{os.getpid()}-ee.json", f".{os.getpid()}-ff.new", "notes.txt", "x.json", ".new"}
    for name in old | young | others:
        (doors / name).write_text("{}")
        if name not in young:
            os.utime(doors / name, (1, 1))
    assert look().lost == ()
    assert set(os.listdir(doors)) == young | others


def test_foreign_files_are_left_alone(doors: Path) -> None:
    """What is not called like a door is not touched."""
    (doors / "notes.sock").write_text("")
    assert look() == look("shop")
    assert os.listdir(doors) == ["notes.sock"]


@pytest.mark.parametrize("card", ["", "{}", "[]", '{"python": 1, "livecode": null, "started": "x"}'])
def test_broken_card(door: Door, doors: Path, card: str) -> None:
    """A broken card is no matter while the door answers."""
    next(doors.glob("*.json")).write_text(card)
    assert [found.worker.pid for found in look("shop").workers] == [door.pid]


def test_attach_by_name_pid_or_alone(door: Door) -> None:
    """A service is found by its name, by a process id, or because it is the only one."""
    assert {attach(way).name for way in ("shop", os.getpid(), None)} == {"shop"}
    assert attach(os.getpid()).workers() == attach().workers()
    assert door.service == "shop"


@pytest.mark.parametrize("name", ["bar", 1, None])
def test_attach_to_nothing(doors: Path, name: str | int | None) -> None:
    """Where nothing listens, that is said, and what to do."""
    with pytest.raises(ServiceNotFoundError, match=r"nothing listens for this user; in the service, call livecode.lis"):
        attach(name)


def test_attach_to_another(door: Door) -> None:
    """A name that is not there is answered with those that are."""
    with (
        closing(Door("jobs")) as other,
        pytest.raises(ServiceNotFoundError, match=r"'bar' is listening; .*: jobs, shop") as found,
    ):
        attach("bar")
    assert found.value.running == (other.service, door.service)


def test_attach_to_one_of_several(door: Door) -> None:
    """Without a name, and with several services, nothing is guessed."""
    with closing(Door("jobs")), pytest.raises(ServiceNotFoundError) as found:
        attach()
    assert found.value.running == ("jobs", door.service)


@pytest.mark.parametrize("name", [1.5, b"shop", ["shop"]])
def test_attach_to_nonsense(doors: Path, name: object) -> None:
    """What is neither a name nor a process id is a UsageError that shows it."""
    with pytest.raises(UsageError, match="name of a service or a process id"):
        attach(name)  # type: ignore[arg-type]


def test_gone_since(door: Door) -> None:
    """A service that ended after attach() is said to be gone at the next verb; workers() just has none."""
    service = attach("shop")
    door.close()
    assert service.workers() == ()
    with pytest.raises(ServiceNotFoundError, match="'shop'"):
        service.push({"m": ""})


OTHER_VERSION = """
import json, os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(os.path.join(sys.argv[1], f"shop-{os.getpid()}-00000000.sock"))
listening.listen()
print("ready", flush=True)
while True:
    connection, _ = listening.accept()
    with connection:
        connection.recv(100000)
        reply = json.dumps({"protocol": 9, "answer": {"livecode": "0.9.0", "pid": os.getpid()}}).encode()
        connection.sendall(len(reply).to_bytes(4, "big") + reply)
"""


def test_another_protocol(services: Services) -> None:
    """A service made for another livecode is listed, and attaching says both versions and what to do."""
    script = services.script(OTHER_VERSION, str(services.doors))
    assert script.stdout is not None
    assert script.stdout.readline() == "ready\n"
    assert [worker.pid for worker in running()] == [script.pid]
    with pytest.raises(
        ProtocolError, match=r"protocol 9 \(livecode 0.9.0\), and this side speaks 2 \(livecode"
    ) as found:
        attach("shop")
    assert "pip install 'livecode==0.9.0'" in str(found.value)
    script.kill()
    script.communicate()


def test_notebook_leaves_and_crashes(services: Services) -> None:
    """A caller that is killed within a request does not disturb the service."""
    service = services.threaded("shop")
    door = look("shop").workers[0]
    caller = services.script(
        "import sys; from livecode.fleet.line import knock; c = knock(sys.argv[1], 5); c.sendall(bytes([0, 0, 0]));"
        "print('connected', flush=True); sys.stdin.readline()",
        door.path,
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "connected\n"
    caller.kill()
    caller.communicate()
    assert door.hello().pid == service.pid
    assert int(service.get("os.getpid()")) == service.pid


def test_older_python_attaches(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python version of a worker is told, and no hindrance: source travels as text."""
    identity = door.identity() | {"python": "3.99.1"}
    monkeypatch.setattr(door, "identity", lambda: identity)
    assert attach("shop").workers()[0].python == "3.99.1"


def test_request_is_json(door: Door) -> None:
    """What is exchanged is plain JSON, as README's of other languages would write it."""
    body = json.dumps({"op": "hello"}).encode()
    with knock(door.path, 5) as connection:
        connection.sendall(len(body).to_bytes(4, "big") + body)
        reply = wire.receive(connection, 5, 5)
    assert reply is not None
    assert reply["answer"]["service"] == "shop"
    wait_until(lambda: not door._guests, "the guest has left")
