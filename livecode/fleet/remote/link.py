"""Two file descriptors as many streams of messages: the threads that read and write, the same on both sides.

    reader     one thread: frames come in, go to their streams, and it never waits for anybody who reads or writes
    beater     one thread: says that this side is there
    writers    whoever sends: a frame at a time, so that others get their turn

A link is up until its other side closes it, sends what is no frame, or is silent for `SILENCE_S`, although it beats
every `BEAT_S`. Then every stream says so to whoever waits on it.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from livecode.errors import ProtocolError, WorkerLostError
from livecode.fleet import wire
from livecode.fleet.remote.frames import Credit, Debt, Decoder, Frame, Kind, allowed, window

BEAT_S = 10.0
SILENCE_S = 45.0
READ_BYTES = 1 << 16
MAX_STREAMS = 64
_LOOK_S = 1.0
"""How often who cannot write looks whether the link is still up."""


class LinkLostError(WorkerLostError):
    """The link to a relay is down.

    Attributes:
        sent: True if all of a request was on its way: the other side may have it.
    """

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Stream:
    """One of the streams of a link: messages in both directions. One thread sends and receives.

    Attributes:
        number: Its number.
        stopped: Not empty when the other side wants whoever works for it to stop, as with Ctrl-C.
    """

    def __init__(self, link: Link, number: int) -> None:
        self.number, self.stopped = number, list[int]()
        self._link, self._credit, self._debt = link, Credit(), Debt()
        self._arrived, self._message, self._ended = bytearray(), bytearray(), False
        self._changed = threading.Condition()

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message, and waits where the other side must read first.

        Raises:
            ProtocolError: It is too large, or is no JSON.
            LinkLostError: The link is down, and the other side cannot have all of the message.
        """
        left = memoryview(wire.encode(message))
        while left:
            size = self._take_credit(len(left))
            self._link.write(Frame(Kind.DATA, self.number, bytes(left[:size])))
            left = left[size:]

    def receive(self, wait_s: float | None = None) -> dict[str, Any] | None:
        """The next message; None where the other side has ended the stream.

        Raises:
            TimeoutError: It is not there after `wait_s`; it may be received later.
            LinkLostError: The link is down.
            ProtocolError: What came is no message.
        """
        deadline = None if wait_s is None else time.monotonic() + wait_s
        while len(self._message) < (size := self._message_size()):
            if not (piece := self._take_arrived(deadline)):
                return None
            self._message += piece
            if more := self._debt.consumed(len(piece)):
                self._link.write(window(self.number, more))
        body = bytes(self._message[wire.HEADER_BYTES : size])
        del self._message[:size]
        return wire.decode(body)

    def stop(self) -> None:
        """Asks whoever works for it on the other side to stop, as with Ctrl-C."""
        self._link.say(Frame(Kind.STOP, self.number))

    def close(self) -> None:
        """Nothing more is sent or received."""
        self._link.forget(self)
        self._link.say(Frame(Kind.END, self.number))

    def took(self, frame: Frame) -> None:
        """A frame of this stream came: in the reader's thread, which must not wait.

        Raises:
            ProtocolError: It may not come.
        """
        with self._changed:
            match frame.kind:
                case Kind.DATA:
                    self._debt.arrived(len(frame.body))
                    self._arrived += frame.body
                case Kind.WINDOW:
                    self._credit.add(allowed(frame))
                case Kind.END:
                    self._ended = True
                case Kind.STOP:
                    self.stopped.append(frame.stream)
                case Kind.HELLO | Kind.OPEN | Kind.BEAT:
                    pass
            self._changed.notify_all()

    def link_is_down(self) -> None:
        """Whoever waits hears of it."""
        with self._changed:
            self.stopped.append(0)
            self._changed.notify_all()

    def _message_size(self) -> int:
        """Bytes of the message that begins; of its header as long as that is not here."""
        if len(self._message) < wire.HEADER_BYTES:
            return wire.HEADER_BYTES
        size = int.from_bytes(self._message[: wire.HEADER_BYTES], "big")
        if size > wire.MAX_FRAME_BYTES:
            raise ProtocolError(f"a message of {size} bytes: at most {wire.MAX_FRAME_BYTES >> 20} MiB are accepted")
        return wire.HEADER_BYTES + size

    def _take_credit(self, wanted: int) -> int:
        with self._changed:
            while not (taken := self._credit.take(wanted)):
                self._link.must_be_up(sent=False)
                if self._ended:
                    raise LinkLostError("the other side reads no more", sent=False)
                self._changed.wait()
            return taken

    def _take_arrived(self, deadline: float | None) -> bytes:
        """What has arrived, as soon as something has; nothing if the stream has ended."""
        with self._changed:
            while not self._arrived:
                if self._ended:
                    return b""
                self._link.must_be_up(sent=True)
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError("no message in time")
                self._changed.wait(left)
            piece = bytes(self._arrived)
            self._arrived.clear()
            return piece


