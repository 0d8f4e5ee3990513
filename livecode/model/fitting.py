"""Whether a value from JSON fits a schema: as much of JSON Schema as is used here, no other words. Pure.

What is published is what is enforced. The library for it (jsonschema) takes over a second to import where its checkers
of formats are installed, as Jupyter does it, and those who ask wait for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from livecode.model.schema import Schema

Found: TypeAlias = tuple[str, str] | None
"""Where, and what is wrong there."""


def misfit(schema: Schema, value: Any, where: str = "") -> Found:
    """What does not fit, and where; None if all does.

    Args:
        schema: In which "type" stands first: the other words may rely on it.
        value: From JSON.
        where: Its place, as a JSON pointer (RFC 6901).
    """
    for word, wanted in schema.items():
        if word in _CHECKS and (found := _CHECKS[word](wanted, value, where, schema)):
            return found
    return None


def _type(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    if not any(_is(kind, value) for kind in kinds):
        return where, f"expected {' or '.join(_WORDS[kind] for kind in kinds)}, got {_named(value)}"
    if isinstance(value, str) and not _is_text(value):
        return where, "the text holds a lone surrogate, which is no character"
    return None


def _properties(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    for name, schema in wanted.items():
        if name in value and (found := misfit(schema, value[name], f"{where}/{_pointed(name)}")):
            return found
    return None


def _required(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    missing = next((name for name in wanted if name not in value), None)
    return (where, f"{missing!r} is missing") if missing else None


def _additional(wanted: Any, value: Any, where: str, schema: Schema) -> Found:
    known = schema.get("properties", {})
    for name in value:
        if name in known:
            continue
        if wanted is False:
            from difflib import get_close_matches

            close = get_close_matches(name[:40], known, 1)
            meant = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"
            return where, f"{_short(name)} is not known here; {meant}"
        if found := misfit(wanted, value[name], f"{where}/{_pointed(name)}"):
            return found
    return None


def _names(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    for name in value:
        if found := misfit(wanted, name, where):
            return where, f"the name {_short(name)}: {found[1]}"
    return None


def _items(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    return next((found for i, each in enumerate(value) if (found := misfit(wanted, each, f"{where}/{i}"))), None)


def _unique(_wanted: Any, value: Any, where: str, _: Schema) -> Found:
    """For lists of text, whose items are checked before."""
    if len(set(value)) == len(value):
        return None
    return where, f"{_short(next(each for each in value if value.count(each) > 1))} is in it twice"


def _pattern(wanted: Any, value: Any, where: str, schema: Schema) -> Found:
    if re.fullmatch(wanted, value):
        return None
    return where, f"expected {schema.get('description', wanted)}"


def _at_least(size: Callable[[Any], Any], unit: str) -> Callable[[Any, Any, str, Schema], Found]:
    def checked(wanted: Any, value: Any, where: str, _: Schema) -> Found:
        return (where, f"expected at least {wanted}{unit}, got {size(value)}") if size(value) < wanted else None

    return checked


def _at_most(size: Callable[[Any], Any], unit: str) -> Callable[[Any, Any, str, Schema], Found]:
    def checked(wanted: Any, value: Any, where: str, _: Schema) -> Found:
        return (where, f"expected at most {wanted}{unit}, got {size(value)}") if size(value) > wanted else None

    return checked


def _above(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    return (where, f"expected more than {wanted}, got {value}") if value <= wanted else None


def _itself(value: Any) -> Any:
    return value


_CHECKS: Mapping[str, Callable[[Any, Any, str, Schema], Found]] = {
    "type": _type,
    "required": _required,
    "additionalProperties": _additional,
    "properties": _properties,
    "propertyNames": _names,
    "items": _items,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "minItems": _at_least(len, " entries"),
    "maxItems": _at_most(len, " entries"),
    "minLength": _at_least(len, " characters"),
    "maxLength": _at_most(len, " characters"),
    "minProperties": _at_least(len, " entries"),
    "minimum": _at_least(_itself, ""),
    "maximum": _at_most(_itself, ""),
    "exclusiveMinimum": _above,
}
"""What is checked by, in the words of JSON Schema."""

_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
"""What fits two of them is the later one."""


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "integer":  # 1.0 is one for JSON Schema
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}[kind])


def _named(value: Any) -> str:
    """Only what kind of value it is: a source does not belong into a message."""
    return next(word for kind, word in reversed(_WORDS.items()) if _is(kind, value))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "…")


def _pointed(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return _short(name)[1:-1].replace("~", "~0").replace("/", "~1")
