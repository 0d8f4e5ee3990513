"""Whether arguments fit the schema of a tool: as much of JSON Schema as the tools use, and no more.

The library for it (jsonschema) takes over a second to import where its checkers of formats are installed, as Jupyter
does it, and an agent waits for its server to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS: Mapping[str, tuple[str, type | tuple[type, ...]]] = {
    "object": ("an object", dict),
    "array": ("a list", list),
    "string": ("a text", str),
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
}


def problem(schema: Mapping[str, Any], value: Any, where: str = "") -> str:
    """What does not fit, and where; empty if all does.

    Args:
        schema: A schema of `livecode.front.agents.tools`.
        value: What came.
        where: Its place, such as ``changes[0].module``.
    """
    kind, accepted = _KINDS[schema["type"]]
    is_bool = isinstance(value, bool) and schema["type"] != "boolean"
    if not isinstance(value, accepted) or is_bool:
        return f"{where or 'the arguments'} must be {kind}, not {value!r:.60}"
    match value:
        case dict():
            return _in_object(schema, value, where)
        case list():
            return _in_list(schema, value, where)
        case int() | float() if not isinstance(value, bool):
            return _of_number(schema, value, where)
    return ""


def _in_object(schema: Mapping[str, Any], value: Mapping[str, Any], where: str) -> str:
    known = schema["properties"]
    for name in schema["required"]:
        if name not in value:
            return f"{where or 'the arguments'}: {name} is missing"
    for name, item in value.items():
        if name not in known:
            return f"{where or 'the arguments'}: there is no {name!r:.60}; there are: {', '.join(known) or 'none'}"
        if found := problem(known[name], item, f"{where}.{name}" if where else name):
            return found
    return ""


def _in_list(schema: Mapping[str, Any], value: list[Any], where: str) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if not least <= len(value) <= most:
        return f"{where} has {len(value)} entries; {least} to {schema.get('maxItems', 'any number of')} are accepted"
    problems = (problem(schema["items"], item, f"{where}[{number}]") for number, item in enumerate(value))
    return next(filter(None, problems), "")


def _of_number(schema: Mapping[str, Any], value: float, where: str) -> str:
    if "minimum" in schema and value < schema["minimum"]:
        return f"{where} must be at least {schema['minimum']}, not {value}"
    if "maximum" in schema and value > schema["maximum"]:
        return f"{where} must be at most {schema['maximum']}, not {value}"
    if "exclusiveMinimum" in schema and not value > schema["exclusiveMinimum"]:
        return f"{where} must be above {schema['exclusiveMinimum']}, not {value}"
    return ""
