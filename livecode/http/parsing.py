"""Bodies and query strings as plain values; whatever is not quite right is refused. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote_to_bytes

from livecode.http.exchange import Problem
from livecode.http.schemas import check

if TYPE_CHECKING:
    from livecode.model.schema import Schema

MAX_DEPTH = 16
"""Of lists and objects in a body; what is accepted needs three."""

MAX_DIGITS = 400
"""Of a number: more makes a `float` endless, and an `int` slow."""

_MARKS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|([\[{])|([\]}])', re.DOTALL)


def parse_json(body: bytes) -> Any:
    """The value that a JSON text stands for; an empty one for an empty object.

    Raises:
        Problem: It is not UTF-8, no JSON, nested too deeply, says a name twice, or has a number that is none.
    """
    if not body.strip():
        return {}
    _must_be_flat(body)
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_int=_int,
            parse_float=_float,
        )
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8: byte {error.start}", "send JSON in UTF-8", "/") from error
    except json.JSONDecodeError as error:
        what = f"the body is not JSON: {error.msg}, line {error.lineno} column {error.colno}"
        raise Problem(400, what, "send one JSON object", "/") from error


def parse_query(raw: bytes, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The values of a query string by these schemas, as numbers where those say so.

    Raises:
        Problem: A parameter is not known, given twice, or not what its schema says.
    """
    values: dict[str, Any] = {}
    for name, value in parameters(raw):
        where = f"query {name[:40]}"
        if name not in schemas:
            known = f"known are: {', '.join(schemas)}" if schemas else "none is known here"
            raise Problem(400, f"there is no such query parameter; {known}", "leave it out", where)
        if name in values:
            raise Problem(400, "it is given twice", "give it once", where)
        values[name] = _number(value) if schemas[name]["type"] == "integer" else value
        try:
            check(schemas[name], values[name])
        except Problem as problem:
            raise Problem(400, problem.detail, problem.way_out, where) from None
    return values


def parameters(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string. What is not UTF-8 becomes a character that fits nowhere."""
    pairs = [part.partition(b"=") for part in raw.split(b"&") if part]
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def _number(text: str) -> Any:
    """The number that is written; the text itself if none is, which no schema of a number accepts."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) else text


def _must_be_flat(body: bytes) -> None:
    """Refuses what is nested too deeply, before anything recurses into it."""
    depth = 0
    for found in _MARKS.finditer(body):
        if found[1]:
            depth += 1
            if depth > MAX_DEPTH:
                raise Problem(400, f"lists and objects are nested more than {MAX_DEPTH} deep", "send less", "/")
        elif found[2]:
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f"{twice[:60]!r} is in one object twice", "say it once", "/")
    return values


def _no_number(text: str) -> NoReturn:
    raise Problem(400, f"{text} is no number in JSON", "", "/")


def _int(text: str) -> int:
    return int(_not_too_long(text))


def _float(text: str) -> float:
    value = float(_not_too_long(text))
    if value in (float("inf"), float("-inf")):
        raise Problem(400, "a number is larger than any that can be", "", "/")
    return value


def _not_too_long(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise Problem(400, f"a number has {len(text)} digits", "", "/")
    return text
