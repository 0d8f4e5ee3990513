"""Functions of which another tool runs a translation, told by the type of the live object: nothing is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType

from livecode.live.contents import attributes_of

MAKERS = {
    "numba": "numba",
    "torch": "torch",
    "triton": "triton",
    "jaxlib": "jax.jit",
    "jax": "jax.jit",
    "Cython": "Cython",
    "taichi": "taichi",
}
"""Top-level package of an object's class → who compiled the function that it stands for."""

TYPES = {"cython_function_or_method": "Cython", "fused_cython_function": "Cython"}
"""The same by the name of the class, where its module says nothing."""


STANDS_FOR = ("py_func", "__wrapped__", "_torchdynamo_orig_callable", "fn", "_orig_mod")
"""Attributes by which what was compiled knows the function that it was made of."""


def compiled_by(value: object) -> str:
    """Who compiled the function that a name stands for; empty if it runs its own code."""
    kind = type(value)
    if kind is FunctionType:
        return "torch.compile" if "_torchdynamo_orig_callable" in value.__dict__ else ""
    if issubclass(kind, type | ModuleType):
        return ""
    package = kind.__module__.partition(".")[0] if isinstance(kind.__module__, str) else ""
    maker = TYPES.get(kind.__name__) or MAKERS.get(package, "")
    return maker if maker and (callable(value) or maker in TYPES.values()) and _is_made_of_one(value) else ""


def _is_made_of_one(value: object) -> bool:
    """True if it stands for one function: a tensor or a layer is of such a package too."""
    own = attributes_of(value) or {}
    return any(name in own for name in STANDS_FOR) or "function" in type(value).__name__.lower()


def compiler_of(module: ModuleType, classes: Mapping[str, type], qualname: str) -> str:
    """Who compiled a function or method of a module; empty if it runs its own code."""
    owner, _, name = qualname.rpartition(".")
    holder = classes.get(owner) if owner else module
    value = holder.__dict__.get(name) if holder is not None else None
    value = getattr(value, "__func__", value) if type(value) in _WRAPPED else value
    return compiled_by(value) or (_compiled_elsewhere(module, value) if type(value) is FunctionType else "")


def _compiled_elsewhere(module: ModuleType, function: FunctionType) -> str:
    """Who compiled a function that runs its own code, too: under another name of its module, ``fast = njit(slow)``."""
    if sys.modules.keys().isdisjoint(MAKERS):
        return ""
    for name, value in list(module.__dict__.items()):
        maker = "" if value is function else compiled_by(value)
        if maker and any(value_of is function for value_of in _made_of(value)):
            return f"{maker} (in {name})"
    return ""


def _made_of(value: object) -> Iterator[object]:
    own = attributes_of(value) or {}
    return (own.get(name) for name in STANDS_FOR)


_WRAPPED = (staticmethod, classmethod)
