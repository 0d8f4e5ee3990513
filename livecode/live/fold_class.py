"""Brings a live class to its new source, while the class object stays.

apply_members    a class body of the changed members is executed, and what it binds is set on the class
fold_class       a class that was built anew (dataclass, enum, …) is folded into the one that exists
"""

from __future__ import annotations

import abc
import enum
import functools
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MemberDescriptorType
from typing import Any

from livecode.engine.classes import ClassEdit
from livecode.engine.prepare import PreparedClass
from livecode.live.annotations import class_annotation_steps, folded_annotation_steps
from livecode.live.bases import Nothing, Welcome, can_become, refresh_abstract, set_bases, welcoming
from livecode.live.fold import fold_function, fold_under_wrapper, is_one, redirect_steps
from livecode.live.journal import Journal, Step, delete_class_attribute, set_class_attribute
from livecode.live.origin import is_made_in
from livecode.live.throwaway import Registries

MADE_BY_STATEMENT = frozenset(
    {"__module__", "__qualname__", "__firstlineno__", "__static_attributes__", "__classcell__"}
)
NEVER_COPIED = frozenset(
    {
        *("__dict__", "__weakref__", "__module__", "__qualname__", "__abstractmethods__", "_abc_impl", "__slots__"),
        *("__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__"),
    }
)
PLAIN_VALUES = frozenset({bool, int, float, complex, str, bytes, list, dict, set, tuple, frozenset, type(None)})
_DESCRIPTORS = (staticmethod, classmethod, property, functools.cached_property)
_MISSING = object()


def apply_members(
    cls: type, prepared: PreparedClass, journal: Journal, namespace: dict[str, Any], stage: Mapping[str, Any]
) -> None:
    """Executes the members that changed and sets them on the class.

    Args:
        cls: The live class.
        prepared: The edit with its code.
        journal: Notes every change.
        namespace: Of the module.
        stage: Names of the module that are not visible yet; they go before those of `namespace`.
    """
    edit = prepared.edit
    afterwards = list[Step]()
    if edit.bases:
        bases = tuple(eval(code, namespace, dict(stage)) for code in prepared.bases)
        keywords = {name: eval(code, namespace, dict(stage)) for name, code in prepared.keywords}
        afterwards = [*welcoming(cls, bases, keywords), *set_bases(cls, bases, keywords, journal)]
    for inner in prepared.nested:
        nested = cls.__dict__.get(inner.edit.form.name)
        if isinstance(nested, type):
            apply_members(nested, inner, journal, namespace, stage)
    before = dict(cls.__dict__)
    made = _execute_body(cls, prepared, namespace, stage) if prepared.body else {}
    decorated = {form.name for form in edit.again if getattr(form.node, "decorator_list", ())}
    for name, value in made.items():
        old = before.get(name, _MISSING)
        if name in decorated or not fold_under_wrapper(old, value, journal):
            _set_member(cls, name, old, value, journal)
    for name in edit.removed:
        if name == "__doc__":
            journal.do(set_class_attribute(cls, name, None))
        elif name in cls.__dict__:
            journal.do(delete_class_attribute(cls, name))
    _set_hash(cls, edit, {*made, *edit.removed}, journal)
    if prepared.annotations is not None:
        journal.do(*class_annotation_steps(cls, prepared.annotations, namespace, stage))
    _refresh(cls, journal)
    if edit.welcome and not afterwards:
        afterwards.append(welcoming_again(cls, prepared, journal, namespace, stage))
    journal.do(*afterwards)


def welcoming_again(
    cls: type, prepared: PreparedClass, journal: Journal, namespace: dict[str, Any], stage: Mapping[str, Any]
) -> Step:
    """Shows a class to `__init_subclass__` of its bases as if it were new: what that registered comes anew."""
    keywords = {name: eval(code, namespace, dict(stage)) for name, code in prepared.keywords if name != "metaclass"}
    registries, welcome = Registries(cls, journal), Welcome(cls, keywords)

    def again() -> None:
        registries.take_out(cls)
        welcome.call()
        registries.keep_places(cls)

    return Step(again, welcome.take_back)


