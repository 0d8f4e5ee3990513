"""Which unchanged statements must be executed again, because they read what a push changes.

    config.py    RATE = 1  ──▶ 2                 the push
    pricing.py   from config import RATE          reads config.RATE       → re-run
                 BASE = RATE * 100                reads RATE              → re-run
                 def price(): return BASE         reads it when called    → not re-run

The statements are gone through in order, as an import would, with what is dirty by then (`livecode.engine.reach`) and
with what made each name by then (`livecode.engine.history`). Rules:

    values      who reads a name that is bound to another value, or an object that changes inside, runs again
    functions   what their author edits does not make others run: their results are *stale*, and said to be
    earlier     a statement that runs and needs a name as it was made earlier has its makers run again too
    later       the statements that make a name in the end run last, or the name keeps the value that it has
    containers  a list, dict or set that only statements of its module fill is filled again as a whole, in place

A function or class that is only redefined keeps its identity, so it dirties nobody; of a class, the attributes that
change are dirty, as ``Class.attribute``. Dirt goes along imports to other modules, until nothing is added.
"""

from __future__ import annotations

from collections.abc import Mapping

from livecode.engine.diff import Diff
from livecode.engine.facts import ModuleFacts, Project, import_targets
from livecode.engine.outline import importing, outlines
from livecode.engine.spread import Spread
from livecode.engine.walk import Walk


def spread(
    diffs: Mapping[str, Diff],
    edited: Mapping[str, ModuleFacts],
    project: Project,
    again: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, Spread]:
    """Every module that is reached: what is executed there, with the reason for each form, and what calls come upon.

    Args:
        diffs: What the push does to each of its loaded modules.
        edited: The same modules as they run now, with the forms of the new source.
        project: The other loaded modules.
        again: Module → names that are to be made again because the author says so.
    """
    wanted = again or {}
    walks = {name: Walk(facts, diffs[name], project, wanted.get(name)) for name, facts in edited.items()}
    for name in wanted.keys() - walks.keys():
        facts = project.facts(name)
        if facts is not None:
            walks[name] = Walk(facts, None, project, wanted[name])
    to_come = outlines((name, facts.package, facts.forms) for name, facts in edited.items())
    idle: dict[str, Walk] = {}  # modules in which nothing is to be done, as far as that is known
    told: set[str] = set()
    waiting = dict.fromkeys(walks)  # each once, however many of those that it imports from have grown
    while waiting:
        name = next(iter(waiting))
        del waiting[name]
        walk = walks.get(name) or idle.get(name) or _unedited(name, project)
        if walk is None:
            continue
        grown = walk.go({**walks, name: walk})
        (walks if grown or name in walks else idle)[name] = walk
        if grown or (name in walks and name not in told and walk.here.exports()):
            told.add(name)
            waiting |= dict.fromkeys((*project.readers(name, walk.here.words()), *importing(to_come, name)))
    return {name: walk.here for name, walk in walks.items()}


def _unedited(module: str, project: Project) -> Walk | None:
    facts = project.facts(module)
    return None if facts is None else Walk(facts, None, project)


def run_order(found: Mapping[str, Spread]) -> list[str]:
    """The modules in an order in which each comes after those it imports from; cycles keep the order given."""
    if len(found) == 1:
        return list(found)
    order: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in visiting:
            return
        visiting.add(name)
        here = found[name]
        for form in here.forms:
            for item in form.names.imports:
                for target in import_targets(here.facts, item):
                    if target in found:
                        visit(target)
        order.append(name)

    for name in found:
        visit(name)
    return order
