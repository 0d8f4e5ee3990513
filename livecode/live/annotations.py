"""Gives a function or class that exists other annotations: text, values, or what computes them.

Up to Python 3.13 annotations are a dict, from 3.14 on mostly a function that makes it when it is asked (PEP 649).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from livecode.engine.code import ANNOTATES_LATER
from livecode.live.journal import Step


def executed(code: CodeType, namespace: dict[str, Any], owner: type | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a piece of a module, or of the body of a class, binds where it sees what the real one saw.

    Args:
        code: The piece.
        namespace: Of the module.
        owner: The class, None for a piece of the module.
        known: Other names that it sees.
    """
    local = dict(known)
    if owner is not None:
        local.update({name: value for name, value in owner.__dict__.items() if not name.startswith("__")})
        local.update({item.__name__: item for item in getattr(owner, "__type_params__", ())})
    exec(code, namespace, local)
    scope = local.get("__classdictcell__")
    if scope is not None:  # what lazily evaluated annotations look names up in, from 3.12 on
        scope.cell_contents = owner.__dict__ if owner is not None else local
    return local


def annotation_steps(old: Any, new: FunctionType) -> Iterator[Step]:
    """The steps that give a function the annotations of another one."""
    if not ANNOTATES_LATER:
        if old.__annotations__ != new.__annotations__ or _kinds(old) != _kinds(new):
            yield from _giving(old, "__annotations__", new.__annotations__)
    elif new.__annotate__ is not None:  # type: ignore[attr-defined]  # from 3.14 on
        yield from _giving(old, "__annotate__", new.__annotate__)  # type: ignore[attr-defined]
    elif old.__annotate__ is not None or old.__annotations__ != new.__annotations__:
        yield from _giving(old, "__annotations__", new.__annotations__)


def class_annotation_steps(
    cls: type, code: CodeType, namespace: dict[str, Any], stage: Mapping[str, Any] | None = None
) -> Iterator[Step]:
    """The steps that give a class the annotations that a class body makes.

    Args:
        cls: The class.
        code: A class body of nothing but annotations.
        namespace: Of the module.
        stage: Names of the module that are not visible yet.
    """
    local = executed(code, namespace, cls, stage or {})
    later = local.get("__annotate_func__") or local.get("__annotate__")
    if ANNOTATES_LATER and later is not None:
        yield from _giving(cls, "__annotate__", later)
    elif "__annotations__" in local:
        yield from _giving(cls, "__annotations__", local["__annotations__"])
    elif _own_annotations(cls):
        yield from _giving(cls, "__annotations__", {})


def folded_annotation_steps(old: type, new: type) -> Iterator[Step]:
    """The steps that give a class the annotations of the one that was built anew."""
    later = new.__annotate__ if ANNOTATES_LATER else None  # type: ignore[attr-defined]  # from 3.14 on
    if later is not None:
        yield from _giving(old, "__annotate__", later)
    elif _own_annotations(new) or _own_annotations(old):
        yield from _giving(old, "__annotations__", dict(new.__annotations__) if _own_annotations(new) else {})


def _own_annotations(cls: type) -> bool:
    return any(cls.__dict__.get(name) for name in ("__annotations__", "__annotations_cache__", "__annotate_func__"))


def _kinds(function: Any) -> list[type]:
    return [type(value) for value in function.__annotations__.values()]


def _giving(thing: Any, name: str, value: object) -> Iterator[Step]:
    """Sets annotations, or what makes them; undone by setting what was there, which may be the other one.

    What makes them is not asked: names in it may be gone, which is no matter as long as nobody looks.
    """
    own = thing.__dict__.get("__annotations__") if isinstance(thing, type) else None
    if ANNOTATES_LATER and own is not None and name == "__annotate__":  # which goes before what computes it
        yield Step(partial(type.__delattr__, thing, "__annotations__"), int)
    put = type.__setattr__ if isinstance(thing, type) else object.__setattr__
    later = thing.__annotate__ if ANNOTATES_LATER else None
    before = ("__annotate__", later) if later is not None else ("__annotations__", thing.__annotations__)
    yield Step(partial(put, thing, name, value), partial(put, thing, *before))
