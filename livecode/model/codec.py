"""Frozen dataclasses to plain JSON values and back, by their annotations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_PLAIN = frozenset({str, int, float, bool, type(None)})


def to_plain(value: Any) -> Any:
    """A value of the model as dicts, lists, strings and numbers."""
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if (names := _names(kind)) is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """The value of type `kind` that `plain` describes.

    Fields that this version does not know are left out; missing ones take their defaults.

    Raises:
        ValueError: `plain` does not describe a `kind`.
    """
    try:
        value: T = _build(kind, plain)
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
    return value


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for any other type."""
    return tuple(f.name for f in fields(kind)) if is_dataclass(kind) else None


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if plain is None else _build(next(a for a in get_args(kind) if a is not type(None)), plain)
    if origin is tuple:
        return _build_tuple(get_args(kind), plain)
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if isinstance(plain, bool) and kind is not bool:
        raise TypeError(f"expected {getattr(kind, '__name__', kind)}, got bool")
    if kind is float and isinstance(plain, int):
        return float(plain)
    if isinstance(kind, type) and not isinstance(plain, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(plain).__name__}")
    return plain


def _build_tuple(items: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
    if not isinstance(plain, list | tuple):
        raise TypeError(f"expected a list, got {type(plain).__name__}")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_build(items[0], item) for item in plain)
    return tuple(_build(item, value) for item, value in zip(items, plain, strict=True))


def _build_dataclass(kind: Any, plain: Any) -> Any:
    if not isinstance(plain, Mapping):
        raise TypeError(f"expected an object for {kind.__name__}, got {type(plain).__name__}")
    hints, values = _hints(kind), {}
    for f in fields(kind):
        if f.name in plain:
            values[f.name] = _build(hints[f.name], plain[f.name])
        elif f.default is MISSING and f.default_factory is MISSING:
            raise KeyError(f"{kind.__name__}.{f.name} is missing")
    return kind(**values)
