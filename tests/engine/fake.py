"""A project written by hand, and short ways to ask the engine about an edit of it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping

import pytest
from hypothesis import settings

from livecode.engine.diff import Diff, diff
from livecode.engine.facts import ClassKind, ModuleFacts
from livecode.engine.forms import Form, Kind, parse
from livecode.engine.outline import Outline
from livecode.engine.plan import plan
from livecode.engine.planned import ModulePlan, Plan
from livecode.engine.prepare import PreparedModule, prepare

Sources = Mapping[str, str]

steady = settings(deadline=None, max_examples=60)
"""Nothing is timed in a test: a slow machine fails none."""

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12 (PEP 695)")


def bug(reason: str) -> pytest.MarkDecorator:
    """Marks a test that shows a known fault of the engine: it must fail, until the fault is gone."""
    return pytest.mark.xfail(strict=True, reason=reason)


def bug_since(version: tuple[int, int], reason: str) -> pytest.MarkDecorator:
    """The same for a fault that shows on newer Pythons; which of them was the first is not known for sure."""
    return pytest.mark.xfail(sys.version_info >= version, strict=sys.version_info >= (3, 14), reason=reason)


class FakeProject:
    """Loaded modules given as text; every class is a plain one unless `kinds` says otherwise.

    Decorators in `known` are those of which the registrations can be taken back.
    """

    def __init__(
        self,
        sources: Sources,
        kinds: Mapping[str, ClassKind] | None = None,
        packages: str = "",
        known: Collection[str] = (),
    ) -> None:
        self._known = known
        self._facts = {name: _facts(name, text, kinds or {}, packages.split()) for name, text in sources.items()}

    def facts(self, module: str) -> ModuleFacts | None:
        """See `Project.facts`."""
        return self._facts.get(module)

    def outline(self, module: str) -> Outline | None:
        """See `Project.outline`."""
        facts = self._facts.get(module)
        return None if facts is None else Outline(module, facts.package, facts.forms)

    def owns(self, module: str) -> bool:
        """See `Project.owns`."""
        return module in self._facts

    def importers(self, module: str) -> Iterator[str]:
        """See `Project.importers`."""
        outlines = map(self.outline, self._facts)
        return (each.module for each in outlines if each and each.module != module and module in each.imports)

    def readers(self, module: str, words: Iterable[str]) -> Iterator[str]:
        """See `Project.readers`."""
        return self.importers(module)

    def makers(self, module: str, words: Iterable[str]) -> Iterator[str]:
        """See `Project.makers`."""
        return self.importers(module)

    def can_take_back(self, module: str, form: Form, decorator: str) -> bool:
        """See `Project.can_take_back`."""
        return decorator in self._known

    def can_undo(self, module: str, form: Form) -> bool:
        """See `Project.can_undo`."""
        return False


def _facts(name: str, text: str, kinds: Mapping[str, ClassKind], packages: Iterable[str]) -> ModuleFacts:
    forms = parse(text)
    package = name if name in packages else name.rpartition(".")[0]
    return ModuleFacts(name, package, forms, dict.fromkeys(_classes(forms), ClassKind.PLAIN) | dict(kinds))


def _classes(forms: Iterable[Form]) -> Iterator[str]:
    for form in forms:
        if form.kind is Kind.CLASS:
            yield ".".join((*form.scope, form.name))
            yield from _classes(form.members)


def differing(before: str, after: str) -> Diff:
    """What an edit does to the forms."""
    return diff(parse(before), parse(after))


def planned(before: Sources, after: Sources, kinds: Mapping[str, ClassKind] | None = None, packages: str = "") -> Plan:
    """The plan for pushing `after` onto a service that runs `before`."""
    return plan({name: parse(text) for name, text in after.items()}, FakeProject(before, kinds, packages))


def plan_of(before: str, after: str, **kinds: ClassKind) -> ModulePlan:
    """The part of the one module `m`."""
    made = planned({"m": before}, {"m": after}, kinds)
    assert made.refusals == ()
    return next(module for module in made.modules if module.module == "m")


def codes(before: str, after: str, **kinds: ClassKind) -> list[str]:
    """The codes with which the edit of one module is refused."""
    return [item.code for item in planned({"m": before}, {"m": after}, kinds).refusals]


def runs(before: Sources, after: Sources, packages: str = "") -> dict[str, list[str]]:
    """What is executed: module → labels, in order."""
    made = planned(before, after, packages=packages)
    assert made.refusals == ()
    return {module.module: [run.form.label() for run in module.runs] for module in made.modules}


def ran(before: str, after: str) -> list[str]:
    """What is executed of the one module `m`."""
    return runs({"m": before}, {"m": after})["m"]


def prepared(before: str, after: str, **kinds: ClassKind) -> PreparedModule:
    """The edit of one module, compiled."""
    (module,) = prepare(planned({"m": before}, {"m": after}, kinds), {"m": "<m>"})
    return module
