"""Adapters for frameworks in which functions are registered (`livecode.live.adapters.protocol`).

None is imported unless its framework is loaded, and not before a push needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING

from livecode.live.adapters.protocol import GROUP, Adapter

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

TABLE = {
    "starlette": ("livecode.live.adapters.starlette", "StarletteAdapter"),
    "flask": ("livecode.live.adapters.flask", "FlaskAdapter"),
    "celery": ("livecode.live.adapters.celery", "CeleryAdapter"),
    "click": ("livecode.live.adapters.click", "ClickAdapter"),
    "typer": ("livecode.live.adapters.typer", "TyperAdapter"),
    "logging": ("livecode.live.adapters.logging", "LoggingAdapter"),
    "copyreg": ("livecode.live.adapters.standard", "CopyregAdapter"),
    "weakref": ("livecode.live.adapters.standard", "FinalizeAdapter"),
    "signal": ("livecode.live.adapters.standard", "SignalAdapter"),
    "atexit": ("livecode.live.adapters.atexit", "AtexitAdapter"),
}
"""Framework → module and class of its adapter."""

_made: dict[str, Adapter] = {}


def adapters() -> Iterator[Adapter]:
    """The adapters of all frameworks that this process has loaded; those of other packages come first."""
    for point in _points():
        if point.name in sys.modules:
            yield _foreign(point)
    for framework, (module, name) in TABLE.items():
        if framework in sys.modules:
            yield _adapter(framework, partial(_class_of, module, name))


@cache
def _points() -> tuple[EntryPoint, ...]:
    """Looked up once: the metadata of all installed packages has to be read for it."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _foreign(point: EntryPoint) -> Adapter:
    key = f"{GROUP}:{point.name}"
    if key not in _made:
        from livecode.live.adapters.foreign import load

        _made[key] = load(point)
    return _made[key]


def _class_of(module: str, name: str) -> Callable[[], Adapter]:
    made: Callable[[], Adapter] = getattr(import_module(module), name)
    return made


def _adapter(key: str, load: Callable[[], Callable[[], Adapter]]) -> Adapter:
    if key not in _made:
        _made[key] = load()()
    return _made[key]
