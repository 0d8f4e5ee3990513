"""What a statement on the stage looks at instead of a module that is still as it was (`livecode.engine.sight`).

A view's attributes are a module's names as they will be. When the stage is gone, they are those of the module: a
generator that a statement made, and that is still alive, goes on with the names as they are then.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from livecode.engine.prepare import PreparedModule
from livecode.engine.sight import Named, Sight, marker

GONE = object()
"""The value, on the stage, of a name that was deleted."""

_MISSING = object()


class View:
    """An object whose attributes are looked up by a function, whatever their names."""

    __slots__ = ("_livecode_look_up",)

    def __init__(self, look_up: Callable[[str], Any]) -> None:
        object.__setattr__(self, "_livecode_look_up", look_up)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, "_livecode_look_up")(name)


class Views:
    """The views of one push.

    Args:
        names: Module → what is on its stage; emptied when that is gone.
        made: Functions that statements made and that are folded into those that exist, by module and name.
        prepared: Every module in which something changes.
    """

    def __init__(
        self, names: Mapping[str, dict[str, Any]], made: Mapping[Named, FunctionType], prepared: list[PreparedModule]
    ) -> None:
        self._names, self._made = names, made
        self._codes = {
            (part.plan.module, swap.qualname): swap.code for part in prepared for swap in part.swaps if swap.changed
        }

    def are_ready(self, sight: Sight) -> bool:
        """False if a function that would have to be cloned is another thing in this process than its source says."""
        return all(self._source(named) is not None for named in sight.clones | sight.fresh)

    def of(self, sight: Sight) -> Callable[[str], object]:
        """What the markers in a statement's code stand for."""
        shadows: dict[str, dict[str, Any]] = {}
        functions: dict[str, dict[str, FunctionType]] = {}
        for module, name in sight.fresh:
            functions.setdefault(module, {})[name] = self._clone((module, name), sys.modules[module].__dict__)
        if sight.clones:
            self._lay_shadows(sight, shadows, functions)
        things: dict[str, object] = {}
        for module in {*self._names, *sight.owners.values(), *functions}:
            things[marker("stage", module)] = View(self._reader(module))
            things[marker("clones", module)] = View(_first_of(functions.get(module, {}), self._reader(module)))
        return lambda text: things[text] if text in things else as_it_is(text)

    def _reader(self, module: str) -> Callable[[str], Any]:
        names, live = self._names.get(module, {}), sys.modules[module]

        def look_up(name: str) -> Any:
            value = names.get(name, _MISSING)
            if value is GONE:
                raise NameError(f"name {name!r} is not defined")
            return _of(live, name) if value is _MISSING else value

        return look_up

    def _source(self, named: Named) -> FunctionType | None:
        """The function that a name of the stage stands for, if it is a plain one."""
        module, name = named
        live = sys.modules.get(module)
        if live is None:
            return None
        found = self._made.get(named) or self._names.get(module, {}).get(name, live.__dict__.get(name))
        if type(found) is not FunctionType or found.__globals__ is not live.__dict__ or found.__closure__ is not None:
            return None
        return found if found.__code__.co_qualname == name else None

    def _clone(self, named: Named, namespace: dict[str, Any]) -> FunctionType:
        source = self._source(named)
        assert source is not None
        code = source.__code__ if named in self._made else self._codes.get(named, source.__code__)
        made = FunctionType(code, namespace, source.__name__, source.__defaults__)
        made.__kwdefaults__ = source.__kwdefaults__
        return made

    def _lay_shadows(
        self, sight: Sight, shadows: dict[str, dict[str, Any]], functions: dict[str, dict[str, FunctionType]]
    ) -> None:
        """A copy of each module's namespace with the stage laid over it, in which clones find clones."""
        clones: dict[int, FunctionType] = {}
        for module in {module for module, _ in sight.clones}:
            shadow = shadows[module] = {**sys.modules[module].__dict__, **self._names.get(module, {})}
            for name in [name for name, value in shadow.items() if value is GONE]:
                del shadow[name]
        for named in sight.clones:
            module, name = named
            made = functions.setdefault(module, {}).setdefault(name, self._clone(named, shadows[module]))
            shadows[module][name] = made
            for held in (self._source(named), sys.modules[module].__dict__.get(name)):
                clones[id(held)] = made
        for shadow in shadows.values():
            for name, value in shadow.items():
                if id(value) in clones:
                    shadow[name] = clones[id(value)]
                elif isinstance(value, ModuleType) and value.__name__ in {*self._names, *shadows}:
                    shadow[name] = View(_first_of(shadows.get(value.__name__, {}), self._reader(value.__name__)))


def as_it_is(text: str) -> View:
    """What a marker stands for when there is no stage: the module itself."""
    module = sys.modules[text.rpartition(" ")[2]]
    return View(lambda name: _of(module, name))


def _first_of(found: Mapping[str, Any], look_up: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda name: found[name] if name in found else look_up(name)


def _of(module: ModuleType, name: str) -> Any:
    """A name as a comprehension finds it: in the module, or in the builtins."""
    if name not in module.__dict__ and hasattr(builtins, name):
        return getattr(builtins, name)
    return getattr(module, name)
