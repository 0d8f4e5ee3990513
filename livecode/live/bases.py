"""Gives a live class other bases; and what follows from that: its metaclass, its abstract methods.

    other bases               assigned, where CPython finds the layouts alike
    the first base            from 3.15 on assigned. Before, CPython takes no Python class in the place of `object`,
                              but takes one after a builtin class that frees its instances as `object` does: that is
                              `datetime.tzinfo` alone. It hides nothing (`_put_back`), and shows in `__mro__`
    bases that derive in
    another way               (from `typing.Generic`): an empty class comes before them, if CPython takes that alone
    the last base goes        from 3.15 on assigned. Before, an empty class takes the place of `object`
    ABCMeta comes             a class of the metaclass `type` keeps it, as CPython allows nothing else: its abstract
                              methods count all the same, and those of the classes derived from it
    another metaclass comes   assigned, where it makes classes in the same way as the one before
    a metaclass becomes one
    of ABCs                   its classes get what ABCMeta keeps of each
    `__init_subclass__` comes  it is called, as for any new subclass

Whatever cannot be as a fresh import makes it is remarked in the journal; what cannot be done at all is a `SwapError`.
"""

from __future__ import annotations

import abc
import functools
from _abc import _abc_init  # type: ignore[import-not-found]  # what ABCMeta itself calls; typeshed has it not
from collections.abc import Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType
from typing import Any

from livecode.live.committing import SwapError
from livecode.live.journal import Journal, Step, delete_class_attribute, set_attribute, set_class_attribute

_MISSING = object()


class Nothing:
    """What a class derives from that lost its last base, before Python 3.15."""


class NothingAtAll:
    """The same for a class whose last base, such as `abc.ABC`, gave its instances no `__dict__`."""

    __slots__ = ()


class Abstract:
    """What classes derive from that became abstract while they live: does what ABCMeta does for each new class."""

    __slots__ = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        _count_abstract(cls)


def set_bases(cls: type, given: tuple[Any, ...], keywords: Mapping[str, Any], journal: Journal) -> list[Step]:
    """Brings a live class to the bases of its new source.

    Args:
        cls: The class.
        given: The bases as the source has them, evaluated.
        keywords: Of the class statement, evaluated; the metaclass is one of them.
        journal: Notes every change.

    Returns:
        What is to be done when the members of the class are there too.

    Raises:
        SwapError: CPython cannot do that to a class that exists.
    """
    real = tuple(item for base in given for item in _real_bases(base, given))
    by_hand = _set_metaclass(cls, real, keywords.get("metaclass", type), journal)
    wanted = _placed(cls, (*real, Abstract) if by_hand else real)
    if wanted == cls.__bases__:
        if given != real:
            _set_given(cls, given, real, journal)
        return []
    if wanted[0] is not cls.__bases__[0]:
        _put_back(cls, wanted, journal)
    told = _telling_classes(cls, wanted, journal) if issubclass(cls, type) else []
    abstract = Abstract in cls.__bases__
    journal.do(set_attribute(cls, "__bases__", wanted), *told)
    _set_given(cls, given, real, journal)
    if by_hand:
        return _counting(cls)
    return [set_class_attribute(cls, "__abstractmethods__", frozenset())] if abstract else []


def welcoming(cls: type, given: tuple[Any, ...], keywords: Mapping[str, Any]) -> list[Step]:
    """What a base that comes wants to do with every class derived from it; to be asked before the bases are set."""
    real = tuple(item for base in given for item in _real_bases(base, given))
    if _init_subclass_of(real) in (_init_subclass_of(cls.__bases__), _MISSING):
        return []
    welcome = Welcome(cls, {name: value for name, value in keywords.items() if name != "metaclass"})
    return [Step(welcome.call, welcome.take_back)]


def refresh_abstract(cls: type, journal: Journal) -> None:
    """Counts the abstract methods of a class, and of those derived from it, again."""
    if isinstance(cls, abc.ABCMeta) or Abstract in cls.__mro__:
        journal.do(*_counting(cls))


def _counting(cls: type) -> list[Step]:
    found = dict.fromkeys((cls, *subclasses(cls)))
    return [Step(partial(_count_abstract, each), _restorer(each, "__abstractmethods__")) for each in found]


def subclasses(cls: type) -> Iterator[type]:
    """All classes derived from this one, near ones first; some twice."""
    below: list[type] = type.__subclasses__(cls)
    for sub in below:
        yield sub
        yield from subclasses(sub)


def makes_itself(cls: type) -> bool:
    """True for a class without bases that can get none while it lives, as its `__new__` calls that of `object`."""
    return cls.__bases__ == (object,) and "__new__" in cls.__dict__ and not _first_base_is_free()


