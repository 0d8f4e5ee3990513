"""How heads and reports lie in stores that keep plain bytes.

head       packed "GENERATION BEFORE\\nTEXT"; BEFORE is the generation that it replaced, 0 if none
report     "KEY\\nTEXT", the key as JSON
"""

from __future__ import annotations

import json
from collections.abc import Callable

from livecode.fleet.store import Head
from livecode.fleet.stores.packing import pack, unpack
from livecode.fleet.stores.place import Place


def head_record(head: Head, before: int) -> bytes:
    """What to keep of a head that replaces that of generation `before`."""
    return pack(f"{head.generation} {before}\n{head.text}".encode())


def read_head(place: Place, record: bytes) -> tuple[Head, int]:
    """The head that was kept, and the generation that it replaced.

    Raises:
        StoreError: livecode did not write this.
    """
    try:
        numbers, _, text = (unpack(record) or b"").decode().partition("\n")
        generation, before = numbers.split()
        return Head(int(generation), text), int(before)
    except ValueError:
        raise place.refusing(
            "the head there was not written by livecode", "remove it, or give the URL of another store"
        ) from None


def report_record(key: str, text: str) -> bytes:
    """What to keep of what a worker says."""
    return f"{json.dumps(key)}\n{text}".encode()


def read_report(record: bytes) -> tuple[str, str] | None:
    """The key and the text of a report that was kept; None if livecode did not write this."""
    key, _, text = record.decode(errors="replace").partition("\n")
    try:
        return str(json.loads(key)), text
    except ValueError:
        return None


def read_history(
    place: Place, newest: bytes | None, older: Callable[[int], bytes | None], limit: int
) -> tuple[Head, ...]:
    """The heads from the newest on, each followed by the one that it replaced, as far as they were kept.

    Args:
        older: What was kept of the head of that generation.

    Raises:
        StoreError: livecode did not write this.
    """
    heads: list[Head] = []
    record, expected = newest, None
    while record is not None and len(heads) < limit:
        head, before = read_head(place, record)
        if expected is not None and head.generation != expected:
            break  # it is of an earlier life of the store
        heads.append(head)
        record, expected = (older(before) if before else None), before
    return tuple(heads)
