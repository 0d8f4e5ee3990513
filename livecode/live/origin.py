"""Where a class comes from, whatever its `__module__` says.

Packages that offer their names at the top say so in `__module__`: `Client.__module__ = "httpx"`, although its source is
that of `httpx._client`. Whoever looks for the classes of a module by that attribute alone misses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any


def is_offered_above(shown: object, module: str) -> bool:
    """True if something of a module is shown as that of a package around it."""
    return type(shown) is str and module.startswith(f"{shown}.")


def is_made_in(cls: type, namespace: Mapping[str, Any]) -> bool:
    """True if the statements of a module made the class, as far as that shows: by its `__module__`, or its methods."""
    own: Mapping[str, object] = type.__getattribute__(cls, "__dict__")
    if own.get("__module__") == namespace.get("__name__"):
        return True
    method = next((value for value in own.values() if type(value) is FunctionType), None)
    return method is not None and method.__globals__ is namespace
