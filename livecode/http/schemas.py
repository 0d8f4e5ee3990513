"""The schemas of what may be sent, and the check by them: what is published is what is enforced. Pure.

Known are the words of JSON Schema that `_CHECKS` has, no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from livecode.http.exchange import Problem

if TYPE_CHECKING:
    from livecode.model.schema import Schema

REASON: Schema = {"type": "string", "maxLength": 2000, "description": "Why, for the log."}
DRY_RUN: Schema = {"type": "boolean", "description": "Say what would happen, touch nothing."}
FORCE: Schema = {"type": "boolean", "description": "Also what is refused for caution only."}
MODULE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\s/\\\x00-\x1f.]+(\.[^\s/\\\x00-\x1f.]+)*$",
    "description": "A dotted name, such as `shop.pricing`.",
}
MODULES: Schema = {"type": "array", "items": MODULE, "uniqueItems": True}
POLICY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "description": "How it goes to many workers: by default one tries it first, and any failure takes all back.",
    "properties": {
        "canary": {
            "type": "number",
            "minimum": 0,
            "maximum": 10000,
            "description": "How many workers run it for a time before it goes to all; a share of them if below 1.",
        },
        "canary_s": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 3600,
            "description": "How long they do, in seconds; 60 if it is left out. The request takes as long.",
        },
        "mixed": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "Why some workers may run it and others not.",
        },
    },
}

PUSH: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["modules"],
    "properties": {
        "modules": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": MODULE,
            "additionalProperties": {"type": ["string", "null"]},
            "description": "Module name → its whole new source; null unloads the module. They become live together.",
        },
        "reason": REASON,
        "dry_run": DRY_RUN,
        "force": FORCE,
        "safe_part": {"type": "boolean", "description": "Leave out what is refused, and apply the rest."},
        "rerun": {
            "type": "array",
            "items": MODULE,
            "uniqueItems": True,
            "description": "Names to make again though nothing that they read changed: `MODEL`, `shop.model.MODEL`.",
        },
        "policy": POLICY,
    },
}

RELOAD: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "modules": MODULES | {"description": "Only these, of those that are loaded; all of them if it is left out."},
        "changed_only": {
            "type": "boolean",
            "description": "Only what differs from what runs: true if it is left out. Else all, also to be checked.",
        },
        "reason": REASON,
        "dry_run": DRY_RUN,
        "force": FORCE,
        "policy": POLICY,
    },
}

UNDO: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "modules": MODULES | {"description": "Which; all that the last push changed if it is left out."},
        "to": {
            "type": "integer",
            "minimum": 0,
            "maximum": 1000000000,
            "description": "The version of the one module to go back to; the one before if it is left out.",
        },
        "now": {"type": "boolean", "description": "For emergencies: on all workers at once, nothing is taken back."},
        "reason": REASON,
        "force": FORCE,
    },
}

Found: TypeAlias = tuple[str, str] | None
"""Where, and what is wrong there."""


def check(schema: Schema, value: Any) -> None:
    """Returns if the value fits.

    Raises:
        Problem: It does not; says where and what was expected, and little of what was there.
    """
    if found := _misfit(schema, value, ""):
        where, what = found
        raise Problem(400, what, "see openapi.json for what is accepted", where or "/")


def _misfit(schema: Schema, value: Any, where: str) -> Found:
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
        if name in value and (found := _misfit(schema, value[name], f"{where}/{_pointed(name)}")):
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
        if found := _misfit(wanted, value[name], f"{where}/{_pointed(name)}"):
            return found
    return None


def _names(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    for name in value:
        if found := _misfit(wanted, name, where):
            return where, f"the name {_short(name)}: {found[1]}"
    return None


def _items(wanted: Any, value: Any, where: str, _: Schema) -> Found:
    return next((found for i, each in enumerate(value) if (found := _misfit(wanted, each, f"{where}/{i}"))), None)


def _unique(_wanted: Any, value: Any, where: str, _: Schema) -> Found:
    """For lists of text, whose items are checked before."""
    if len(set(value)) == len(value):
        return None
    return where, f"{_short(next(each for each in value if value.count(each) > 1))} is in it twice"


def _pattern(_wanted: Any, value: Any, where: str, _: Schema) -> Found:
    """The one pattern there is, that of `MODULE`."""
    parts = value.split(".")
    if all(parts) and not any(letter in "/\\" or letter <= " " or letter.isspace() for letter in value):
        return None
    return where, "expected a dotted module name, such as shop.pricing"


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
    "minLength": _at_least(len, " characters"),
    "maxLength": _at_most(len, " characters"),
    "minProperties": _at_least(len, " entries"),
    "minimum": _at_least(_itself, ""),
    "maximum": _at_most(_itself, ""),
    "exclusiveMinimum": _above,
}
"""In every schema here "type" stands first: the others may rely on it."""

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


def check_module(name: str) -> None:
    """Returns if this can be the name of a module.

    Raises:
        Problem: It cannot.
    """
    if found := _misfit(MODULE, name, ""):
        raise Problem(400, found[1], "give its dotted name", "path module")
