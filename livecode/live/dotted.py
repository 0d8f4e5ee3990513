"""How a dotted name in an expression may go on in this process, for Tab: looked up, and nothing of it evaluated.

No property, no ``__getattr__`` and no ``__dir__`` runs: names are read from the dicts of modules, of instances and of
classes.
"""

from __future__ import annotations

import builtins
import keyword
import sys
import types
from collections.abc import Iterable, Mapping
from inspect import getattr_static
from typing import Any

from livecode.live.process import Process

MAX_NAMES = 300
_NOTHING = object()
_PLAIN = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, type)
"""What has a `__get__`, or could have one, and is still looked up by name as it is."""


def names_under(process: Process, text: str, module: str) -> tuple[str, ...]:
    """The dotted names that begin with the text, one more part each.

    Args:
        process: Where; an empty text stands for the modules of its own.
        text: Names with dots between them, the last one not complete: ``shop.pri``.
        module: The module whose own names come first; empty for none.
    """
    base, dot, begun = text.rpartition(".")
    if not dot:
        found: Iterable[str] = _first(process, begun, module)
    elif (owner := _found(base.split("."), module)) is _NOTHING:
        return ()
    else:
        found = _parts(owner)
    names = sorted({name for name in found if name.startswith(begun) and _is_offered(name, begun)})
    return tuple(f"{base}{dot}{name}" for name in names[:MAX_NAMES])


def _is_offered(name: str, begun: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and (not name.startswith("_") or begun.startswith("_"))


def _first(process: Process, begun: str, module: str) -> Iterable[str]:
    own = {name.partition(".")[0] for name in process.own_modules()}
    named = vars(sys.modules[module]) if module in sys.modules else {}
    return {*own, *named} if not begun else {*own, *named, *vars(builtins), *(n for n in list(sys.modules))}


def _found(parts: list[str], module: str) -> Any:
    """What a dotted name stands for."""
    first, *rest = parts
    named: Mapping[str, Any] = vars(sys.modules[module]) if module in sys.modules else {}
    value = named.get(first, sys.modules.get(first, vars(builtins).get(first, _NOTHING)))
    for part in rest:
        value = _part(value, part)
    return value


def _part(value: Any, name: str) -> Any:
    if value is _NOTHING:
        return _NOTHING
    if isinstance(value, types.ModuleType):
        return vars(value).get(name, sys.modules.get(f"{value.__name__}.{name}", _NOTHING))
    found = getattr_static(value, name, _NOTHING)
    if isinstance(found, types.MemberDescriptorType):  # a slot
        return getattr(value, name, _NOTHING)
    return found if isinstance(found, _PLAIN) or not hasattr(type(found), "__get__") else _NOTHING


def _parts(value: Any) -> Iterable[str]:
    """What it has, without asking it."""
    if isinstance(value, types.ModuleType):
        lead = f"{value.__name__}."
        below = (name.removeprefix(lead).partition(".")[0] for name in list(sys.modules) if name.startswith(lead))
        return {*list(vars(value)), *below}
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    names = {name for kind in kinds for name in list(vars(kind))}
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return names
    return names | set(own) if isinstance(own, dict) else names