def fold_class(
    old: type, new: type, journal: Journal, kept: frozenset[str] = frozenset(), bound: frozenset[str] | None = None
) -> type:
    """Makes the class that exists what the new one is.

    Args:
        old: The class that exists.
        new: The one that was built anew.
        journal: Notes every change.
        kept: Attributes that keep the plain value that they have now, as nothing in the source changed them.
        bound: Names that the members of the old one bound, if its builder added nothing but methods: other attributes
            were set while it lived. They stay, as does whatever `kept` names, functions left out.

    Returns:
        The class that the name should stand for: `old`, or `new` where the two cannot be one.
    """
    abstract = type(old) is type and type(new) is abc.ABCMeta  # `set_bases` sees to that
    one = _of_one_origin(old, new) and same_layout(old, new)
    if not one or not (abstract or can_become(old, type(new))):
        journal.remarks.append(f"{new.__qualname__} is another class now: what was made of the old one stays with that")
        return new
    if isinstance(old, enum.EnumMeta):
        from livecode.live.fold_enum import fold_enum

        fold_enum(old, new, journal)
    afterwards = set_bases(old, new.__bases__, {"metaclass": type(new)}, journal)
    skipped = NEVER_COPIED | _enum_owned(new)
    for name, value in list(new.__dict__.items()):
        if type(value) is MemberDescriptorType:
            continue  # a slot: it is at the same place in both
        if name not in skipped and not (name in kept and _stays(old.__dict__.get(name), bound)):
            _rebind_class_cell(value, old, new)
            _set_member(old, name, old.__dict__.get(name, _MISSING), value, journal)
    gone = [
        name
        for name, value in old.__dict__.items()
        if name not in new.__dict__ and name not in NEVER_COPIED
        if bound is None or name in bound or any(functions_of(value))
    ]
    journal.do(*(delete_class_attribute(old, name) for name in gone if name not in _enum_owned(old)))
    journal.do(*folded_annotation_steps(old, new))
    _refresh(old, journal)
    journal.do(*afterwards)
    journal.when_done(partial(_discard, new))
    return old


def _of_one_origin(old: type, new: type) -> bool:
    """True for two classes of one module, whatever `__module__` the one that exists was given since."""
    home = sys.modules.get(new.__module__)
    return old.__module__ == new.__module__ or (home is not None and is_made_in(old, home.__dict__))


def _stays(value: object, bound: frozenset[str] | None) -> bool:
    if bound is None or type(value) in PLAIN_VALUES:
        return type(value) in PLAIN_VALUES
    return value is not None and not isinstance(value, type | MemberDescriptorType) and not any(functions_of(value))


