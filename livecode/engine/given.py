"""Whether a function calls what it is given: here, or in the module that it is imported from.

def apply(f): return f()         TABLE = apply(build) depends on what build() reads
def keep(f): FUNCTIONS.append(f) KEPT = keep(build) does not
"""

from __future__ import annotations

from livecode.engine.facts import ModuleFacts, Project, absolute

MAX_IMPORTS = 4
"""A name is followed through this many modules."""


def calls_given(callee: str, facts: ModuleFacts, project: Project, depth: int = MAX_IMPORTS) -> bool:
    """True if the function that a name stands for in a module calls one of its arguments."""
    first, _, rest = callee.partition(".")
    for form in facts.forms:
        if any(body.calls_given for name, body in form.shape.bodies if name == callee):
            return True
        for item in form.names.imports if depth else ():
            if item.bound not in (first, "*"):
                continue
            module = absolute(facts.package, item.module, item.level)
            named = rest or (callee if item.bound == "*" else item.name or "")
            whole = module if not rest or item.name is None else f"{module}.{item.name}"
            there = project.facts(whole)
            if there is not None and named and calls_given(named, there, project, depth - 1):
                return True
    return False
