"""What a module gives to those who import from it, and what they may do with it."""

from __future__ import annotations

import ast
from collections.abc import Callable

from livecode.engine.facts import ModuleFacts, absolute
from livecode.engine.forms import Form
from livecode.engine.names import Imported


def fills(facts: ModuleFacts, module: str, name: str) -> bool:
    """True if a module that imports the container may change it."""
    for form in (form for form in facts.forms if name in form.shape.words):
        for item in form.names.imports:
            if item.name == name and absolute(facts.package, item.module, item.level) == module:
                local = item.bound
                for other in facts.forms:
                    if local in other.names.touches or any(local in body.changes for _, body in other.shape.bodies):
                        return True
        if form.names.touches and any(attribute == name for _, attribute in form.names.attributes):
            return True
        if any(body.changes and name in body.reached for _, body in form.shape.bodies):
            return True
    return False


def exported(forms: tuple[Form, ...], star: Callable[[Imported], set[str]]) -> set[str]:
    """The names that `from module import *` brings; names that an `__all__` computes are not known, so all count."""
    bound = {name for form in forms for name in form.names.binds}
    bound |= {name for form in forms for _, body in form.shape.bodies for name in body.assigns}  # if it is called
    for item in (item for form in forms for item in form.names.imports if item.name == "*"):
        bound |= star(item)
    listing = [form for form in forms if "__all__" in form.names.binds or "__all__" in form.names.touches]
    if not listing:
        return {name for name in bound if not name.startswith("_")}
    listed = _literal(listing[0]) if len(listing) == 1 else None
    return bound if listed is None else listed


def _literal(form: Form) -> set[str] | None:
    value = getattr(form.node, "value", None)
    if not isinstance(value, ast.List | ast.Tuple):
        return None
    items = [item.value for item in value.elts if isinstance(item, ast.Constant)]
    return {item for item in items if isinstance(item, str)} if len(items) == len(value.elts) else None
