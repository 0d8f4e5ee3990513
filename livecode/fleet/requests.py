"""A push as it is asked for: made of what a caller gave, and refused where that cannot be meant. No worker is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from livecode.engine.check import refuse_name, refuse_source
from livecode.engine.refusals import refusal
from livecode.errors import UsageError
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Refusal

NOTHING: Mapping[str, str] = MappingProxyType({})


def push_of(
    sources: Mapping[str, str | None],
    author: str,
    reason: str,
    force: bool,
    origins: Mapping[str, str] = NOTHING,
    rerun: Sequence[str] = (),
) -> Push:
    """The push of these sources, by module.

    Raises:
        UsageError: They are none.
    """
    if not isinstance(sources, Mapping) or not (sources or rerun) or not all(isinstance(name, str) for name in sources):
        raise UsageError("a push needs modules: {'shop.pricing': source}, where None as source unloads")
    modules = (ModuleSource(name, source, origins.get(name, "")) for name, source in sources.items())
    return Push(tuple(modules), author, reason, force, rerun=tuple(rerun))


def refused_here(items: Sequence[ModuleSource]) -> tuple[Refusal, ...]:
    """Why modules of a push cannot be meant."""
    return tuple(found for item in items if (found := _refuse(item)) is not None)


def _refuse(item: ModuleSource) -> Refusal | None:
    source: object = item.source
    if not isinstance(source, str | None):
        what = f"the source is {type(source).__name__}, not text"
        return refusal("LC505", what, module=item.module)
    return refuse_name(item.module) or refuse_source(item)
