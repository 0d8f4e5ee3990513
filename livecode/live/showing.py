"""The text of a value: its `repr`, in limited length; no more of a large container is looked at than is shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

MAX_CHARACTERS = 20_000


def shown(value: object) -> tuple[str, bool]:
    """The `repr` of a value, and whether it was cut. No more of a large container is looked at than is shown."""
    pieces, length = list[str](), 0
    for piece in _pieces(value, set()):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CHARACTERS:
            return "".join(pieces)[:MAX_CHARACTERS], True
    return "".join(pieces), False


_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), dict: ("{", "}")}


def _pieces(value: Any, above: set[int]) -> Iterator[str]:
    """The `repr` of a value, bit by bit where it is a container."""
    kind = type(value)
    if kind in (str, bytes) and len(value) > MAX_CHARACTERS:
        yield repr(value[: MAX_CHARACTERS + 1])
    elif kind not in _BRACKETS or not value or id(value) in above:
        yield repr(value)  # one that holds itself says so
    else:
        first, last = _BRACKETS[kind]
        yield first
        for number, item in enumerate(islice(value, MAX_CHARACTERS)):
            yield ", " if number else ""
            yield from _pieces(item, above | {id(value)})
            if kind is dict:
                yield ": "
                yield from _pieces(value[item], above | {id(value)})
        yield ",)" if kind is tuple and len(value) == 1 else last
