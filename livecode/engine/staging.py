"""Which statements can be executed before anything is visible, and which only afterwards.

A push executes its statements against a stage: what they bind is laid over the module's namespace and becomes visible
in the same instant as everything else. The statement itself looks names up on the stage; for what it calls and for its
inner scopes, `livecode.engine.sight` sees to that. A statement for which that cannot be done is *late*: it is executed
after the rest has become visible, in the live namespace. Statements that call something keep their order: after a late
one, they are late too.

    RATE = 2                            staged
    def tax(x, rate=RATE): …            staged: the default is read by the statement itself
    TABLE = [RATE * x for x in y]       staged: the comprehension is given the stage to look at
    BASE = config.RATE                  staged: so is the statement, in place of the module
    TABLE = build()                     staged if what build() leads to can be called as clones
    PRICE = Order(RATE).total()         late if Order changes: a class cannot be cloned
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence

from livecode.engine.classes import ClassEdit
from livecode.engine.code import ANNOTATES_LATER
from livecode.engine.facts import Project, absolute
from livecode.engine.forms import Form, Kind, future_flags
from livecode.engine.leads import Hot, Leads
from livecode.engine.names import Names
from livecode.engine.sight import Named, Sight
from livecode.engine.spread import Spread
from livecode.engine.uses import Place, Use, calls_of, uses_of

RUN_WHEN_MADE = frozenset(
    {"__init_subclass__", "__set_name__", "__class_getitem__", "_generate_next_value_", "__prepare__"}
)
"""Methods that may be called while a class is made."""

INERT = (
    *(ast.Constant, ast.JoinedStr, ast.List, ast.Dict, ast.Set, ast.Tuple),
    *(ast.ListComp, ast.DictComp, ast.SetComp),
)
"""Values whose methods call nothing of the project."""


_Part = tuple[Sequence[ast.AST], frozenset[str] | None]


class _LateError(Exception):
    """The statement cannot be executed on the stage."""


class Staging:
    """Decides statement by statement, in the order in which they are executed.

    Args:
        found: Every module in which something is executed.
        swapped: Module → its functions and classes of which only bodies change.
        arriving: Modules that the push brings in.
        project: All loaded modules.
    """

    def __init__(
        self,
        found: Mapping[str, Spread],
        swapped: Mapping[str, Collection[str]],
        arriving: Collection[str],
        project: Project,
    ) -> None:
        self._found = found
        self._arriving = frozenset(arriving)
        self._waiting = False  # a late statement calls something: calls after it come after it
        self._hot = {name: Hot() for name in found}
        self._leads = Leads(found, self._hot, project)
        for name, here in found.items():
            hot = self._hot[name]
            for each in swapped.get(name, ()):
                (hot.reshaped if self._is_class(name, each) else hot.edited).add(each)
            for number in here.runs:
                hot.staged |= set(here.forms[number].names.binds)
            bound = {item for form in here.forms for item in form.names.binds} if here.dirty else set()
            hot.late |= {
                path for path in here.dirty if "." not in path
            } - bound  # names that go away are taken away before the late ones

    def decide(self, module: str, form: Form, edit: ClassEdit | None, *, replaces: bool, waits: bool) -> Sight | None:
        """What the statement sees on the stage, None if it is late; asked once for each, in order.

        Args:
            module: Where it stands.
            form: The statement.
            edit: For a class that exists: what is done to it.
            replaces: It stood there before, so what it defines keeps its identity and changes with the rest.
            waits: It has to be late for a reason of its own.
        """
        hot = self._hot[module]
        parts = list(_executed(form, edit))
        acts = any(True for nodes, _ in parts for _ in calls_of(nodes))
        late = waits or (acts and self._waiting) or self._needs_container(self._found[module], form.names)
        sight = None if late else self._sight(module, form, parts)
        self._waiting = self._waiting or (acts and sight is None)
        keeps = replaces and form.kind in (Kind.FUNCTION, Kind.CLASS) and not _decorated_function(form)
        if sight is None:
            (hot.unmade if keeps else hot.late).update(form.names.binds)
        if keeps:
            (hot.reshaped if form.kind is Kind.CLASS else hot.edited).add(form.name)
            if edit is not None and edit.rebuild:
                hot.rebuilt.add(form.name)
        return sight

    def _sight(self, module: str, form: Form, parts: Sequence[_Part]) -> Sight | None:
        if form.kind is Kind.IMPORT:
            return None if self._imports_late(self._found[module], form.names) else Sight()
        try:
            made = _Seeing(self._leads, self._hot, module, self._later_annotations(module))
            for nodes, class_names in parts:
                self._check_classes(module, nodes)
                for use in uses_of(nodes, class_names=class_names):
                    made.look_at(use, own=frozenset(form.names.binds), in_class=class_names is not None)
                made.check_calls(nodes)
        except (_LateError, RecursionError):
            return None
        return made.sight()

    def _needs_container(self, here: Spread, names: Names) -> bool:
        """True if what the statement takes must be the container that stays."""
        return bool(names.reads & here.refilled - names.touches - set(names.binds))

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

    def _later_annotations(self, module: str) -> bool:
        return ANNOTATES_LATER or bool(future_flags(self._found[module].forms))

    def _is_class(self, module: str, name: str) -> bool:
        return any(form.kind is Kind.CLASS for form in self._leads.binders(module, name))

    def _imports_late(self, here: Spread, names: Names) -> bool:
        for item in names.imports:
            module = absolute(here.facts.package, item.module, item.level)
            other = self._hot.get(module)
            if {module, f"{module}.{item.name}"} & self._arriving:
                return True
            if other is not None and (item.name == "*" or item.name in other.late):
                return True
        return False

    def _check_classes(self, module: str, nodes: Sequence[ast.AST]) -> None:
        """Class statements run some of their own methods."""
        for node in (item for each in nodes for item in ast.walk(each) if isinstance(item, ast.ClassDef)):
            enum_like = any(ast.unparse(base).rpartition(".")[2].endswith(("Enum", "Flag")) for base in node.bases)
            run = RUN_WHEN_MADE | ({"__init__", "__new__"} if enum_like else set())
            run |= {each.id for each in calls_of(node.body) if isinstance(each, ast.Name)}
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name in run]
            if self._leads.leads_inside(module, methods):
                raise _LateError


class _Seeing:
    """Collects what one statement has to see otherwise than its module.

    Raises:
        _LateError: Something cannot be seen before it is visible.
    """

    def __init__(self, leads: Leads, hot: Mapping[str, Hot], module: str, later_annotations: bool) -> None:
        self._leads, self._hot, self._module = leads, hot, module
        self._later_annotations = later_annotations
        self._inner: set[str] = set()
        self._owners: dict[str, str] = {}
        self._calls: dict[str, Named] = {}
        self._clones: set[Named] = set()
        self._fresh: set[Named] = set()

    def sight(self) -> Sight:
        """All that was collected."""
        return Sight(frozenset(self._inner), self._owners, self._calls, frozenset(self._clones), frozenset(self._fresh))

    def look_at(self, use: Use, *, own: frozenset[str], in_class: bool) -> None:
        """Sees to one use of a name."""
        if use.shadowed and (in_class and not use.inner):
            return  # the class has it
        origin, rest, owner = self._leads.target(self._module, use.path)
        here = (self._module, use.path[0])
        seen_here = not owner and self._leads.is_hot(here)
        if not (seen_here or self._leads.is_hot(origin)):
            if use.place is not Place.NAMED:
                self._call(use, origin, rest, own)
            return
        if use.later or use.shadowed or self._is_late(here if seen_here else origin) or self._is_late(origin):
            raise _LateError
        self._read(use, origin, owner, seen_here)
        self._check_kept(use, origin, rest)
        if use.place in (Place.CALLED, Place.RUN, Place.GIVEN):
            self._call(use, origin, rest, own)

    def check_calls(self, nodes: Sequence[ast.AST]) -> None:
        """Calls of what is no name: the result of a call is what that leads to, all else may be anything."""
        anything = any(hot.all() for hot in self._hot.values())
        given = _bound_inside(nodes)
        for function in calls_of(nodes):
            while isinstance(function, ast.Call | ast.Attribute):
                function = function.func if isinstance(function, ast.Call) else function.value
            known = function.id not in given if isinstance(function, ast.Name) else False
            if anything and not known and not isinstance(function, (ast.Lambda, *INERT)):
                raise _LateError

    def _hot_of(self, named: Named) -> Hot:
        return self._hot.get(named[0], Hot())

    def _is_late(self, named: Named) -> bool:
        return named[1] in self._hot_of(named).late

    def _read(self, use: Use, origin: Named, owner: str, seen_here: bool) -> None:
        """The value itself: by the statement, by an inner scope, or through a module."""
        if use.annotates and self._later_annotations:
            return
        if owner:
            there = self._leads.owner(self._module, owner)
            if there in self._hot:
                self._owners[owner] = there
        elif seen_here and use.inner:
            self._inner.add(use.path[0])

    def _check_kept(self, use: Use, origin: Named, rest: tuple[str, ...]) -> None:
        """A class that exists may be named before it is what it will be, but not looked into."""
        hot = self._hot_of(origin)
        if origin[1] not in hot.reshaped:
            return
        plain_base = use.place is Place.BASE and origin[1] not in hot.rebuilt and not self._watches_subclasses(origin)
        if rest or not (use.place is Place.NAMED or plain_base):
            raise _LateError

    def _watches_subclasses(self, named: Named) -> bool:
        members = {name for form in self._leads.binders(*named) for each in form.members for name in each.names.binds}
        return bool(members & RUN_WHEN_MADE)

    def _call(self, use: Use, origin: Named, rest: tuple[str, ...], own: frozenset[str]) -> None:
        forms = self._leads.binders(*origin)
        if use.place is Place.BASE:
            if self._watches_subclasses(origin) and self._leads.leads(origin):
                raise _LateError
            return
        if forms and not any(form.kind in (Kind.FUNCTION, Kind.CLASS, Kind.IMPORT) for form in forms):
            if use.place is Place.CALLED:
                self._call_of_value(forms, own)
            elif any(form.shape.bodies for form in forms) and self._leads.leads(origin):
                raise _LateError  # a function that a value or a branch made: who is given it may call it
            return
        if rest:  # a method of a class, an attribute of a function
            if self._leads.calls_change(origin):
                raise _LateError
            return
        clones = self._leads.clones(origin)
        if clones is None:
            raise _LateError
        if clones.staged or clones.fresh:
            if use.place is not Place.CALLED or use.later:  # whoever is given a function may call it at once
                raise _LateError
            self._calls[".".join(use.path)] = origin
            self._clones |= clones.staged
            self._fresh |= clones.fresh

    def _call_of_value(self, forms: Sequence[Form], own: frozenset[str]) -> None:
        """A method of something, or a value that can be called: whatever it may come upon must not change."""
        if all(_is_inert(form) for form in forms):
            return
        if any(hot.all() - (own if name == self._module else set()) for name, hot in self._hot.items()):
            raise _LateError


def _is_inert(form: Form) -> bool:
    value = getattr(form.node, "value", None) if form.kind is Kind.VALUE else None
    return isinstance(value, INERT) or form.kind is Kind.IMPORT


def _bound_inside(nodes: Sequence[ast.AST]) -> set[str]:
    """Names that comprehensions and lambdas give a value to: that may be any function."""
    inside = [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.comprehension)]
    bound = {item.id for each in inside for item in ast.walk(each.target) if isinstance(item, ast.Name)}
    lambdas = (item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Lambda))
    return bound | {item.arg for each in lambdas for item in ast.walk(each.args) if isinstance(item, ast.arg)}


def _decorated_function(form: Form) -> bool:
    return form.kind is Kind.FUNCTION and bool(getattr(form.node, "decorator_list", ()))


def _executed(form: Form, edit: ClassEdit | None) -> Iterator[_Part]:
    """The statements that are executed, with the names of the class that they are part of."""
    if edit is None or edit.rebuild:
        yield form.nodes, None
        return
    assert isinstance(edit.form.node, ast.ClassDef)
    names = frozenset(name for member in edit.form.members for name in member.names.binds)
    yield [node for member in edit.members for node in member.nodes], names
    if edit.bases:
        yield edit.form.node.bases, None
    for inner in edit.nested:
        yield from _executed(inner.form, inner)
