"""What is said through a door: frames of four bytes of length, big-endian, and that much JSON.

    request   {"protocol": 2, "op": "push", ...}
    answer    {"protocol": 2, "answer": ...}
    or        {"protocol": 2, "error": {"kind": "protocol" | "usage" | "fault", "message": "..."}}

JSON stays within ASCII, so that source with lone surrogates travels too. A frame counts as received when all of it
has arrived before its deadline, however slowly it drips in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from livecode.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

MAX_FRAME_BYTES = 64 << 20
HEADER_BYTES = 4
CHUNK_BYTES = 1 << 18


def send(connection: socket, message: Mapping[str, Any], timeout_s: float) -> None:
    """Send one frame.

    Raises:
        ProtocolError: The message is too large, or is no JSON.
        OSError: The other side is gone, or did not read within the time.
    """
    frame = encode(message)
    connection.settimeout(timeout_s)
    connection.sendall(frame)


def encode(message: Mapping[str, Any]) -> bytes:
    """The frame of a message.

    Raises:
        ProtocolError: It is too large, or is no JSON.
    """
    try:
        body = json.dumps(message).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"this cannot be sent as JSON: {error}") from error
    _check_size(len(body))
    return len(body).to_bytes(HEADER_BYTES, "big") + body


class Frames:
    """The messages that come in over one connection.

    What has arrived is read at once: each call that waits costs a thread of a busy interpreter its turn.
    """

    def __init__(self, connection: socket) -> None:
        self._connection, self._arrived = connection, bytearray()

    def next(self, idle_s: float, frame_s: float) -> dict[str, Any] | None:
        """The next message, or None if the other side has closed between two.

        Args:
            idle_s: How long to wait for the first byte.
            frame_s: How long the whole frame may take from then on.

        Raises:
            ProtocolError: What came is no message.
            OSError: The other side is gone in the middle of a frame, or took too long.
        """
        if not self._arrived:
            self._read_more(idle_s)
            if not self._arrived:
                return None
        deadline = time.monotonic() + frame_s
        self._fill(HEADER_BYTES, deadline)
        size = int.from_bytes(self._arrived[:HEADER_BYTES], "big")
        _check_size(size)
        self._fill(HEADER_BYTES + size, deadline)
        body = bytes(self._arrived[HEADER_BYTES : HEADER_BYTES + size])
        del self._arrived[: HEADER_BYTES + size]
        return decode(body)

    def _fill(self, size: int, deadline: float) -> None:
        while (there := len(self._arrived)) < size:
            if (left := deadline - time.monotonic()) <= 0:
                raise TimeoutError(f"only {there} of {size} bytes of a frame came in time")
            self._read_more(left)
            if len(self._arrived) == there:
                raise ConnectionResetError(f"closed after {there} of {size} bytes of a frame")

    def _read_more(self, timeout_s: float) -> None:
        self._connection.settimeout(timeout_s)
        self._arrived += self._connection.recv(CHUNK_BYTES)


def receive(connection: socket, idle_s: float, frame_s: float) -> dict[str, Any] | None:
    """The one message that comes in over a connection; see `Frames.next`. What comes after it is lost."""
    return Frames(connection).next(idle_s, frame_s)


def decode(body: bytes) -> dict[str, Any]:
    """The message in the body of a frame.

    Raises:
        ProtocolError: It is not a JSON object.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame of {len(body)} bytes is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"a frame must hold a JSON object, and this one holds a {type(message).__name__}")
    return message


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {size} bytes: at most {MAX_FRAME_BYTES >> 20} MiB are accepted")
