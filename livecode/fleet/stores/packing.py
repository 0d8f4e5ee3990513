"""How bytes lie in a store: compressed where that pays, and in pieces where a store takes only small values.

packed     b"\\x00" + the bytes, or b"\\x01" + zlib
pieces     a packed text cut to size; the store keeps their number with the first
"""

from __future__ import annotations

import zlib

PLAIN, DEFLATED = b"\x00", b"\x01"
WORTH_BYTES = 1024
"""Less than this is not compressed: nothing would be saved."""

MAX_BYTES = 64 << 20
"""What is larger than this when it is unpacked was not written by livecode."""


def pack(content: bytes) -> bytes:
    """What to keep in place of these bytes."""
    if len(content) > WORTH_BYTES:
        smaller = zlib.compress(content, 1)
        if len(smaller) < len(content):
            return DEFLATED + smaller
    return PLAIN + content


def unpack(packed: bytes) -> bytes | None:
    """The bytes that were packed, or None if these were not: another program wrote them, or they are torn."""
    kind, body = packed[:1], packed[1:]
    if kind == PLAIN:
        return body
    if kind != DEFLATED:
        return None
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(body, MAX_BYTES)
    except zlib.error:
        return None
    return content if inflate.eof else None


def cut(content: bytes, piece_bytes: int) -> tuple[bytes, ...]:
    """The pieces of a text, one at least, each of that size at most."""
    return tuple(content[at : at + piece_bytes] for at in range(0, max(len(content), 1), piece_bytes))
