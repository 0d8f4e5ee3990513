"""The door: whatever is sent, the service answers afterwards."""

from __future__ import annotations

import json
import os
import random
import resource
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from livecode.errors import DoorError, ProtocolError
from livecode.fleet import PROTOCOL, ops, wire
from livecode.fleet.client import RemoteWorker
from livecode.fleet.door import MAX_GUESTS, Door
from livecode.fleet.line import knock
from livecode.model.nouns import Worker
from tests.services import Services, many_descriptors, wait_until


def client(door: Door) -> RemoteWorker:
    """Someone who asks at this door."""
    return RemoteWorker(Worker("w1", door.pid, "host", "3", door.service), door.path)


def answers(door: Door) -> bool:
    """True if the door answers hello, as itself."""
    return client(door).hello().pid == os.getpid()


def framed(body: bytes) -> bytes:
    """A body with its length."""
    return len(body).to_bytes(4, "big") + body


def request(**fields: object) -> bytes:
    """A frame with a request in this protocol."""
    return framed(json.dumps({"protocol": PROTOCOL, **fields}).encode())


def test_hello(door: Door) -> None:
    """hello says who listens: service, process, host, Python, livecode, since when."""
    worker = client(door).hello()
    assert (worker.service, worker.pid, worker.host) == ("shop", os.getpid(), socket.gethostname())
    assert worker.python == ".".join(map(str, sys.version_info[:3]))
    assert worker.started == door.started


def test_files(door: Door, doors: Path) -> None:
    """An open door has a socket and a card, private both; a closed one has neither."""
    card, sock = sorted(doors.iterdir())
    assert (card.suffix, sock.suffix, str(sock)) == (".json", ".sock", door.path)
    assert {path.stat().st_mode & 0o777 for path in (card, sock)} == {0o600}
    assert json.loads(card.read_text())["pid"] == os.getpid()
    door.close()
    assert list(doors.iterdir()) == []


def test_close_ends_the_thread(door: Door) -> None:
    """After close() nobody waits at the socket any more, and a second close() is nothing."""
    connection = knock(door.path, 1)
    door.close()
    door.close()
    with connection:
        assert connection.recv(1) == b""
    assert "livecode-door" not in {thread.name for thread in threading.enumerate()}


GARBAGE = {
    "random bytes": random.Random(1).randbytes(5000),
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "65 MiB announced": (65 << 20).to_bytes(4, "big"),
    "empty frame": framed(b""),
    "no JSON": framed(b"hello"),
    "no UTF-8": framed(b"\xff\xfe\x00"),
    "deep JSON": framed(b"[" * 100_000),
    "a list": framed(b"[1, 2]"),
    "no operation": request(),
    "unknown operation": request(op="shutdown"),
    "operation is a list": request(op=["hello"]),
    "another protocol": framed(b'{"protocol": 99, "op": "status"}'),
    "push of nothing": request(op="push"),
    "push of the wrong shape": request(op="push", push={"modules": [{"module": 7}]}),
    "checksums of the wrong shape": request(op="checksums", modules={"a": 1}),
    "source without a module": request(op="source", version=1),
    "source of a wrong version": request(op="source", module="m", version="x"),
    "history of the wrong shape": request(op="history", module=None),
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE)
def test_garbage(door: Door, sent: bytes) -> None:
    """Garbage gets an error reply that says why, and the door answers afterwards."""
    with knock(door.path, 5) as connection:
        connection.sendall(sent)
        reply = wire.receive(connection, 5, 5)
    assert reply is not None
    assert (reply["protocol"], reply["error"]["kind"]) == (PROTOCOL, "protocol")
    assert len(reply["error"]["message"]) > 20
    assert answers(door)


@pytest.mark.parametrize("half", [b"\0", b"\0\0\0", b"\0\0\0\5", b"\0\0\0\5{}", request(op="hello")[:-1]])
def test_half_a_frame(door: Door, half: bytes) -> None:
    """Who leaves in the middle of a frame disturbs nobody."""
    with knock(door.path, 5) as connection:
        connection.sendall(half)
    assert answers(door)


def test_unknown_operation_names_the_known_ones(door: Door) -> None:
    """The message of an unknown operation lists those that there are."""
    with pytest.raises(ProtocolError, match="no operation 'dance'; there are: hello, checksums, push"):
        client(door)._ask("dance")


def test_leaves_before_the_answer(door: Door) -> None:
    """Who asks and does not wait for the answer disturbs nobody."""
    for _ in range(20):
        with knock(door.path, 5) as connection:
            connection.sendall(request(op="hello"))
    assert answers(door)


