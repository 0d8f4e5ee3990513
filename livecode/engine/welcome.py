"""What `__init_subclass__` of the bases makes of a class: it runs once for each class, and reads what the class says.

class Strategy:
    def __init_subclass__(cls): REGISTRY[cls.name] = cls       reads cls.name
class Follow(Strategy):
    name = "follow"  ──▶ "trail"                               so it is asked again, for Follow alone
"""

from __future__ import annotations

from collections.abc import Iterator

from livecode.engine.bodies import Inside, dotted
from livecode.engine.facts import ModuleFacts, Project, absolute
from livecode.engine.forms import Form, Kind

MAX_DEPTH = 8
"""Bases of bases are followed this far."""


def welcomes(form: Form, facts: ModuleFacts, project: Project, depth: int = MAX_DEPTH) -> Iterator[Inside]:
    """The bodies of `__init_subclass__` that classes of the project have for a class derived from them."""
    for base in getattr(form.node, "bases", ()):
        found = _class(dotted(base), facts, project, depth)
        if found is None:
            continue
        parent, there = found
        for member in parent.members:
            if member.name == "__init_subclass__":
                yield from (body for _, body in member.shape.bodies)
        yield from welcomes(parent, there, project, depth - 1)


WHOLE = frozenset({"__dict__", "vars", "dir", "getattr", "getmembers", "get_annotations", "__annotations__"})
"""By these a function may read any attribute of a class."""


def reads_any(form: Form, names: set[str], facts: ModuleFacts, project: Project) -> bool:
    """True if `__init_subclass__` of the bases may read one of these attributes of the class."""
    bodies = welcomes(form, facts, project) if names else ()
    return any(names & body.reached or WHOLE & (body.reached | body.names) for body in bodies)


def given_by(form: Form, facts: ModuleFacts, project: Project) -> set[str]:
    """The attributes that `__init_subclass__` may set on the class: any that it names."""
    return {name for body in welcomes(form, facts, project) for name in body.reached}


def _class(path: str, facts: ModuleFacts, project: Project, depth: int) -> tuple[Form, ModuleFacts] | None:
    """The class statement that a base leads to, here or in another module of the project."""
    first, _, rest = path.partition(".")
    for form in reversed(facts.forms if first and depth > 0 else ()):
        if first not in form.names.binds:
            continue
        if form.kind is Kind.CLASS and not rest:
            return form, facts
        for item in form.names.imports:
            if item.bound == first:
                module = absolute(facts.package, item.module, item.level)
                whole = module if item.name is None else f"{module}.{item.name}"
                there = project.facts(whole if rest else module)
                name = rest or item.name or ""
                return _class(name, there, project, depth - 1) if there is not None else None
        return None
    return None
