"""Many streams over one link: whole, in order, without one holding up another, and with an end that everybody hears."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from livecode.fleet.remote import link as links
from livecode.fleet.remote.frames import WINDOW_BYTES, Frame, Kind
from livecode.fleet.remote.link import Link, LinkLostError, Stream
from tests.services import wait_until


@contextmanager
def linked(serve: Callable[[Stream], None]) -> Iterator[tuple[Link, Link]]:
    """Two links that end in each other; each stream of the first one is served by the second one in a thread."""
    to_far, from_near = os.pipe()
    to_near, from_far = os.pipe()
    threads: list[threading.Thread] = []

    def opened(stream: Stream) -> None:
        thread = threading.Thread(target=serve, args=(stream,))
        threads.append(thread)
        thread.start()

    near, far = Link(to_near, from_near), Link(to_far, from_far, opened)
    try:
        yield near, far
    finally:
        near.close()
        far.close()
        for thread in threads:
            thread.join()


def echo(stream: Stream) -> None:
    """Sends back what comes, until nothing more does."""
    try:
        while (message := stream.receive()) is not None:
            stream.send(message)
    except LinkLostError:
        return
    stream.close()


def test_messages_of_many_streams_at_once_arrive_whole() -> None:
    """Each gets its own back, also one that is many windows long."""
    with linked(echo) as (near, _):
        answers: queue.Queue[bool] = queue.Queue()

        def ask(number: int) -> None:
            stream, message = near.open(), {"number": number, "text": "ä" * 40_000 * number}
            for _ in range(3):
                stream.send(message)
                answers.put(stream.receive() == message)
            stream.close()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answers.get() for _ in range(36)] == [True] * 36


def test_who_does_not_read_holds_up_nobody_else() -> None:
    """The window of one stream is used up; another one is answered, and the first goes on when it is read."""
    let_go = threading.Event()

    def serve(stream: Stream) -> None:
        if stream.number == 1:
            let_go.wait()
        echo(stream)

    with linked(serve) as (near, _):
        full, free = near.open(), near.open()
        large = {"text": "x" * (3 * WINDOW_BYTES)}
        sender = threading.Thread(target=full.send, args=(large,))
        sender.start()
        free.send({"a": 1})
        assert free.receive() == {"a": 1}
        assert sender.is_alive()
        let_go.set()
        sender.join()
        assert full.receive() == large
        full.close()
        free.close()


def test_stop_arrives_while_the_other_side_works() -> None:
    """Nobody has to read the stream for that."""

    def serve(stream: Stream) -> None:
        stream.receive()
        wait_until(lambda: bool(stream.stopped), "it is told to stop")
        stream.send({"stopped": True})
        stream.close()

    with linked(serve) as (near, _):
        stream = near.open()
        stream.send({})
        stream.stop()
        assert stream.receive() == {"stopped": True}
        assert stream.receive() is None
        stream.close()


def test_a_message_that_is_late_can_be_received_later() -> None:
    """A timeout takes nothing away."""
    let_go = threading.Event()

    def serve(stream: Stream) -> None:
        let_go.wait()
        echo(stream)

    with linked(serve) as (near, _):
        stream = near.open()
        stream.send({"a": 1})
        with pytest.raises(TimeoutError):
            stream.receive(0.01)
        let_go.set()
        assert stream.receive() == {"a": 1}
        stream.close()


def test_whoever_waits_hears_that_the_link_is_down() -> None:
    """A request that was sent may have been heard; one that was not sent was not."""
    with linked(lambda stream: None) as (near, far):
        stream, late = near.open(), near.open()
        stream.send({})
        threading.Timer(0.05, far.close).start()
        with pytest.raises(LinkLostError, match="the other side ended") as lost:
            stream.receive()
        assert lost.value.sent
        with pytest.raises(LinkLostError) as unsent:
            late.send({})
        assert not unsent.value.sent
        with pytest.raises(LinkLostError):
            near.open()


def test_silence_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is gone closes nothing: it only says nothing more."""
    monkeypatch.setattr(links, "SILENCE_S", 0.3)
    reading, silent = os.pipe()
    unread, writing = os.pipe()
    link = Link(reading, writing)
    stream = link.open()
    with pytest.raises(LinkLostError, match="nothing was heard"):
        stream.receive()
    link.close()
    os.close(silent)
    os.close(unread)


def test_beats_keep_an_idle_link_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides say that they are there, whether anything is asked or not."""
    monkeypatch.setattr(links, "SILENCE_S", 1.0)
    monkeypatch.setattr(links, "BEAT_S", 0.02)
    with linked(echo) as (near, far):
        assert not threading.Event().wait(1.5)
        assert (near.why, far.why) == ("", "")


def test_what_is_no_frame_ends_the_link() -> None:
    """Something else printed: what it was is said."""
    reading, printing = os.pipe()
    unread, writing = os.pipe()
    link = Link(reading, writing)
    stream = link.open()
    os.write(printing, b"Broadcast message: the system is going down\n")
    with pytest.raises(LinkLostError, match="Broadcast"):
        stream.receive()
    link.close()
    os.close(printing)
    os.close(unread)


def test_frames_of_a_stream_that_was_closed_are_thrown_away() -> None:
    """An answer that nobody waits for any more disturbs nobody."""
    with linked(echo) as (near, far):
        near.write(Frame(Kind.WINDOW, 7, b"\0\0\0\1"))
        stream = near.open()
        stream.send({"a": 1})
        stream.close()
        other = near.open()
        other.send({"b": 2})
        assert other.receive() == {"b": 2}
        assert (near.why, far.why) == ("", "")
        other.close()
