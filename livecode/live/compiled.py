"""Functions of which another tool runs a translation, told by the type of the live object: nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
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
    names = ("py_func", "__wrapped__", "_torchdynamo_orig_callable", "fn", "_orig_mod")
    return any(name in own for name in names) or "function" in type(value).__name__.lower()


def compiler_of(module: ModuleType, classes: Mapping[str, type], qualname: str) -> str:
    """Who compiled a function or method of a module; empty if it runs its own code."""
    owner, _, name = qualname.rpartition(".")
    holder = classes.get(owner) if owner else module
    value = holder.__dict__.get(name) if holder is not None else None
    return compiled_by(getattr(value, "__func__", value) if type(value) in _WRAPPED else value)


_WRAPPED = (staticmethod, classmethod)
