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


def receive(connection: socket, idle_s: float, frame_s: float) -> dict[str, Any] | None:
    """The next message, or None if the other side has closed between two.

    Args:
        idle_s: How long to wait for the first byte.
        frame_s: How long the whole frame may take from then on.

    Raises:
        ProtocolError: What came is no message.
        OSError: The other side is gone in the middle of a frame, or took too long.
    """
    connection.settimeout(idle_s)
    if not (first := connection.recv(1)):
        return None
    deadline = time.monotonic() + frame_s
    header = first + _read(connection, HEADER_BYTES - 1, deadline)
    size = int.from_bytes(header, "big")
    _check_size(size)
    return decode(_read(connection, size, deadline))


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


def _read(connection: socket, size: int, deadline: float) -> bytes:
    """Exactly `size` bytes; memory grows with what arrives, not with what was announced."""
    parts = bytearray()
    while len(parts) < size:
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError(f"only {len(parts)} of {size} bytes of a frame came in time")
        connection.settimeout(left)
        if not (part := connection.recv(min(size - len(parts), CHUNK_BYTES))):
            raise ConnectionResetError(f"closed after {len(parts)} of {size} bytes of a frame")
        parts += part
    return bytes(parts)