def _real_bases(base: Any, bases: tuple[Any, ...]) -> tuple[type, ...]:
    entries = getattr(base, "__mro_entries__", None)
    return entries(bases) if entries is not None and not isinstance(base, type) else (base,)


def _placed(cls: type, bases: tuple[type, ...]) -> tuple[type, ...]:
    """The bases as CPython accepts them for this class."""
    from datetime import tzinfo

    bases = tuple(base for base in bases if base is not object or len(bases) == 1) if bases else (object,)
    rooted = cls.__bases__[0] in (object, tzinfo)
    if _first_base_is_free() or (rooted and bases[0] in (object, tzinfo)):
        return bases
    if rooted:
        return (tzinfo, *bases)
    if bases == (object,):
        return (Nothing if cls.__bases__[0].__dictoffset__ else NothingAtAll,)
    if _fits(cls.__base__, bases[0]) or not _fits(cls.__base__, Nothing) or Nothing in bases[0].__mro__:
        return bases
    return (Nothing, *bases)


def _fits(one: type | None, other: type | None) -> bool:
    """True if CPython takes a class for another one in front of the bases: both add the same to the same class.

    Source: `compatible_for_assignment` in CPython's typeobject.c.
    """
    mine, theirs = _laying_out(one), _laying_out(other)
    return mine is theirs or (mine.__base__ is theirs.__base__ and _layout(mine) == _layout(theirs))


def _laying_out(cls: type | None) -> type:
    """The class, or the first above it that has no more in its instances than the one below."""
    found: type = cls or object
    while found.__base__ is not None and _layout(found) == _layout(found.__base__):
        found = found.__base__
    return found


def _layout(cls: type) -> tuple[int, int, int, int]:
    return cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__, cls.__weakrefoffset__


@functools.cache
def _first_base_is_free() -> bool:
    """True if a class whose only base is `object` can get another one: from Python 3.15 on."""

    class Probe:
        pass

    try:
        Probe.__bases__ = (Nothing,)
    except TypeError:
        return False
    return True


def _put_back(cls: type, wanted: tuple[type, ...], journal: Journal) -> None:
    """Sets on the class what the builtin class in front of its bases would hide; takes it away again."""
    from datetime import tzinfo

    if wanted[0] is tzinfo:
        _refuse_own_new(cls, wanted)
        journal.remarks.append(
            f"{cls.__qualname__}.__mro__ shows datetime.tzinfo until a restart: "
            "this Python gives a class its first base only beside a builtin one"
        )
        for name in tzinfo.__dict__:
            value = _found(name, (*wanted[1:], object))
            if name not in cls.__dict__ and value is not _MISSING and name not in ("__doc__", "__getattribute__"):
                journal.do(set_class_attribute(cls, name, value))
    elif cls.__bases__[0] is tzinfo:
        before = (*cls.__bases__[1:], object)
        for name in tzinfo.__dict__:
            if name in cls.__dict__ and cls.__dict__[name] is _found(name, before):
                journal.do(delete_class_attribute(cls, name))
    elif wanted[0] in (Nothing, NothingAtAll):
        where = "in the place of its last base" if len(wanted) == 1 else "before its bases, which derive in another way"
        journal.remarks.append(f"{cls.__qualname__}.__mro__ shows an empty class {where} until a restart")


def _refuse_own_new(cls: type, wanted: tuple[type, ...]) -> None:
    mro = [base for each in wanted[1:] for base in each.__mro__]
    makers = [each.__qualname__ for each in (cls, *mro) if each is not object and "__new__" in each.__dict__]
    mixed = [each.__qualname__ for each in subclasses(cls) if _is_builtin(each)]
    if makers or mixed:
        why = f"{makers[0]} has a __new__ of its own" if makers else f"{mixed[0]} also derives from a builtin class"
        raise SwapError(f"{cls.__qualname__} cannot get its first base while it lives, as {why}: restart")


def _is_builtin(cls: type) -> bool:
    maker = _found("__new__", cls.__mro__)
    return isinstance(maker, BuiltinFunctionType) and maker is not object.__dict__["__new__"]


def _found(name: str, bases: tuple[type, ...]) -> Any:
    """What these bases have under a name, without binding it."""
    for base in bases:
        for each in base.__mro__:
            if name in each.__dict__ and (each is not object or base is object):
                return each.__dict__[name]
    return _MISSING