def test_never_reads(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks and never reads costs one thread until its time is up, and nobody waits for it."""
    monkeypatch.setattr(ops, "FRAME_S", 0.2)
    monkeypatch.setitem(ops.OPERATIONS, "large", lambda _door, _request: "x" * 8_000_000)  # type: ignore[arg-type]
    with knock(door.path, 5) as connection:
        connection.sendall(request(op="large"))
        assert answers(door)
        wait_until(lambda: not door._guests, "the thread has given up")


def test_silent_guests_have_to_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is connected and asks nothing is let go after a while."""
    monkeypatch.setattr(ops, "IDLE_S", 0.05)
    with knock(door.path, 5) as connection:
        connection.settimeout(5)
        assert connection.recv(1) == b""


def test_a_thousand_connections(door: Door) -> None:
    """However many connect and wait, there are few threads, and the next one is answered."""
    with many_descriptors(4096), ExitStack() as stack:
        for number in range(1000):
            with suppress(BrokenPipeError, ConnectionResetError):
                stack.enter_context(knock(door.path, 5)).sendall(b"\0" * (number % 4))
        assert answers(door)
        assert len(door._guests) <= MAX_GUESTS
    assert answers(door)


def test_busy_guests_are_not_sent_away(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest whose request is being worked on keeps its place, whoever else comes."""
    begun, release = threading.Event(), threading.Event()

    def slow(_door: Door, _request: ops.Request) -> str:
        begun.set()
        release.wait(10)
        return "done"

    monkeypatch.setitem(ops.OPERATIONS, "slow", slow)  # type: ignore[arg-type]
    with knock(door.path, 5) as first, ExitStack() as stack:
        first.sendall(request(op="slow"))
        begun.wait(5)
        for _ in range(MAX_GUESTS + 5):
            stack.enter_context(knock(door.path, 5))
        assert answers(door)
        release.set()
        reply = wire.receive(first, 5, 5)
    assert reply == {"protocol": PROTOCOL, "answer": "done"}


def test_a_fault_is_told_and_survived(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of livecode reaches who asked, with its place, and the door goes on."""
    monkeypatch.setitem(ops.OPERATIONS, "fail", lambda _door, _request: 1 / 0)  # type: ignore[arg-type]
    with pytest.raises(DoorError, match=r"livecode itself failed there: ZeroDivisionError: .*test_door, line"):
        client(door)._ask("fail")
    assert answers(door)


def test_out_of_descriptors(services: Services) -> None:
    """A service that is out of file descriptors neither dies nor spins, and answers when it has some again."""
    script = services.script(OUT_OF_DESCRIPTORS)
    printed, errors = script.communicate(timeout=60)
    assert (printed, errors, script.returncode) == ("answered\n", "", 0)


OUT_OF_DESCRIPTORS = """
import os, resource, socket
from livecode.fleet.door import Door
from livecode.fleet.client import RemoteWorker
from livecode.model.nouns import Worker
door = Door("shop")
worker = RemoteWorker(Worker("w1", os.getpid(), "h", "3"), door.path, 20)
worker.hello()
callers = [socket.socket(socket.AF_UNIX) for _ in range(8)]  # more than may still become free
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
for caller in callers:
    caller.settimeout(20)
    caller.connect(door.path)
cpu = os.times()
callers[-1].settimeout(0.5)
try:
    callers[-1].recv(1)
except TimeoutError:
    pass
spent = sum(os.times()[:2]) - sum(cpu[:2])
assert spent < 0.2, spent
for descriptor in taken:
    os.close(descriptor)
for caller in callers:
    caller.close()
worker.hello()
print("answered")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_other_users_are_not_served(door: Door, doors: Path) -> None:
    """Even where the files would let another user in, the kernel's word on who calls does not."""
    doors.chmod(0o711)
    os.chmod(door.path, 0o666)
    ask = f"""
import os, socket
os.setuid(65534)
caller = socket.socket(socket.AF_UNIX)
caller.settimeout(5)
caller.connect({door.path!r})
print(caller.recv(1))
"""
    found = subprocess.run([sys.executable, "-I", "-c", ask], capture_output=True, text=True, check=False)
    assert (found.stderr, found.stdout) == ("", "b''\n")
    assert answers(door)


def test_no_unix_sockets(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python has no Unix sockets, that is said."""
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(DoorError, match="no Unix domain sockets"):
        Door("shop")
    assert list(doors.iterdir()) == []


def _fails(*_: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("step", ["livecode.fleet.door.threading.Thread.start", "livecode.fleet.rundir.write_card"])
def test_opens_whole_or_not_at_all(doors: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A door that cannot be opened leaves no file behind."""
    monkeypatch.setattr(step, _fails)
    with pytest.raises(RuntimeError):
        Door("shop")
    assert list(doors.iterdir()) == []


def test_descriptors_are_given_back(door: Door) -> None:
    """Hundreds of guests leave no descriptor open."""
    assert answers(door)
    before = len(os.listdir("/dev/fd"))
    for _ in range(200):
        assert answers(door)
    wait_until(lambda: not door._guests, "all guests have left")
    assert len(os.listdir("/dev/fd")) <= before
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > before
