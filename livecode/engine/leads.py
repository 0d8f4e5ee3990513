"""What calling something leads to: does it come upon what a push changes, and can it be called before that is visible?

A function that leads to a change still does what it did until the push is visible. Before that a *clone* of it can be
called, one that sees the stage, if the clone leaves no trace in what it returns. That is so for plain functions which
make no functions or classes, and which name other functions only to call them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from livecode.engine.facts import Project, absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.sight import Named
from livecode.engine.spread import Spread
from livecode.engine.uses import Place, Use, uses_in, uses_of

LOOKING_AROUND = frozenset({"globals", "locals", "vars", "eval", "exec", "__import__", "dir"})
"""Builtins by which a function sees the namespace itself."""

CONSUMING = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sum", "any", "all", "min", "max", "sorted", "join"}
)
"""What uses a generator up before it returns."""

_UNFIT = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom),
    *(ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Import, ast.ImportFrom),
)


@dataclass
class Hot:
    """What is different about a module until the push is visible.

    Attributes:
        staged: Names that statements of the push bind.
        edited: Functions that exist, which do something else when the push becomes visible.
        reshaped: Classes that exist, which are other than before then.
        rebuilt: Those of them that are built anew.
        unmade: Functions and classes that exist and stay, but are brought up to date by a late statement.
        late: Other names that late statements bind, and names that go away.
    """

    staged: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)
    rebuilt: set[str] = field(default_factory=set)
    unmade: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    def all(self) -> set[str]:
        """Every name that is not yet what it will be."""
        return self.staged | self.edited | self.reshaped | self.late


@dataclass(frozen=True, slots=True)
class Clones:
    """Functions to call instead of those that exist.

    Attributes:
        staged: They have to see the stage.
        fresh: Their code is new, but what they use is there.
    """

    staged: frozenset[Named] = frozenset()
    fresh: frozenset[Named] = frozenset()


class _Need(StrEnum):
    NOTHING = "it can be called as it is"
    CODE = "it needs its new code"
    STAGE = "it has to see the stage"
    TIME = "it cannot be called before the push is visible"


class Leads:
    """Follows names through the modules of a project.

    Args:
        found: Every module in which something is executed, with its forms as they will be.
        hot: What is different about each of them; it grows while statements are decided on.
        project: All other loaded modules.
    """

    def __init__(self, found: Mapping[str, Spread], hot: Mapping[str, Hot], project: Project) -> None:
        self._modules: dict[str, Spread | None] = dict(found)
        self._hot = hot
        self._project = project
        self._binders: dict[str, dict[str, list[Form]]] = {}
        self._inside: dict[int, tuple[Use, ...]] = {}
        self._starred: dict[str, tuple[str, ...]] = {}
        self._known: dict[Named, bool] = {}

    def module(self, name: str) -> Spread | None:
        """A module of the project, None if it is none."""
        if name not in self._modules:
            facts = self._project.facts(name) if self._project.owns(name) else None
            self._modules[name] = None if facts is None else Spread(facts, facts.forms)
        return self._modules[name]

    def binders(self, module: str, name: str) -> list[Form]:
        """The statements of a module that bind a name."""
        here = self.module(module)
        if here is None:
            return []
        if module not in self._binders:
            table: dict[str, list[Form]] = {}
            for form in here.forms:
                for bound in form.names.binds:
                    table.setdefault(bound, []).append(form)
            self._binders[module] = table
        return self._binders[module].get(name, [])

    def target(self, module: str, path: tuple[str, ...]) -> tuple[Named, tuple[str, ...], str]:
        """What a chain of attributes stands for: a name where it comes from, the rest of the chain, and the module.

        Returns:
            The name, followed through imports; the attributes that are read of it; and the part of the chain that
            stands for a module of the project, empty if there is none.
        """
        bound_to = self._module_bound_to(module, path[0])
        for length in range(len(path) - 1, 0, -1) if bound_to else ():
            there = ".".join((bound_to, *path[1:length]))
            if self.module(there) is not None:
                return self.origin(there, path[length]), path[length + 1 :], ".".join(path[:length])
        return self.origin(module, path[0]), path[1:], ""

    def owner(self, module: str, owner: str) -> str:
        """The module that a part of a chain stands for, as `target` gave it."""
        first, *rest = owner.split(".")
        return ".".join((self._module_bound_to(module, first), *rest))

    def _module_bound_to(self, module: str, name: str) -> str:
        """The module that an import statement binds a name to; `import a.b` binds `a`."""
        here = self.module(module)
        for form in self.binders(module, name) if here is not None else ():
            for item in form.names.imports:
                if item.bound == name:
                    source = absolute(here.facts.package, item.module, item.level)  # type: ignore[union-attr]
                    if item.name is not None:
                        return f"{source}.{item.name}"
                    return name if item.module.partition(".")[0] == name else source
        return ""

    def origin(self, module: str, name: str) -> Named:
        """The name where it is defined, through `from x import y` and `from x import *`."""
        seen = set[Named]()
        while (module, name) not in seen:
            seen.add((module, name))
            here = self.module(module)
            for form in self.binders(module, name) if here is not None else ():
                for item in form.names.imports:
                    source = absolute(here.facts.package, item.module, item.level)  # type: ignore[union-attr]
                    if item.bound == name and item.name is not None and self.module(source) is not None:
                        module, name = source, item.name
            if (module, name) in seen and not self.binders(module, name):
                module = next((each for each in self._stars(module) if self._has(each, name)), module)
        return module, name

    def _stars(self, module: str) -> tuple[str, ...]:
        """The modules of the project of which a module imports all names; the last one wins."""
        if module not in self._starred:
            here = self.module(module)
            items = [item for form in here.forms for item in form.names.imports] if here is not None else []
            found = [absolute(here.facts.package, i.module, i.level) for i in items if i.name == "*"]  # type: ignore[union-attr]
            self._starred[module] = tuple(each for each in reversed(found) if self.module(each) is not None)
        return self._starred[module]

    def _has(self, module: str, name: str, depth: int = 4) -> bool:
        """True if a module binds a name, or has it by a star import."""
        return bool(self.binders(module, name)) or (
            depth > 0 and any(self._has(each, name, depth - 1) for each in self._stars(module))
        )

    def is_hot(self, named: Named) -> bool:
        """True for a name that is not yet what it will be."""
        hot = self._hot.get(named[0])
        return hot is not None and named[1] in hot.all()

    def leads(self, named: Named) -> bool:
        """True if what stands behind a name is changed, or leads by what it uses to something that is."""
        seen, waiting = set[Named](), [named]
        while waiting:
            each = waiting.pop()
            if self._known.get(each) or self.is_hot(each):
                self._known[named] = True
                return True
            if each not in seen and each not in self._known:
                seen.add(each)
                waiting += self._targets_inside(each)
        self._known.update(dict.fromkeys(seen, False))
        return False

    def leads_inside(self, module: str, functions: Iterable[ast.FunctionDef | ast.AsyncFunctionDef]) -> bool:
        """The same for bodies of functions."""
        uses = (use for function in functions for use in uses_in(function))
        return any(self.leads(target) for use in uses for target in self._targets(module, use))

    def _targets_inside(self, named: Named) -> set[Named]:
        module, forms = named[0], self.binders(*named)
        found = {target for form in forms for use in self._uses(form) for target in self._targets(module, use)}
        bodies = (body for form in forms if form.kind is Kind.VALUE for _, body in form.shape.bodies)
        for path in (path for body in bodies for path in (*((name,) for name in body.names), *body.attributes)):
            found |= {self.target(module, path)[0], (module, path[0])}
        return found

    def _targets(self, module: str, use: Use) -> set[Named]:
        """The name itself, as it may be on the stage of its module, and where it comes from."""
        origin, _, _ = self.target(module, use.path)
        return {origin, (module, use.path[0])}

    def _uses(self, form: Form) -> tuple[Use, ...]:
        """What calling a function, using a class or calling a value comes upon."""
        if id(form) not in self._inside:
            self._inside[id(form)] = tuple(_uses_of_form(form))
        return self._inside[id(form)]

    def clones(self, named: Named) -> Clones | None:
        """The functions to clone so that calling this one sees the stage; None if it cannot be."""
        need = self._need(named)
        if need is not _Need.STAGE:
            return {_Need.NOTHING: Clones(), _Need.CODE: Clones(fresh=frozenset({named}))}.get(need)
        found, waiting = set[Named](), [named]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                further = self._called_by(each)
                if further is None:
                    return None
                waiting += further
        return Clones(staged=frozenset(found))

    def _need(self, named: Named) -> _Need:
        """What has to be different about something that is called."""
        hot, name = self._hot.get(named[0], Hot()), named[1]
        if name in hot.late | hot.unmade | hot.reshaped:
            return _Need.TIME
        if self._is_foreign(named):
            return _Need.NOTHING
        if self.calls_change(named):
            return _Need.STAGE
        return _Need.CODE if name in hot.edited else _Need.NOTHING

    def calls_change(self, named: Named) -> bool:
        """True if what a function or class uses is changed, or leads to what is; or if it uses itself, and changes."""
        return any(map(self.leads, self._targets_inside(named)))

    def _is_function(self, named: Named) -> bool:
        forms = self.binders(*named)
        return len(forms) == 1 and forms[0].kind is Kind.FUNCTION and not getattr(forms[0].node, "decorator_list", ())

    def _called_by(self, named: Named) -> list[Named] | None:
        """The functions that a clone of this one has to find as clones; None if it cannot be cloned."""
        node = self.binders(*named)[0].node if self._is_function(named) else None
        if not isinstance(node, ast.FunctionDef) or self._need(named) is _Need.TIME or not _is_fit(node):
            return None
        further = []
        for use in uses_in(node):
            target, rest, _ = self.target(named[0], use.path)
            if use.path[0] in LOOKING_AROUND or not isinstance(getattr(use.node, "ctx", None), ast.Load):
                return None
            if not any(self.leads(each) for each in self._targets(named[0], use)):
                continue
            need = self._need(target)
            if use.place is Place.CALLED and not rest and need is not _Need.TIME:
                further += [] if need is _Need.NOTHING else [target]
            elif not self._is_value(target):
                return None
        return further

    def _is_value(self, named: Named) -> bool:
        """True for a name that the stage holds as a value."""
        hot = self._hot.get(named[0], Hot())
        made = all(form.kind is Kind.VALUE for form in self.binders(*named))
        return named[1] in hot.staged - hot.late and (made or self._is_foreign(named))

    def _is_foreign(self, named: Named) -> bool:
        """True for what is imported from elsewhere: it knows nothing of the project."""
        forms = self.binders(*named)
        return bool(forms) and all(form.kind is Kind.IMPORT for form in forms)


def _uses_of_form(form: Form) -> Iterator[Use]:
    for node in form.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from uses_of(node.decorator_list)
        elif form.kind is Kind.VALUE:  # what was made by a call is made; a function in it is called by who calls it
            yield from (use for use in uses_of([node]) if use.place is not Place.CALLED)
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from uses_in(inner)
            elif isinstance(inner, ast.ClassDef):
                yield from uses_of([inner])


def _is_fit(function: ast.FunctionDef) -> bool:
    """True if nothing that the call makes can keep the function's globals."""
    consumed = {id(item) for node in ast.walk(function) for item in _consumed_by(node)}
    for node in ast.walk(function):
        if node is not function and isinstance(node, _UNFIT):
            return False
        if isinstance(node, ast.GeneratorExp | ast.Lambda) and id(node) not in consumed:
            return False
    return True


def _consumed_by(node: ast.AST) -> list[ast.expr]:
    """Generators and lambdas that a call uses up before it returns."""
    if not isinstance(node, ast.Call):
        return []
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    keys = [word.value for word in node.keywords if word.arg == "key" and name in {"sorted", "min", "max", "sort"}]
    return [*(node.args if name in CONSUMING else ()), *keys]