def _set_metaclass(cls: type, bases: tuple[type, ...], declared: Any, journal: Journal) -> bool:
    """The metaclass that these bases ask for.

    Returns:
        True if it is ABCMeta, and the class has to do without.
    """
    before: type = type(cls)
    wanted = before
    for meta in (*(type(base) for base in bases), declared):
        if isinstance(meta, type) and issubclass(meta, wanted):
            wanted = meta
        elif not isinstance(meta, type) or not issubclass(wanted, meta):
            raise SwapError(f"{cls.__qualname__} has the metaclass {before.__name__}, its new base needs another one")
    if wanted is before:
        return False
    if before is type and wanted is abc.ABCMeta:
        journal.remarks.append(
            f"{cls.__qualname__} keeps its metaclass type: its abstract methods count, "
            f"{cls.__qualname__}.register() needs a restart"
        )
        return True
    if not can_become(cls, wanted):
        raise SwapError(
            f"{cls.__qualname__} would get the metaclass {wanted.__name__}, which a class that exists cannot: restart"
        )
    put = partial(type.__setattr__, cls, "__class__")
    journal.do(Step(partial(put, wanted), partial(put, before)))
    return False


def can_become(cls: type, meta: Any) -> bool:
    """True if a class that exists can be given this metaclass: it has it, or one that makes classes in the same way."""
    mine: Any = type(cls)
    return mine is meta or (mine is not type and (meta.__new__, meta.__init__) == (mine.__new__, mine.__init__))


def _telling_classes(meta: type, wanted: tuple[type, ...], journal: Journal) -> list[Step]:
    """A metaclass becomes one of abstract classes, or stops being one: its classes get what that keeps of each."""
    comes, was = any(issubclass(base, abc.ABCMeta) for base in wanted), issubclass(meta, abc.ABCMeta)
    if comes is was:
        return []
    classes = [each for each in dict.fromkeys(subclasses(object)) if isinstance(each, meta)]
    classes.sort(key=lambda each: len(each.__mro__))
    if was:
        ended = [each for each in classes if "__abstractmethods__" in each.__dict__]
        return [set_class_attribute(each, "__abstractmethods__", frozenset()) for each in ended]
    for each in classes:
        journal.note(_restorer(each, "_abc_impl"))
    return [Step(partial(_abc_init, each), _restorer(each, "__abstractmethods__")) for each in classes]


def _count_abstract(cls: type) -> None:
    if "__abstractmethods__" not in cls.__dict__:
        type.__setattr__(cls, "__abstractmethods__", frozenset())
    abc.update_abstractmethods(cls)


def _restorer(cls: type, name: str) -> Any:
    """An inverse for a class attribute that comes or gets another value."""
    if name in cls.__dict__:
        return partial(type.__setattr__, cls, name, cls.__dict__[name])
    return partial(_take_away, cls, name)


def _take_away(cls: type, name: str) -> None:
    if name in cls.__dict__:
        type.__delattr__(cls, name)


def _set_given(cls: type, given: tuple[Any, ...], real: tuple[type, ...], journal: Journal) -> None:
    """`__orig_bases__` holds bases such as `Generic[T]` as they were written (PEP 560)."""
    if given != real:
        found = [each for base in given for each in getattr(base, "__parameters__", ())]
        journal.do(
            set_class_attribute(cls, "__orig_bases__", given),
            set_class_attribute(cls, "__parameters__", tuple(dict.fromkeys(found))),
        )
    elif "__orig_bases__" in cls.__dict__:
        generic = ("__orig_bases__", "__parameters__")
        journal.do(*(delete_class_attribute(cls, name) for name in generic if name in cls.__dict__))


def _init_subclass_of(bases: tuple[type, ...]) -> Any:
    """The `__init_subclass__` that a class of these bases is given to; `_MISSING` if it is that of `object`."""
    found = _found("__init_subclass__", tuple(base for base in bases if base is not object))
    return _MISSING if found is object.__dict__["__init_subclass__"] else found


class Welcome:
    """A base's `__init_subclass__` is told of a class that it gets; what that sets on the class can be taken back."""

    def __init__(self, cls: type, keywords: dict[str, Any]) -> None:
        self._cls, self._keywords = cls, keywords
        self._before: dict[str, Any] | None = None

    def call(self) -> None:
        self._before = dict(self._cls.__dict__)
        super(self._cls, self._cls).__init_subclass__(**self._keywords)  # type: ignore[arg-type]

    def take_back(self) -> None:
        if self._before is None:
            return
        for name in [name for name in self._cls.__dict__ if name not in self._before]:
            type.__delattr__(self._cls, name)
        for name, value in self._before.items():
            if self._cls.__dict__.get(name) is not value and name not in ("__dict__", "__weakref__"):
                type.__setattr__(self._cls, name, value)
