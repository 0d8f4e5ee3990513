r"""Many streams in one, with flow control. Pure: bytes in, frames out.

    magic     "\n\0livecode relay\0"   once, from the far side, before its first frame: what a login printed ends here
    frame     kind (1 byte), stream (4), length (4), big-endian, and so many bytes

    HELLO     who speaks here, as JSON; the first frame of each side, on stream 0
    OPEN      a stream of that number begins
    DATA      bytes of a stream
    WINDOW    so many more bytes may be sent on that stream (4 bytes)
    END       nothing more comes on that stream
    STOP      whoever works for that stream shall stop, as with Ctrl-C
    BEAT      the other side is there; on stream 0

Who sends starts with a window of `WINDOW_BYTES` a stream and waits when it is used up, so that neither a large push nor
somebody who does not read holds up the others, or fills the memory of the other side. The near side opens streams, and
uses no number again. Source of the scheme: RFC 4254, 5.2 (windows of SSH channels).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from livecode.errors import ProtocolError

MAGIC = b"\n\0livecode relay\0"
MAX_NOISE_BYTES = 1 << 16
"""What a login may print before the magic."""

WINDOW_BYTES = 1 << 20
PIECE_BYTES = 1 << 15
"""What one DATA frame holds at most: others get their turn between two."""
MAX_FRAME_BYTES = 1 << 18

_HEADER = struct.Struct(">BII")


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    OPEN = 2
    DATA = 3
    WINDOW = 4
    END = 5
    STOP = 6
    BEAT = 7


_KINDS = frozenset(map(int, Kind))


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    stream: int = 0
    body: bytes = b""

    def encode(self) -> bytes:
        """As it is sent."""
        return _HEADER.pack(self.kind, self.stream, len(self.body)) + self.body


def greeting(speaker: Mapping[str, Any]) -> Frame:
    """Says who speaks here."""
    return Frame(Kind.HELLO, 0, json.dumps(speaker).encode("ascii"))


def window(stream: int, more_bytes: int) -> Frame:
    """Allows the other side that many bytes more."""
    return Frame(Kind.WINDOW, stream, struct.pack(">I", more_bytes))


def allowed(frame: Frame) -> int:
    """How many bytes more a WINDOW frame allows.

    Raises:
        ProtocolError: It does not say it.
    """
    if len(frame.body) != 4:
        raise ProtocolError(f"a window frame of {len(frame.body)} bytes")
    return int.from_bytes(frame.body, "big")


class MagicSearch:
    """Finds the magic in what arrives.

    Attributes:
        noise: What came before it.
    """

    def __init__(self) -> None:
        self.noise = b""

    def feed(self, data: bytes) -> bytes | None:
        """What came after the magic; None as long as it has not come.

        Raises:
            ProtocolError: There was too much before it.
        """
        self.noise += data
        before, magic, after = self.noise.partition(MAGIC)
        if magic:
            self.noise = before
            return after
        if len(self.noise) > MAX_NOISE_BYTES + len(MAGIC):
            raise ProtocolError(f"{MAX_NOISE_BYTES >> 10} KiB came, and nothing of it is from a relay")
        return None


class Decoder:
    """Frames from what arrives in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now.

        Raises:
            ProtocolError: What came is no frame: nobody knows where the next one starts.
        """
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            number, stream, size = _HEADER.unpack_from(self._buffer)
            if number not in _KINDS or size > MAX_FRAME_BYTES:
                raise ProtocolError(f"no frame begins with {bytes(self._buffer[:16])!r}: something else was printed")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield Frame(Kind(number), stream, body)


@dataclass(slots=True)
class Credit:
    """How many bytes may be sent on a stream."""

    left: int = WINDOW_BYTES

    def take(self, wanted: int) -> int:
        """How many of `wanted` bytes may be sent now, in one frame; 0 is a reason to wait."""
        taken = min(wanted, self.left, PIECE_BYTES)
        self.left -= taken
        return taken

    def add(self, more: int) -> None:
        """The other side has read something."""
        self.left += more


@dataclass(slots=True)
class Debt:
    """How many bytes the other side has sent on a stream that were not allowed anew since."""

    unread: int = 0
    read: int = 0

    def arrived(self, size: int) -> None:
        """Bytes came.

        Raises:
            ProtocolError: More than were allowed.
        """
        self.unread += size
        if self.unread + self.read > WINDOW_BYTES:
            raise ProtocolError(f"{self.unread + self.read} bytes on one stream, and {WINDOW_BYTES} are allowed")

    def consumed(self, size: int) -> int:
        """Bytes were read; how many more may be sent now. It is 0 until half a window has been read."""
        self.unread, self.read = self.unread - size, self.read + size
        if self.read < WINDOW_BYTES // 2:
            return 0
        more, self.read = self.read, 0
        return more
