"""Says which slots a class would gain or lose, and how many live instances stand in the way."""

from __future__ import annotations

import ast

from livecode.engine.facts import ModuleFacts
from livecode.engine.forms import Form
from livecode.engine.refusals import refusal
from livecode.model.report import Refusal


def refuse_layout(facts: ModuleFacts, old: Form, new: Form, held: tuple[str, ...] | None) -> Refusal:
    """The refusal of a changed `__slots__`: what changes, and for how many live instances.

    Args:
        facts: The module.
        old: The class as it runs.
        new: The class to come.
        held: Who uses it, None if that is not known.
    """
    before, after = _slots(old), _slots(new)
    qualname = ".".join((*old.scope, old.name))
    what = f"{new.label()} {_difference(before, after, live_instances(facts, qualname))}"
    if held and facts.population(qualname) == 0:
        what += f", but it is used by {', '.join(held[:3])}"
    return refusal("LC103", what, module=facts.module, line=_slots_line(new))


def live_instances(facts: ModuleFacts, qualname: str) -> str:
    """How many instances of a class live, as people read it."""
    count = facts.population(qualname)
    if count == 1:
        return "1 live instance"
    return "an unknown number of live instances" if count is None else f"{count:,} live instances"


def _slots_line(form: Form) -> int:
    return next((member.start for member in form.members if "__slots__" in member.names.binds), form.start)


def keeps_layout(old: Form, new: Form) -> bool:
    """True if the class has the same slots as before, written in another way or order.

    Source: `type_new_slots_impl` in CPython's typeobject.c sorts them.
    """
    before, after = _slots(old), _slots(new)
    return bool(before and after) and sorted(before or ()) == sorted(after or ())


def _difference(before: tuple[str, ...] | None, after: tuple[str, ...] | None, instances: str) -> str:
    if (before is None and after is None) or (() in (before, after) and before == after):
        return f"changes how its __slots__ are made; {instances} have the old layout"
    if before is None:
        return f"gets __slots__; {instances} have a __dict__ instead"
    if after is None:
        return f"loses its __slots__; {instances} would lack a __dict__"
    gained = [name for name in after if name not in before]
    lost = [name for name in before if name not in after]
    if gained:
        also = f" and loses {_named(lost)}" if lost else ""
        return f"gains {_named(gained)}{also}; {instances} would lack {'it' if len(gained) == 1 else 'them'}"
    return f"loses {_named(lost)}; {instances} hold {'one' if len(lost) == 1 else 'them'}"


def _named(slots: list[str]) -> str:
    return f"slot{'' if len(slots) == 1 else 's'} {', '.join(map(repr, slots))}"


def _slots(form: Form) -> tuple[str, ...] | None:
    """The names in `__slots__`; None if there is none, nothing if code makes it."""
    for member in form.members:
        if "__slots__" in member.names.binds:
            value = getattr(member.node, "value", None)
            try:
                names = ast.literal_eval(value) if value is not None else None
            except (ValueError, TypeError, SyntaxError):
                return ()
            names = (names,) if isinstance(names, str) else names
            known = isinstance(names, tuple | list | set | dict)
            return tuple(map(str, names)) if known and names is not None else ()
    return None