def functions_of(value: object) -> Iterator[FunctionType]:
    """The functions that a class attribute is made of."""
    if type(value) is FunctionType:
        yield value
    elif isinstance(value, staticmethod | classmethod):
        yield from functions_of(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from functions_of(part)
    elif isinstance(value, functools.cached_property):
        yield from functions_of(value.func)


def _execute_body(
    cls: type, prepared: PreparedClass, namespace: dict[str, Any], stage: Mapping[str, Any]
) -> dict[str, Any]:
    """What the class body of the changed members binds; it sees the members that did not change."""
    assert prepared.body is not None
    known = dict(stage)
    known.update({name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")})
    known.update({item.__name__: item for item in getattr(cls, "__type_params__", ())})
    if "__annotations__" in known:
        known["__annotations__"] = dict(known["__annotations__"])
    local = dict(known)
    exec(prepared.body, namespace, local)
    cell = local.pop("__classcell__", None)
    if cell is not None:
        cell.cell_contents = cls
    scope = local.pop("__classdictcell__", None)
    if scope is not None:  # what lazily evaluated annotations look names up in, from 3.12 on
        scope.cell_contents = cls.__dict__
    skip = MADE_BY_STATEMENT | {"__annotations__", "__annotate__", "__annotate_func__", "__conditional_annotations__"}
    return {name: value for name, value in local.items() if name not in skip and known.get(name, _MISSING) is not value}


def _set_hash(cls: type, edit: ClassEdit, touched: set[str], journal: Journal) -> None:
    """A class that defines `__eq__` and no `__hash__` is not hashable, which no member of its body says.

    Source: `type_new_set_hash` in CPython's typeobject.c.
    """
    bound = {name for member in edit.form.members for name in member.names.binds}
    if touched.isdisjoint({"__eq__", "__hash__"}) or "__hash__" in bound:
        return
    if "__eq__" in bound:
        journal.do(set_class_attribute(cls, "__hash__", None))
    elif "__hash__" in cls.__dict__ and "__hash__" not in edit.removed:
        journal.do(delete_class_attribute(cls, "__hash__"))


def _set_member(cls: type, name: str, old: object, new: Any, journal: Journal) -> None:
    """One attribute: a function is folded into the one that is held, all else is set."""
    if old is new:
        return
    if _can_fold(old, new):
        for mine, theirs in zip(functions_of(old), functions_of(new), strict=True):
            fold_function(mine, theirs, journal)
        return
    _hand_on(cls, name, old, new, journal)
    if isinstance(old, type) and isinstance(new, type) and old.__qualname__ == new.__qualname__:
        new = fold_class(old, new, journal)
    if hasattr(type(new), "__set_name__"):
        type(new).__set_name__(new, cls, name)
    journal.do(set_class_attribute(cls, name, new))


def _hand_on(cls: type, name: str, old: object, new: Any, journal: Journal) -> None:
    """Who holds the function of an attribute that becomes something else runs what it becomes.

    plain → static     the instance of the bound method is left out
    plain → class      the class of that instance is given
    plain → property   gives what the property gives
    plain → partial    as the method that it gives is called
    static → another   as calling it on the class does
    class → static     the class is left out
    property → plain   is called as the getter was
    of one kind        its functions are folded, though the new descriptor takes the name
    """
    if type(old) is FunctionType:
        journal.do(*_plain_becomes(old, new))
    elif type(old) is type(new):
        for mine, theirs in _same_parts(old, new):
            fold_function(mine, theirs, journal)
    elif type(old) is staticmethod and type(old.__func__) is FunctionType and hasattr(new, "__get__"):
        journal.do(*redirect_steps(old.__func__, new.__get__(None, cls)))
    elif type(old) is classmethod and type(old.__func__) is FunctionType:
        if isinstance(new, staticmethod):
            journal.do(*redirect_steps(old.__func__, new.__func__, without_first=True))
        elif callable(new):
            journal.remarks.append(
                f"{cls.__qualname__}.{name}() is no class method any more: who holds it runs the old"
            )
    elif type(old) is property and type(old.fget) is type(new) is FunctionType:
        journal.do(*redirect_steps(old.fget, new))


def _plain_becomes(old: FunctionType, new: Any) -> Iterator[Step]:
    if isinstance(new, staticmethod) and type(new.__func__) is FunctionType:
        yield from redirect_steps(old, new.__func__, without_first=True)
    elif isinstance(new, classmethod) and type(new.__func__) is FunctionType:
        yield from redirect_steps(old, _taking_class(new.__func__))
    elif isinstance(new, property) and callable(new.fget):
        yield from redirect_steps(old, new.fget)  # who holds the bound method gets what the property gives
    elif isinstance(new, functools.partialmethod | functools.singledispatchmethod):
        yield from redirect_steps(old, _bound_by(new))
    elif callable(new) and not isinstance(new, type):
        yield from redirect_steps(old, new)


def _bound_by(descriptor: Any) -> object:
    """What a method calls that became a descriptor which gives the method to call."""

    def call(first: Any, /, *args: Any, **kwargs: Any) -> Any:
        return descriptor.__get__(first, type(first))(*args, **kwargs)

    return call


def _same_parts(old: Any, new: Any) -> Iterator[tuple[FunctionType, FunctionType]]:
    """The functions of two descriptors of one kind that do the same work in both, and come from one definition."""
    for part in ("__func__", "fget", "fset", "fdel", "func"):
        mine, theirs = (getattr(each, part, None) if isinstance(each, _DESCRIPTORS) else None for each in (old, new))
        if type(mine) is type(theirs) is FunctionType and is_one(mine, theirs):
            yield mine, theirs


def _taking_class(function: FunctionType) -> object:
    """What a method that became a class method calls: who holds the bound method still gives it the instance."""

    @functools.wraps(function)
    def call(first: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(first if isinstance(first, type) else type(first), *args, **kwargs)

    return call


def _can_fold(old: object, new: object) -> bool:
    if type(old) is not type(new):
        return False
    mine, theirs = list(functions_of(old)), list(functions_of(new))
    if not mine or len(mine) != len(theirs):
        return False
    abstract = [getattr(item, "__isabstractmethod__", False) for item in (old, new)]
    pairs = list(zip(mine, theirs, strict=True))
    known = all(a.__globals__ is b.__globals__ and a.__code__.co_freevars == b.__code__.co_freevars for a, b in pairs)
    plain = isinstance(old, FunctionType | staticmethod | classmethod)
    return known and plain and abstract[0] == abstract[1]


def same_layout(old: type, new: type) -> bool:
    """True if instances of both are laid out alike, as far as these classes are concerned."""
    slots = [tuple(cls.__dict__.get("__slots__", ())) for cls in (old, new)]
    return (
        old.__basicsize__ == new.__basicsize__
        and old.__dictoffset__ == new.__dictoffset__
        and old.__itemsize__ == new.__itemsize__
        and slots[0] == slots[1]
    )


def _rebind_class_cell(value: object, old: type, new: type) -> None:
    """Methods of the new class that use `super()` know it by a cell: they belong to the old class now."""
    for function in functions_of(value):
        later = getattr(function, "__annotate__", None)  # from 3.14 on, and that of a dataclass knows the class too
        for cell in (*(function.__closure__ or ()), *(getattr(later, "__closure__", None) or ())):
            try:
                if cell.cell_contents is new:
                    cell.cell_contents = old
            except ValueError:
                continue


def _enum_owned(cls: type) -> frozenset[str]:
    """Attributes of an enum that are its members' or its machinery's; `fold_enum` sees to them."""
    if not isinstance(cls, enum.EnumMeta):
        return frozenset()
    return frozenset({*cls.__members__, "_member_map_", "_member_names_", "_value2member_map_"})


def _refresh(cls: type, journal: Journal) -> None:
    """What is derived from a class: its abstract methods, and the schema of a pydantic model."""
    refresh_abstract(cls, journal)
    rebuild = getattr(cls, "model_rebuild", None)
    if "__pydantic_core_schema__" in cls.__dict__ and rebuild is not None:
        journal.do(Step(partial(rebuild, force=True), int))  # what it sets is set back as what was folded


def _discard(cls: type) -> None:
    """A throw-away class must not stay in its bases' `__subclasses__`, which hold it until it is collected.

    Assigning other bases and taking them away unhooks it now; classes hang in cycles, so they would stay long.
    """
    try:
        cls.__bases__ = (Nothing,)
    except TypeError:  # another layout: it stays until the collector comes
        return


def class_at(namespace: Mapping[str, Any], path: tuple[str, ...]) -> type | None:
    """The live class with this qualified name."""
    thing: Any = namespace.get(path[0])
    for name in path[1:]:
        thing = thing.__dict__.get(name) if isinstance(thing, type) else None
    return thing if isinstance(thing, type) else None
