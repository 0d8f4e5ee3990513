"""Finds the live instances of classes, and lets those migrate whose class changed and defines `__hot_migrate__`.

There is no list of instances in Python: the garbage collector is asked for everything that it tracks. That is the one
scan of the heap in livecode that a service can ask for, and it happens only where a class defines the hook.
What the collector does not track cannot be found: instances of classes with empty `__slots__` all the way down. They
hold nothing that could be migrated.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

from livecode.engine.hooks import MIGRATE, changed_classes, names_migrate
from livecode.engine.prepare import PreparedModule
from livecode.live.committing import Committing
from livecode.live.contents import attributes_of, is_container, restore_attributes, restore_container, slots_of
from livecode.live.fold_class import class_at
from livecode.live.safepoint import at_safe_point
from livecode.live.young import PUT_ASIDE_BY_PYTHON

_TRACKED = 1 << 14
"""`Py_TPFLAGS_HAVE_GC`: the collector knows the instances of such a class."""


class Migration:
    """The instances that a push concerns.

    Args:
        prepared: What the push does to the modules that are loaded.
        versions: Module → the version that ran before.
        state: The commit under way.
    """

    def __init__(
        self,
        prepared: Sequence[tuple[PreparedModule, ModuleType]],
        versions: Mapping[str, int],
        state: Committing,
    ) -> None:
        self._state = state
        self._versions: dict[type, int] = {}
        for part, module in prepared:
            for name in changed_classes(part.plan) if part.plan.pushed else ():
                cls = class_at(module.__dict__, tuple(name.split(".")))
                if cls is not None:
                    self._versions[cls] = versions.get(part.plan.module, 0)
        self._announced = bool(self._versions) and any(
            part.plan.pushed and names_migrate(part.plan.forms) for part, _ in prepared
        )
        self._found: list[Any] | None = None
        self._said: list[str] = []

    def find(self) -> None:
        """Looks for the instances, if there can be a hook: before late statements make new ones by the new code."""
        family = list(_family(self._versions))
        if any(_hook(cls) is not None for cls in family) or (self._announced and family):
            self._found = instances_of(family)

    def run(self) -> None:
        """Calls the hook of each instance, between two steps of the event loop where there is one.

        Raises:
            BaseException: Whatever a hook raised.
        """
        if self._found is None:
            return
        family = [cls for cls in _family(self._versions) if _hook(cls) is not None]
        if not family:
            return
        versions = {cls: self._version_for(cls) for cls in family}
        moving = [instance for instance in self._found if type(instance) in versions]
        at_safe_point(lambda: self._migrate(moving, versions))
        self._say(family, moving)
        self._found = None

    def said(self) -> list[str]:
        """What was done, as people read it."""
        return self._said

    def _migrate(self, instances: Iterable[Any], versions: Mapping[type, int]) -> None:
        for instance in instances:
            kind = type(instance)
            hook = _hook(kind)
            if type(hook) is FunctionType:
                self._state.where = (kind.__module__, hook.__code__.co_firstlineno)
            self._keep(instance)
            hook.__get__(instance, kind)(versions[kind])

    def _keep(self, instance: Any) -> None:
        """Notes what the instance holds: its attributes, its entries, and those of plain containers among them."""
        note = self._state.journal.note
        for undo in restore_attributes(instance):
            note(undo)
        held = [instance, *(attributes_of(instance) or {}).values()]
        held += [getattr(instance, slot.__name__, None) for slot in slots_of(type(instance))]
        for thing in held:
            if is_container(type(thing)):
                note(restore_container(thing))

    def _version_for(self, cls: type) -> int:
        return next(self._versions[base] for base in cls.__mro__ if base in self._versions)

    def _say(self, family: Collection[type], migrated: Sequence[Any]) -> None:
        names = ", ".join(sorted({cls.__qualname__ for cls in self._versions if cls in set(family)})) or "subclasses"
        number = f"{len(migrated):,} live instance{'' if len(migrated) == 1 else 's'}"
        self._said.append(f"{names}: {number} migrated by {MIGRATE}(), found by a scan of the heap")
        blind = sorted(cls.__qualname__ for cls in family if not cls.__flags__ & _TRACKED)
        if blind:
            self._said.append(f"{', '.join(blind)}: instances without attributes cannot be found")


def instances_of(classes: Iterable[type]) -> list[Any]:
    """The live instances of exactly these classes, as far as the collector tracks them.

    Objects that `gc.freeze` put aside are looked at too: they are put aside again, with all others.
    """
    wanted = set(map(id, classes))
    if is_put_aside():
        gc.unfreeze()
        try:
            tracked = gc.get_objects()
        finally:
            gc.freeze()
    else:
        tracked = gc.get_objects()
    return [thing for thing in tracked if id(type(thing)) in wanted]


def is_put_aside() -> bool:
    """True if the program called `gc.freeze`: what was there then is not among what the collector tells."""
    return gc.get_freeze_count() > PUT_ASIDE_BY_PYTHON


def is_tracked(cls: type) -> bool:
    """True if the collector knows the instances of a class."""
    return bool(cls.__flags__ & _TRACKED)


def subclasses(cls: type) -> Iterator[type]:
    """All classes below a class, itself left out."""
    below: list[type] = type.__subclasses__(cls)
    for sub in below:
        yield sub
        yield from subclasses(sub)


def _family(classes: Iterable[type]) -> Iterator[type]:
    """The classes and all below them, each once."""
    return iter(dict.fromkeys(each for cls in classes for each in (cls, *subclasses(cls))))


def _hook(cls: type) -> Any:
    """What the class or a base of it defines; `None` as a value means that there is none."""
    for base in cls.__mro__:
        if MIGRATE in base.__dict__:
            return base.__dict__[MIGRATE]
    return None
