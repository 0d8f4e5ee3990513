"""The far side by itself: what it says first, what it refuses, and that it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from livecode.errors import LivecodeError, MissingExtraError, ServiceNotFoundError, StoreError, WorkerLostError
from livecode.fleet.remote.frames import MAGIC, Decoder, Frame, Kind, MagicSearch, greeting
from livecode.fleet.remote.link import Link
from livecode.fleet.remote.verbs import error_message, raised, speaker
from tests.services import Services

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(services: Services) -> Iterator[Start]:
    """Starts ``python -m livecode relay``; none is left after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "livecode", "relay"]
        started.append(subprocess.Popen(command, env=services.environment(), **pipes))  # type: ignore[call-overload]
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


@contextmanager
def linked(process: subprocess.Popen[bytes]) -> Iterator[Link]:
    """A link to a relay that was not greeted yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    reading, writing, search, after = (
        os.dup(process.stdout.fileno()),
        os.dup(process.stdin.fileno()),
        MagicSearch(),
        None,
    )
    process.stdin.close()
    while after is None:
        after = search.feed(os.read(reading, 1 << 16))
    link = Link(reading, writing, first=after)
    yield link
    link.close()


def asked(link: Link, request: dict[str, Any]) -> dict[str, Any]:
    """The last message of a request."""
    stream = link.open()
    stream.send(request)
    message = stream.receive()
    assert message is not None
    stream.close()
    return message


def test_it_says_who_it_is_and_ends_with_its_input(start: Start) -> None:
    """The magic, then who speaks; nothing else is printed, and nothing is left running."""
    process = start()
    printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert printed.startswith(MAGIC)
    (hello,) = Decoder().feed(printed.removeprefix(MAGIC))
    assert hello.kind is Kind.HELLO
    assert f'"pid": {process.pid}'.encode() in hello.body


def test_who_sends_no_frames_is_not_listened_to(start: Start) -> None:
    """Somebody typed it: it ends."""
    process = start()
    process.communicate(b"status shop\n" * 10, timeout=60)
    assert process.returncode == 0


def test_requests_that_are_none(start: Start) -> None:
    """Each is refused with a reason, and the next one is answered."""
    with linked(start()) as link:
        link.write(greeting(speaker()))
        assert "cannot be asked for 'reboot'" in asked(link, {"op": "reboot"})["error"]["message"]
        assert "asked to attach first" in asked(link, {"op": "status"})["error"]["message"]
        assert asked(link, {"op": "attach"})["error"]["kind"] == "DoorError"
        stream = link.open()
        link.write(Frame(Kind.DATA, stream.number, b"\xff\xff\xff\xff"))
        message = stream.receive()
        assert message is not None
        assert "at most 64 MiB" in message["error"]["message"]
        assert asked(link, {"op": "services"})["answer"] == []


def test_who_is_of_another_version_is_told(start: Start) -> None:
    """Both versions are in the answer to whatever is asked."""
    with linked(start()) as link:
        link.write(greeting({**speaker(), "livecode": "0.0.1"}))
        error = asked(link, {"op": "running"})["error"]
        assert "who asks has livecode 0.0.1 (relay protocol" in error["message"]


def test_too_many_at_once(start: Start) -> None:
    """Whoever opens streams and asks nothing does not use up the threads of a machine."""
    with linked(start()) as link:
        link.write(greeting(speaker()))
        streams = [link.open() for _ in range(70)]
        assert streams[-1].receive() is None
        for stream in streams:
            stream.close()


@pytest.mark.parametrize(
    "error",
    [
        ServiceNotFoundError("shop", ("other",)),
        StoreError("the store refuses"),
        MissingExtraError("a store", "redis", "redis"),
        WorkerLostError("w1 is gone"),
        LivecodeError("something"),
    ],
)
def test_errors_travel(error: LivecodeError) -> None:
    """The same kind arrives, with its words and the place; a command ends with the same status."""
    arrived = raised(error_message(error)["error"], "ssh://far")
    assert (type(arrived), str(arrived)) == (type(error), f"ssh://far: {error}")
    if isinstance(error, ServiceNotFoundError):
        assert isinstance(arrived, ServiceNotFoundError)
        assert arrived.running == ("other",)


def test_a_fault_is_told_as_one() -> None:
    """It is no misuse, and its name is in the message."""
    arrived = raised(error_message(ZeroDivisionError("division by zero"))["error"], "ssh://far")
    assert str(arrived) == "ssh://far: livecode itself failed there: ZeroDivisionError: division by zero"


def test_an_interrupt_travels() -> None:
    """As what it is."""
    assert isinstance(raised(error_message(KeyboardInterrupt())["error"], "ssh://far"), KeyboardInterrupt)
