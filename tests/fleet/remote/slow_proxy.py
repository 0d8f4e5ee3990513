"""A TCP proxy on loopback that is as slow as a far network, and can be cut, for tests of what that does."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 1 << 14


class SlowProxy:
    """Passes bytes between its own port and another one, each a while later, and not more than so many a second.

    Args:
        port: Where it connects to, on 127.0.0.1.
        delay_s: How long a byte takes in one direction.
        bytes_per_s: How many pass in one direction.
    """

    def __init__(self, port: int, delay_s: float, bytes_per_s: float) -> None:
        self._target, self._delay_s, self._bytes_per_s = port, delay_s, bytes_per_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="slow-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        _end(self._listener)
        self._listener.close()
        self._thread.join()
        self.cut()

    def cut(self) -> None:
        """Ends all connections in the middle of whatever they do."""
        for one in self._open:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            threading.Thread(target=self._join, args=(client, server), daemon=True).start()

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        pairs = ((client, server), (server, client))
        threads = [threading.Thread(target=self._pass, args=pair, daemon=True) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        server.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        """One direction: what is read is due later, and who reads waits while too much is on its way."""
        due, changed = list[tuple[float, bytes]](), threading.Condition()

        def send() -> None:
            while True:
                with changed:
                    while not due:
                        changed.wait()
                    when, content = due.pop(0)
                time.sleep(max(when - time.monotonic(), 0.0))
                if not content:
                    _end(target)
                    return
                with suppress(OSError):
                    target.sendall(content)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        content = b"?"
        while content:
            try:
                content = source.recv(CHUNK_BYTES)
            except OSError:
                content = b""
            with changed:
                due.append((time.monotonic() + self._delay_s, content))
                changed.notify()
            time.sleep(len(content) / self._bytes_per_s)
        sender.join()
        _end(source)


def _end(one: socket.socket) -> None:
    with suppress(OSError):  # the other side was first
        one.shutdown(socket.SHUT_RDWR)
