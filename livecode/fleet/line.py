"""A connection to a door that is kept from one request to the next: a push is several, and each new one costs a
worker an accept and a thread, which it must get from a busy interpreter."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from typing import Any

from livecode.errors import LivecodeError
from livecode.fleet import wire

RETRY_S = 0.01


class Line:
    """The way to one door. Requests of several threads at once go over connections of their own.

    Args:
        path: The socket's path.
    """

    __slots__ = ("_connection", "_frames", "_lock", "_owed", "_pid", "path")

    def __init__(self, path: str) -> None:
        self.path, self._lock = path, threading.Lock()
        self._connection: socket.socket | None = None
        self._frames: wire.Frames | None = None
        self._owed = 0  # answers that nobody waits for and that have not been read
        self._pid = 0

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def exchange(self, request: dict[str, Any], answer_s: float) -> dict[str, Any] | None:
        """The answer to a request; None if the other side closed without one.

        Raises:
            ConnectionRefusedError, FileNotFoundError: Nobody listens there: the request was not sent.
            TimeoutError: No answer came in time.
            OSError: The other side went away.
            ProtocolError: What came is no message.
        """
        if not self._lock.acquire(blocking=False):
            with knock(self.path, answer_s) as connection:
                wire.send(connection, request, answer_s)
                return wire.receive(connection, answer_s, answer_s)
        try:
            connection = self._open(answer_s)
            wire.send(connection, request, answer_s)
            answer = self._next(answer_s)
            if answer is None:
                self._drop()
            return answer
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def tell(self, request: dict[str, Any], send_s: float) -> None:
        """Sends a request whose answer nobody needs; where that is not possible, nothing is sent."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            wire.send(self._open(send_s), request, send_s)
            self._owed += 1
        except (OSError, LivecodeError):
            self._drop()
        finally:
            self._lock.release()

    def is_open(self) -> bool:
        """True if somebody answered over this connection and has not hung up: the worker is there."""
        with self._lock:
            return self._is_good()

    def _open(self, answer_s: float) -> socket.socket:
        if self._is_good():
            self._read_owed(answer_s)
        if self._connection is None or not self._is_good():
            self._drop()
            self._connection, self._pid = knock(self.path, answer_s), os.getpid()
            self._frames = wire.Frames(self._connection)
        return self._connection

    def _is_good(self) -> bool:
        """True if the connection is this process's own, and the other side has not hung up."""
        if self._connection is None or self._pid != os.getpid():
            return False
        try:
            self._connection.setblocking(False)
            waiting = self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return waiting != b"" and self._owed > 0 and not _has_hung_up(self._connection)

    def _read_owed(self, answer_s: float) -> None:
        while self._owed and self._connection is not None:
            try:
                found = self._next(answer_s)
            except (OSError, LivecodeError):
                found = None
            self._owed -= 1
            if found is None:
                self._drop()

    def _next(self, answer_s: float) -> dict[str, Any] | None:
        return None if self._frames is None else self._frames.next(answer_s, answer_s)

    def _drop(self) -> None:
        connection, self._connection, self._frames, self._owed = self._connection, None, None, 0
        if connection is not None:
            connection.close()


def _has_hung_up(connection: socket.socket) -> bool:
    """True if the other side is gone, though what it said last may not have been read yet."""
    asked = select.poll()
    asked.register(connection, 0)  # a hang-up is told unasked
    return bool(asked.poll(0))


def knock(path: str, timeout_s: float) -> socket.socket:
    """A connection to the door at `path`.

    Raises:
        ConnectionRefusedError, FileNotFoundError: Nobody listens there.
        TimeoutError: Somebody does, and does not look up.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(path)
        except BlockingIOError:  # its queue is full: unix(7), EAGAIN
            connection.close()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the queue at {path} stays full") from None
            time.sleep(RETRY_S)
        except BaseException:
            connection.close()
            raise
        else:
            return connection
