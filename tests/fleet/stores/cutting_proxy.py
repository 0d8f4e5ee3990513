"""A TCP proxy on loopback that cuts connections, for tests of what a broken network does.

with CuttingProxy(server.port) as proxy:
    connect_to(proxy.port)
    proxy.cut(refuse_s=2.0)
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 1 << 16


class CuttingProxy:
    """Passes bytes between its own port and another one, until it is told to cut.

    Args:
        port: Where it connects to, on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._refuse_until = 0.0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept, name="cutting-proxy", daemon=True)

    def cut(self, refuse_s: float = 0.0) -> None:
        """Ends all connections in the middle of whatever they do, and hangs up on new ones for that long."""
        with self._lock:
            self._refuse_until = time.monotonic() + refuse_s
            self.cuts += 1
            for one in self._open:
                _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            self._join(client)

    def _join(self, client: socket.socket) -> None:
        with self._lock:
            if time.monotonic() < self._refuse_until:
                client.close()
                return
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self._lock:
            self._open |= {client, server}
        threads = [
            threading.Thread(target=_pass, args=pair, daemon=True) for pair in ((client, server), (server, client))
        ]
        for thread in threads:
            thread.start()
        threading.Thread(target=self._close, args=(client, server, threads), daemon=True).start()

    def _close(self, client: socket.socket, server: socket.socket, threads: list[threading.Thread]) -> None:
        """Closes both ends when neither is read any more: a number must not be given to another socket before."""
        for thread in threads:
            thread.join()
        with self._lock:
            self._open -= {client, server}
            client.close()
            server.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self._listener)
        self._listener.close()
        self._thread.join(10)
        self.cut()


def _pass(source: socket.socket, target: socket.socket) -> None:
    """Passes on what comes from one end until it ends, and ends the other then."""
    try:
        while content := source.recv(CHUNK_BYTES):
            target.sendall(content)
    except OSError:
        pass
    finally:
        _end(source)
        _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):  # the other side was first
        one.shutdown(socket.SHUT_RDWR)