class Link:
    """The streams between two processes. It owns both descriptors from now on.

    Args:
        reading: What the other side writes.
        writing: What the other side reads.
        opened: Called in the reader's thread with each stream that the other side opens; it must not wait. None where
            only this side opens streams.
        first: What was read already.
    """

    def __init__(
        self, reading: int, writing: int, opened: Callable[[Stream], None] | None = None, first: bytes = b""
    ) -> None:
        self._reading, self._writing, self._opened, self._first = reading, writing, opened, first
        self._streams, self._newest = dict[int, Stream](), 0
        self._lock, self._write_lock = threading.Lock(), threading.Lock()
        self._why, self._is_down = "", threading.Event()
        self._greeting: dict[str, Any] | None = None
        self._greeted = threading.Event()
        os.set_blocking(writing, False)
        tasks = (("livecode-link", self._read), ("livecode-beat", self._beat))
        self._threads = [threading.Thread(target=task, name=name, daemon=True) for name, task in tasks]
        for thread in self._threads:
            thread.start()

    @property
    def why(self) -> str:
        """Why it is down; empty while it is up."""
        return self._why

    def greeting(self, wait_s: float) -> dict[str, Any]:
        """Who speaks on the other side.

        Raises:
            LinkLostError: It is down, or silent for that long.
        """
        if not self._greeted.wait(wait_s) or self._greeting is None:
            raise LinkLostError(self._why or f"it did not say who it is within {wait_s:g} s", sent=False)
        return self._greeting

    def open(self) -> Stream:
        """A new stream.

        Raises:
            LinkLostError: The link is down.
        """
        with self._lock:
            self._newest += 1
            stream = self._streams[self._newest] = Stream(self, self._newest)
        self.write(Frame(Kind.OPEN, stream.number))
        return stream

    def forget(self, stream: Stream) -> None:
        """What still comes on that stream is thrown away."""
        with self._lock:
            self._streams.pop(stream.number, None)

    def must_be_up(self, *, sent: bool) -> None:
        """Passes while it is.

        Raises:
            LinkLostError: It is not.
        """
        if self._why:
            raise LinkLostError(self._why, sent=sent)

    def write(self, frame: Frame) -> None:
        """Sends a frame.

        Raises:
            LinkLostError: The link is down; the other side cannot have all of the frame.
        """
        left = memoryview(frame.encode())
        with self._write_lock:
            while left:
                self.must_be_up(sent=False)
                try:
                    left = left[os.write(self._writing, left) :]
                except BlockingIOError:
                    _poll(self._writing, select.POLLOUT, _LOOK_S)
                except OSError as error:
                    self.down(f"it was closed ({error.strerror})")

    def say(self, frame: Frame) -> None:
        """Sends a frame that is not missed where the link is down."""
        try:
            self.write(frame)
        except LinkLostError:
            return

    def down(self, why: str) -> None:
        """The link is down from now on; what was first said of why holds."""
        with self._lock:
            if self._why:
                return
            self._why, streams = why, list(self._streams.values())
        self._is_down.set()
        self._greeted.set()
        for stream in streams:
            stream.link_is_down()

    def close(self) -> None:
        """Ends it: the other side reads that nothing more comes."""
        self.down("it was closed here")
        with self._write_lock:
            if self._writing >= 0:
                os.close(self._writing)
                self._writing = -1

    def join(self, wait_s: float) -> None:
        """Returns when its threads have ended, which they do when it is closed and the other side has ended.

        Args:
            wait_s: For how long each is waited for: somebody may hold the other end open.
        """
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(wait_s)

    def abandon(self) -> None:
        """In a forked child: its descriptors are the parent's; its threads are not here, and a lock may be held."""
        for descriptor in (self._reading, self._writing):
            os.close(descriptor)

    def wait(self) -> None:
        """Returns when it is down."""
        self._is_down.wait()

    def _read(self) -> None:
        why, decoder = "the other side ended", Decoder()
        try:
            for data in self._pieces():
                for frame in decoder.feed(data):
                    self._took(frame)
        except (ProtocolError, ValueError) as error:
            why = str(error)
        except OSError as error:
            why = error.strerror or str(error)
        finally:
            self.down(why)
            os.close(self._reading)

    def _pieces(self) -> Iterator[bytes]:
        """What comes, as it comes.

        Raises:
            TimeoutError: The other side is silent.
        """
        yield self._first
        while _poll(self._reading, select.POLLIN, SILENCE_S):
            if not (data := os.read(self._reading, READ_BYTES)):
                return
            yield data
        raise TimeoutError(f"nothing was heard for {SILENCE_S:g} s")

    def _took(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.BEAT:
                return
            case Kind.HELLO:
                self._greeting = wire.decode(frame.body)
                self._greeted.set()
            case Kind.OPEN:
                if self._opened is None:
                    raise ProtocolError("the other side opened a stream, which is for this side to do")
                with self._lock:
                    stream = self._streams[frame.stream] = Stream(self, frame.stream)
                self._opened(stream)
            case Kind.DATA | Kind.WINDOW | Kind.END | Kind.STOP:
                if (known := self._streams.get(frame.stream)) is not None:  # others are of streams that were closed
                    known.took(frame)

    def _beat(self) -> None:
        while not self._is_down.wait(BEAT_S):
            self.say(Frame(Kind.BEAT))


def _poll(descriptor: int, event: int, wait_s: float) -> bool:
    """True as soon as a descriptor is ready, or broken, which reading or writing it then tells."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(wait_s * 1000))
