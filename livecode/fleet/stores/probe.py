"""One question to a server, asked again and again over one connection, as cheaply as Python can: a worker asks ten
times a second for as long as it lives, and a client's own parsing would be most of what that costs.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place

CHUNK_BYTES = 4096


class Probe:
    """A connection on which one question is asked.

    Args:
        question: The bytes of the question.
        is_whole: Whether these bytes are all of an answer.
        advice: What a person can do when there is none.
    """

    def __init__(
        self, place: Place, address: tuple[str, int], question: bytes, is_whole: Callable[[bytes], bool], advice: str
    ) -> None:
        self._place, self._question, self._is_whole, self._advice = place, question, is_whole, advice
        self._lock = threading.Lock()
        try:
            self._socket = socket.create_connection(address, timeout=CONNECT_S)
            self._socket.settimeout(None)
            # The kernel keeps the time: with a timeout of Python's, each call to it would become two.
            limit = struct.pack("@ll", int(ANSWER_S), 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise place.unreachable(error, advice) from error

    def ask(self) -> bytes:
        """The answer.

        Raises:
            StoreError: There is none; this probe is of no use any more.
        """
        with self._lock:
            try:
                self._socket.sendall(self._question)
                answer = self._socket.recv(CHUNK_BYTES)
                while answer and not self._is_whole(answer):
                    more = self._socket.recv(CHUNK_BYTES)
                    answer = answer + more if more else b""
            except OSError as error:
                raise self._place.unreachable(error, self._advice) from error
        if not answer:
            raise self._place.unreachable("it hung up", self._advice)
        return answer

    def close(self) -> None:
        """Lets the connection go."""
        with self._lock:
            self._socket.close()
