"""Calls to a server over HTTP, on one connection that is kept, which the threads of a process take turns on."""

from __future__ import annotations

import http.client
import select
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    body: bytes
    content_type: str


class HttpCalls:
    """A connection to a server. It is made when it is first needed, and again after every fault.

    Args:
        advice: What a person can do when the server does not answer.
    """

    def __init__(self, place: Place, address: tuple[str, int], advice: str) -> None:
        self.place, self.address, self._advice = place, address, advice
        self._connection: http.client.HTTPConnection | None = None
        self._turn = threading.Lock()
        self._closed = False

    def call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever its status.

        Raises:
            StoreError: There is none.
        """
        with self._turn:
            if self._closed:
                raise self.place.closed()
            try:
                connection = self._connected()
                connection.request(method, path, body, dict(headers))
                response = connection.getresponse()
                return Answer(response.status, response.read(), response.getheader("Content-Type") or "")
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                raise self.place.unreachable(error, self._advice) from error

    def close(self) -> None:
        """Lets the connection go."""
        with self._turn:
            self._closed = True
            self._hang_up()

    def _connected(self) -> http.client.HTTPConnection:
        """The connection; a new one if the server ended the last one, as it does with idle ones."""
        if self._connection is not None and self._connection.sock is not None:
            readable = select.poll()
            readable.register(self._connection.sock, select.POLLIN)
            if not readable.poll(0):
                return self._connection
        self._hang_up()
        self._connection = http.client.HTTPConnection(*self.address, timeout=CONNECT_S)
        self._connection.connect()
        self._connection.sock.settimeout(ANSWER_S)
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
