"""What a definition that is written anew, or executed again, leaves as it is, and what of it is another thing.

def f / class C            the object stays: who read it does not run again
@decorated def f           whatever the decorators make is another object
class C: RATE = 2          C stays, C.RATE is another value
"""

from __future__ import annotations

import ast
import re

from livecode.engine.bodies import dotted
from livecode.engine.diff import Pair, diff
from livecode.engine.forms import Form, Kind


def changed_attributes(pair: Pair) -> set[str]:
    """Attributes of a class that will have another value, methods left out; all of them if its bases change."""
    old, new = pair.old, pair.new
    if new.kind is not Kind.CLASS:
        return set()
    change = diff(old.members, new.members)
    touched = [*change.added, *change.removed, *(form for pair in change.changed for form in (pair.old, pair.new))]
    values = [form for form in touched if form.kind is not Kind.FUNCTION]
    bases = [[ast.dump(base) for base in getattr(form.node, "bases", ())] for form in (old, new)]
    found = {f"{new.name}.{name}" for form in values for name in form.names.binds}
    return found | ({f"{new.name}.?"} if bases[0] != bases[1] else set())


def other_fields(pair: Pair) -> bool:
    """True if what a class is built from changes: its bases, its decorators, or more than methods in its body."""
    change = diff(pair.old.members, pair.new.members)
    touched = [*change.added, *change.removed, *(each.new for each in change.changed)]
    heads = [
        [ast.dump(part) for name in ("bases", "decorator_list") for part in getattr(form.node, name, ())]
        for form in (pair.old, pair.new)
    ]
    return heads[0] != heads[1] or any(form.kind is not Kind.FUNCTION for form in touched)


def annotated_with(form: Form) -> set[str]:
    """The dotted names in the annotations of a class body, those in quotes too."""
    annotations = [
        node.annotation for member in form.members for node in member.nodes if isinstance(node, ast.AnnAssign)
    ]
    nodes = [node for annotation in annotations for node in ast.walk(annotation)]
    quoted = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    written = {dotted(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)}
    return written | {word for text in quoted for word in re.findall(r"[\w.]+", text)}


def remade(forms: tuple[Form, ...]) -> set[str]:
    """The names that can be made again: those of values, and of definitions whose decorators make something."""
    by_calls = {name for form in forms for _, body in form.shape.bodies for name in body.assigns}
    return by_calls | {name for form in forms if not redefines(form) for name in form.names.binds}


def redefines(form: Form) -> bool:
    """True for a form that makes nothing but functions, classes without values, and imported names."""
    values = any(member.kind is Kind.VALUE for member in form.members)
    if form.kind is Kind.CLASS and (values or bool(getattr(form.node, "bases", ()))):
        return False
    return form.kind is Kind.IMPORT or (form.kind in (Kind.FUNCTION, Kind.CLASS) and not decorated(form))


def keeps_identity(old: Form, new: Form) -> bool:
    """True if what the new form defines is folded into what the old one defined."""
    if old.kind is not new.kind or new.kind not in (Kind.FUNCTION, Kind.CLASS):
        return False
    return new.kind is Kind.CLASS or not (decorated(old) or decorated(new))


def decorated(form: Form) -> bool:
    """True for a definition with decorators."""
    return bool(getattr(form.node, "decorator_list", ()))
