"""JSON Schemas of the model's dataclasses, from the annotations that also write and read their JSON. Pure.

schema_of(Report)      {"$ref": "#/components/schemas/Report"}
definitions(Report)    Report and all that it is made of, by name
"""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import cleandoc
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

Schema: TypeAlias = dict[str, Any]

WHERE = "#/components/schemas/"
"""Where an OpenAPI document keeps what is used more than once."""

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def schema_of(kind: Any) -> Schema:
    """The schema of what `livecode.model.codec.to_plain` makes of a value of this type."""
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(each) for each in inner]}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is tuple:
        items = [schema_of(each) for each in inner]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [each.value for each in kind]}
    if isinstance(kind, type) and is_dataclass(kind):
        return {"$ref": WHERE + kind.__name__}
    raise TypeError(f"{kind!r} has no schema")


def definitions(*kinds: type) -> dict[str, Schema]:
    """The schemas of these dataclasses and of all that they are made of, by name."""
    found: dict[str, Schema] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = _of_dataclass(kind)
            waiting += [each for hint in get_type_hints(kind).values() for each in _dataclasses_in(hint)]
    return dict(sorted(found.items()))


def _of_dataclass(kind: type) -> Schema:
    """Every field is always there; later versions may have more."""
    hints, told = get_type_hints(kind), _told(kind.__doc__ or "")
    described = {
        each.name: schema_of(hints[each.name]) | ({"description": told[each.name]} if each.name in told else {})
        for each in fields(kind)
    }
    schema: Schema = {"type": "object", "properties": described, "required": list(described)}
    summary = _one_line(cleandoc(kind.__doc__ or "").partition("\n\n")[0])
    return schema | ({"description": summary} if summary else {})


def _dataclasses_in(hint: Any) -> list[type]:
    if is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [found for each in get_args(hint) for found in _dataclasses_in(each)]


def _told(docstring: str) -> dict[str, str]:
    """What the section "Attributes:" of a docstring says, by attribute."""
    _, _, section = cleandoc(docstring).partition("\nAttributes:\n")
    section = re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: _one_line(text) for name, text in entries}


def _one_line(text: str) -> str:
    return " ".join(text.split())
