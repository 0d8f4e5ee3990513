"""Which statements can be executed before anything is visible, and which only afterwards.

A push executes its statements against a stage: what they bind is laid over the module's namespace and becomes visible
in the same instant as everything else. But only the statement itself sees the stage. A function that it calls, a
comprehension or a class body looks names up in the module as it still is. A statement for which that would make a
difference is *late*: it is executed after the rest has become visible, in the live namespace. Statements that call
something keep their order: after a late one, they are late too.

    RATE = 2                    staged
    def tax(x, rate=RATE): …    staged: the default is read by the statement itself
    TABLE = build()             late if build(), or what it calls, changes or reads a name that changes; else staged
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from livecode.engine.dependents import Spread, module_bound_to
from livecode.engine.facts import absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.names import Names

_OWN_SCOPE = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.ClassDef)


@dataclass
class _Hot:
    """What is different about a module until the push is visible.

    Attributes:
        staged: Names that statements of the push bind.
        edited: Functions and classes that exist, which do something else when the push becomes visible.
        reshaped: Classes that exist, whose attributes change then.
        late: Names that late statements bind.
    """

    staged: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    def all(self) -> set[str]:
        """Every name that is not yet what it will be."""
        return self.staged | self.edited | self.reshaped | self.late

    def cannot_read(self) -> set[str]:
        """Names whose value, or an attribute of it, is not there yet. A function may be named: it stays itself."""
        return self.reshaped | self.late


class Staging:
    """Decides statement by statement, in the order in which they are executed.

    Args:
        found: Every module in which something is executed.
        swapped: Module → its functions of which only the body changes.
        arriving: Modules that the push brings in.
    """

    def __init__(
        self, found: Mapping[str, Spread], swapped: Mapping[str, Collection[str]], arriving: Collection[str]
    ) -> None:
        self._found = found
        self._arriving = frozenset(arriving)
        self._waiting = False  # a late statement calls something: calls after it come after it
        self._hot = {name: _Hot(edited=set(swapped.get(name, ()))) for name in found}
        for name, here in found.items():
            for number in here.runs:
                self._hot[name].staged |= set(here.forms[number].names.binds)
            bound = {item for form in here.forms for item in form.names.binds} if here.dirty else set()
            names = {path for path in here.dirty if "." not in path}
            self._hot[name].late |= names - bound  # names that go away are taken away before the late ones

    def is_late(self, module: str, form: Form, *, replaces: bool, rebuilds: bool) -> bool:
        """True if the statement has to wait; asked once for each, in order.

        Args:
            module: Where it stands.
            form: The statement.
            replaces: It stood there before, so what it defines keeps its identity and changes with the rest.
            rebuilds: It makes a class anew that is folded into the one that exists.
        """
        here, hot = self._found[module], self._hot[module]
        acts = any(_calls(node) for node in form.nodes)
        waits = rebuilds or (acts and self._waiting) or self._must_wait(here, hot, form)
        self._waiting = self._waiting or (acts and waits)
        if waits:
            hot.late |= set(form.names.binds)
        elif replaces and form.kind in (Kind.FUNCTION, Kind.CLASS):
            (hot.reshaped if form.kind is Kind.CLASS else hot.edited).add(form.name)
        return waits

    def needs(self, here: Spread, form: Form) -> frozenset[str]:
        """Every name of the module that executing the statement reads, itself or by what it calls."""
        found, waiting = set(form.names.reads), [*form.names.calls]
        waiting += [f"{owner}.{attribute}" for owner, attribute in form.names.attributes]
        seen = set[str]()
        while waiting:
            path = waiting.pop()
            for other in here.forms if path not in seen else ():
                for name, body in other.shape.bodies if path.rpartition(".")[2] in other.shape.words else ():
                    if name == path or name.rpartition(".")[2] == path.rpartition(".")[2]:
                        found |= body.names
                        waiting += [*body.calls, *body.reached]
            seen.add(path)
        return frozenset(found)

    def _must_wait(self, here: Spread, hot: _Hot, form: Form) -> bool:
        names = form.names
        if form.kind is Kind.IMPORT:
            return self._imports_late(here, names)
        if names.reads & (hot.cannot_read() | self._imported(here, _Hot.cannot_read)):
            return True
        if names.calls & (hot.edited | self._imported(here, lambda other: other.edited)):
            return True
        if names.reads & here.refilled - names.touches - set(names.binds):
            return True  # what it takes must be the container that stays
        if self._reads_of_modules(here, names) or _inner_reads(form) & hot.all():
            return True
        return self._calls_what_changes(here, form)

    def _imported(self, here: Spread, chosen: Callable[[_Hot], set[str]]) -> set[str]:
        """Names of this module that stand for such a name of another module of the push."""
        names = set()
        for form in here.forms:
            for item in form.names.imports:
                other = self._hot.get(absolute(here.facts.package, item.module, item.level))
                if other is not None and item.name in chosen(other):
                    names.add(item.bound)
        return names

    def _imports_late(self, here: Spread, names: Names) -> bool:
        for item in names.imports:
            module = absolute(here.facts.package, item.module, item.level)
            other = self._hot.get(module)
            if {module, f"{module}.{item.name}"} & self._arriving:
                return True
            if other is not None and (item.name == "*" or item.name in other.late):
                return True
        return False

    def _reads_of_modules(self, here: Spread, names: Names) -> bool:
        for owner, attribute in names.attributes:
            module = module_bound_to(here, owner)
            if module in self._hot and attribute in self._hot[module].all():
                return True
        return False

    def _calls_what_changes(self, here: Spread, form: Form) -> bool:
        for node in form.nodes:
            for call in _calls(node):
                if self._call_sees_change(here, call, form):
                    return True
        return False

    def _call_sees_change(self, here: Spread, function: ast.expr, form: Form) -> bool:
        root = function
        while isinstance(root, ast.Attribute | ast.Call | ast.Subscript):
            root = root.func if isinstance(root, ast.Call) else root.value
        hot = self._hot[here.facts.module]
        if not isinstance(root, ast.Name):
            return bool(hot.all() - set(form.names.binds))
        if self._mentions(here, root.id, set()):
            return True
        binders = [other for other in here.forms if root.id in other.names.binds]
        own_value = any(other.kind not in (Kind.FUNCTION, Kind.CLASS, Kind.IMPORT) for other in binders)
        return own_value and bool(hot.all() - set(form.names.binds))

    def _mentions(self, here: Spread, name: str, seen: set[tuple[str, str]]) -> bool:
        """True if what stands behind a name leads, by the names in its body, to one that changes."""
        module = here.facts.module
        if (module, name) in seen:
            return False
        seen.add((module, name))
        for form in here.forms:
            if name not in form.names.binds:
                continue
            for item in form.names.imports:
                other = self._found.get(absolute(here.facts.package, item.module, item.level))
                if item.bound == name and other is not None and item.name is not None:
                    hot = self._hot[other.facts.module].all()
                    if item.name in hot or self._mentions(other, item.name, seen):
                        return True
            if form.kind in (Kind.FUNCTION, Kind.CLASS):
                inside = form.shape.mentions - {name}
                if inside & self._hot[module].all() or any(self._mentions(here, each, seen) for each in inside):
                    return True
        return False


def _inner_reads(form: Form) -> set[str]:
    """Names that a comprehension, lambda or class body inside the statement looks up by itself."""
    inner = [item for node in form.nodes for item in ast.walk(node) if isinstance(item, _OWN_SCOPE)]
    return {item.id for scope in inner for item in ast.walk(scope) if isinstance(item, ast.Name)} - set(
        form.names.binds
    )


def _calls(node: ast.AST) -> list[ast.expr]:
    """What the statement calls while it is executed, decorators included; bodies of functions do not count."""
    found: list[ast.expr] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Call):
            found.append(item.func)
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [decorator for decorator in item.decorator_list if not isinstance(decorator, ast.Call)]
            waiting += [*item.decorator_list, *item.args.defaults, *(d for d in item.args.kw_defaults if d)]
        elif isinstance(item, ast.Lambda):
            continue
        else:
            if isinstance(item, ast.ClassDef):
                found += [decorator for decorator in item.decorator_list if not isinstance(decorator, ast.Call)]
            waiting += ast.iter_child_nodes(item)
    return found
