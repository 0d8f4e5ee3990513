"""Executes the statements of a plan: on a stage first, the late ones in the live namespace.

On the stage a statement reads the module and what was staged before it; what it binds, and every step that its classes
and functions need, is collected. Nothing of that is visible until `Stage.steps` is done, in one C call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache, partial
from types import FunctionType, ModuleType
from typing import Any

from livecode.engine.code import ANNOTATES_LATER
from livecode.engine.facts import absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.hints import declarations
from livecode.engine.names import Imported
from livecode.engine.planned import Run
from livecode.engine.prepare import PreparedModule, PreparedRun
from livecode.engine.sight import Named
from livecode.live.annotating import Hinting
from livecode.live.committing import Committing, SwapError
from livecode.live.contents import attributes_of
from livecode.live.effects import effects_since, process_state
from livecode.live.fold import fold, fold_under_wrapper
from livecode.live.fold_class import apply_members, class_at, fold_class
from livecode.live.guard import guard
from livecode.live.journal import Journal, Step, delete_item, restore_attribute, set_item
from livecode.live.origin import is_made_in
from livecode.live.refill import can_refill, refill
from livecode.live.rehearsal import Rehearsal
from livecode.live.remaking import is_made_anew, move
from livecode.live.throwaway import Registries
from livecode.live.traces import Source
from livecode.live.views import GONE, Views, as_it_is

_MISSING = GONE


class Scope(MutableMapping[str, Any]):
    """What a statement executes in: a module's namespace, or that with a stage laid over it.

    It knows which names the statement binds. Without a stage, other threads see each as it is bound.

    Args:
        module: The module.
        stage: Where names are bound that are not visible yet; None binds them in the module.
    """

    def __init__(self, module: ModuleType, stage: dict[str, Any] | None) -> None:
        self.module = module
        self.namespace = module.__dict__
        self.stage: dict[str, Any] = {} if stage is None else stage
        self.staged = stage is not None
        self.bound: dict[str, None] = {}

    def __setitem__(self, name: str, value: object) -> None:
        self.bound[name] = None
        (self.stage if self.staged else self.namespace)[name] = value

    def __getitem__(self, name: str) -> Any:
        value = self.stage[name] if name in self.stage else self.namespace[name]
        if value is _MISSING:
            raise KeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        self[name]
        self.bound[name] = None
        if self.staged:
            self.stage[name] = _MISSING
        else:
            del self.namespace[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in {**self.namespace, **self.stage} if self.get(name, _MISSING) is not _MISSING)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Stage:
    """What staged statements of all modules bound, and the steps that make it visible.

    Args:
        state: The commit under way; its journal collects while statements are executed.
    """

    def __init__(self, state: Committing) -> None:
        self._state = state
        self._names: dict[str, dict[str, Any]] = {}
        self._made: dict[Named, FunctionType] = {}
        self.views = Views(self._names, self._made, [])

    def execute(self, prepared: Sequence[tuple[PreparedModule, ModuleType]]) -> None:
        """Executes all statements that are not late."""
        self._state.journal.stage()
        self._names.update((module.__name__, {}) for _, module in prepared)
        self.views = Views(self._names, self._made, [part for part, _ in prepared])
        for part, module in prepared:
            _run_all(part, module, self._names[module.__name__], self, self._state)

    def close(self) -> None:
        """From now on whoever looks at the stage sees the modules."""
        for names in self._names.values():
            names.clear()

    def may_execute(self, run: Run) -> bool:
        """False for a statement that has to wait after all, as does everything after it."""
        postponed = self._state.postponed
        if postponed or not self.views.are_ready(run.sight):
            postponed.add(id(run))
            self._state.warnings.append(f"{run.form.label()}: a moment after the rest, as it needed the new code")
        return not postponed

    def note_made(self, module: ModuleType, name: str, value: object) -> None:
        """Remembers a function before it is folded into the one that exists, which does not run its code yet."""
        if type(value) is FunctionType:
            self._made[module.__name__, name] = value

    def steps(self, prepared: Sequence[tuple[PreparedModule, ModuleType]]) -> list[Step]:
        """Names first, then what classes and functions need: what is new is there before anything uses it."""
        needed = self._state.journal.release()
        names: list[Step] = []
        for _, module in prepared:
            for name, value in self._names[module.__name__].items():
                if value is _MISSING and name in module.__dict__:
                    names.append(delete_item(module.__dict__, name))
                elif value is not _MISSING and module.__dict__.get(name, _MISSING) is not value:
                    names.append(set_item(module.__dict__, name, value))
        return [*names, *needed]

    def imported(self, module: ModuleType, item: Imported) -> object:
        """What `from x import y` binds where x has a stage; `_MISSING` where it has none."""
        package = module.__dict__.get("__package__") or ""
        source = absolute(package, item.module, item.level)
        names = self._names.get(source, {})
        return names.get(item.name or "", _MISSING)


def execute_late(prepared: Sequence[tuple[PreparedModule, ModuleType]], state: Committing) -> None:
    """Executes the late statements in the live namespaces, and makes annotations again."""
    late = len(state.journal.folds)
    hinting = [Hinting(part, module) for part, module in prepared if part.hints]
    for each in hinting:
        each.turn(state.journal)
    for part, module in prepared:
        _run_all(part, module, None, None, state)
        if part.annotations is not None:
            _annotate(part, module.__dict__, state.journal)
    for each in hinting:
        each.finish(state.journal)
    _renew(prepared, state, late)
    state.where = ("", 0)


def _renew(prepared: Sequence[tuple[PreparedModule, ModuleType]], state: Committing, earlier: int) -> None:
    """Routes and the like are made anew where they were derived from classes, or from functions that came late."""
    changed = [
        cls
        for part, module in prepared
        for each in part.runs
        if each.run.old is not None and isinstance(cls := module.__dict__.get(each.run.form.name), type)
    ]
    state.registrations.renew(state.journal.folds[earlier:], [*changed, *state.reshaped])
    state.journal.do(*state.registrations.steps(state.journal.folds))


def _run_all(
    part: PreparedModule, module: ModuleType, names: dict[str, Any] | None, stage: Stage | None, state: Committing
) -> None:
    if not part.runs:
        return
    bound_often = _bound_often(part.plan.forms)
    first: dict[str, object] = {}
    made: dict[str, bool] = {}
    scope = Scope(module, names)
    last = {name: number for number, each in enumerate(part.runs) for name in _makes(each.run.form)}
    for number, prepared in enumerate(part.runs):
        late = prepared.run.late or id(prepared.run) in state.postponed
        if late is (names is not None) or (stage is not None and not stage.may_execute(prepared.run)):
            continue
        state.where = (part.plan.module, prepared.run.form.start)
        often = bound_often.intersection(prepared.run.form.names.binds)
        kept = [name for name in part.plan.refilled if name in _makes(prepared.run.form)]
        for name in (*often, *kept):
            first.setdefault(name, scope.namespace.get(name, _MISSING))
        before = process_state()
        try:
            _execute(prepared, part, scope, stage, bound_often, state)
            if stage is None:
                state.journal.do(*state.registrations.steps(state.journal.folds))
        finally:
            state.effects += effects_since(before, prepared.run.form.start)
        made.update((name, made.get(name, False) or name in scope.bound) for name in often)
        for name in kept:
            if last[name] == number:
                _refill(name, first.pop(name), scope, state.journal)
    for name, old in first.items():
        new = scope.get(name, _MISSING)
        if name in part.plan.restored:
            _restore(name, old, scope)
        elif not made.get(name, True) and _all_run(name, part) and new is not _MISSING:
            del scope[name]  # none of the branches that bind it is taken any more
        elif old is not _MISSING and new is not _MISSING and not _stands(name, old, part):
            scope[name] = fold(old, new, state.journal, scope.namespace)


def _makes(form: Form) -> set[str]:
    return {*form.names.binds, *form.names.touches}


def _all_run(name: str, part: PreparedModule) -> bool:
    ran = {id(each.run.form) for each in part.runs}
    return all(id(form) in ran for form in part.plan.forms if name in form.names.binds)


def _stands(name: str, old: object, part: PreparedModule) -> bool:
    """True for a function whose own statement did not change: another one of its name, as of many `_`, is not it."""
    if type(old) is not FunctionType:
        return False
    was = {id(pair.new): pair.old for pair in (*part.plan.swaps, *part.plan.shifts)}
    ran = {id(each.run.form) for each in part.runs}
    standing = [was.get(id(form), form) for form in part.plan.forms if form.name == name and id(form) not in ran]
    return any(form.start <= old.__code__.co_firstlineno <= form.end for form in standing)


def _restore(name: str, old: object, scope: Scope) -> None:
    """The statement that makes a name in the end was not executed: the name has the value from then."""
    if old is not _MISSING:
        scope[name] = old
    elif name in scope:
        del scope[name]


def _refill(name: str, old: object, scope: Scope, journal: Journal) -> None:
    """What holds the container sees what was put into it: the one that was there gets the contents of the new one."""
    new = scope.get(name, _MISSING)
    if can_refill(old, new):
        journal.do(*refill(old, new, name))
        scope[name] = old


def _execute(
    prepared: PreparedRun,
    part: PreparedModule,
    scope: Scope,
    stage: Stage | None,
    bound_often: frozenset[str],
    state: Committing,
) -> None:
    form, old, namespace = prepared.run.form, prepared.run.old, scope.namespace
    _guard(form, scope, state)
    if not prepared.run.sight.is_plain:
        prepared = prepared.seeing(stage.views.of(prepared.run.sight) if stage is not None else as_it_is)
    if prepared.edited_class is not None:
        cls = class_at(namespace, prepared.edited_class.edit.path)
        if cls is None:
            raise SwapError(f"{form.label()} is no class any more")
        members = partial(apply_members, cls, prepared.edited_class, state.journal, namespace, scope.stage)
        _registering(prepared, part, scope, members, state)
        return
    assert prepared.code is not None
    before = dict(namespace)
    scope.bound = {}
    edit, standing = prepared.run.edit, before.get(form.name)
    registries = Registries(standing, state.journal) if edit is not None and isinstance(standing, type) else None
    state.journal.note(_Restore(namespace, before, scope.bound))
    if not (stage is not None and _import_staged(form, scope, stage)):
        _registering(prepared, part, scope, partial(exec, prepared.code, namespace, scope), state)
    for name in list(scope.bound):
        value, earlier = scope.get(name, _MISSING), before.get(name, _MISSING)
        if stage is not None:
            stage.note_made(scope.module, name, value)
        if _MISSING in (value, earlier) or name in bound_often or value is earlier:
            continue
        wrapped_elsewhere = _undecorated(old) and name not in _bound_often(part.plan.before)
        if wrapped_elsewhere and fold_under_wrapper(earlier, value, state.journal):
            scope[name] = earlier
            state.warnings.append(
                f"{form.label()} was wrapped at run time by {_type_of(earlier)}, which stays around it"
            )
        elif _replaces(earlier, name, namespace) if old is None else _defines(form, name, value):
            if registries is not None and isinstance(earlier, type) and isinstance(value, type):
                kept, bound = (edit.kept, edit.bound) if edit is not None else (frozenset[str](), None)
                folded = fold_class(earlier, value, state.journal, kept, bound)
                if edit is not None and folded is not earlier:  # who imported the class would keep the old one
                    raise SwapError(f"{form.label()} becomes a class that the live one cannot become: restart")
                scope[name] = folded
                registries.put_in_place(earlier, value)
            elif edit is None and is_made_anew(earlier, value):
                move(earlier, value, state.journal)
            else:
                scope[name] = fold(earlier, value, state.journal, namespace)
    if old is not None:  # a branch that is not taken any more
        for name in form.names.binds:
            if name not in scope.bound and name not in bound_often and name in scope:
                del scope[name]


def _registering(
    prepared: PreparedRun, part: PreparedModule, scope: Scope, execute: Callable[[], object], state: Committing
) -> None:
    """Executes a statement, and keeps what it registers until it may be seen."""
    if prepared.run.registers:
        Rehearsal(state.registrations, prepared, part.plan, part.filename, scope).run(execute)
    elif prepared.run.form.kind is Kind.OTHER:
        old, form = next(iter(prepared.run.undoes), None), prepared.run.form
        state.calls.redo(old, form, Source(part.plan.module, part.plan.forms, part.filename, scope), execute)
    else:
        execute()


def _import_staged(form: Form, scope: Scope, stage: Stage) -> bool:
    """Binds what a `from … import` takes from a stage; True if that was all of it."""
    if form.kind is not Kind.IMPORT or not all(isinstance(item.name, str) for item in form.names.imports):
        return False
    values = [(item.bound, stage.imported(scope.module, item)) for item in form.names.imports]
    if all(value is _MISSING for _, value in values):
        return False
    for item, (bound, value) in zip(form.names.imports, values, strict=True):
        if value is _MISSING:
            package = scope.namespace.get("__package__") or ""
            value = getattr(sys.modules[absolute(package, item.module, item.level)], item.name or "")
        scope[bound] = value
    return True


def _annotate(part: PreparedModule, namespace: dict[str, Any], journal: Journal) -> None:
    """Makes the module's annotations again: they are one dict up to Python 3.13, one function from 3.14 on."""
    local: dict[str, Any] = {}
    assert part.annotations is not None
    exec(part.annotations, namespace, local)
    if "__conditional_annotations__" in local:  # from 3.14 on: which of them are there
        declared = [name for form in part.plan.forms for name in _annotated_with_value(form)]
        indexes = {number for number, name in enumerate(declared) if name and name not in namespace}
        local["__conditional_annotations__"] -= indexes
    if "__annotations__" in local:
        for name in _not_taken(part.plan.forms, namespace):
            local["__annotations__"].pop(name, None)
    for name in ("__annotations__", "__annotate__", "__conditional_annotations__"):
        if name in local:
            journal.do(set_item(namespace, name, local[name]))
        elif name in namespace:
            journal.do(delete_item(namespace, name))


def _not_taken(forms: Sequence[Form], namespace: Mapping[str, Any]) -> Iterator[str]:
    """The names that are annotated in branches which were not taken."""
    there = None if ANNOTATES_LATER else namespace.get("__annotations__", {})
    for form in forms:
        for node in declarations(form.nodes) if form.kind is Kind.OTHER and form.shape.annotates else ():
            name = getattr(node.target, "id", "")
            if name not in there if there is not None else node.value is not None and name not in namespace:
                yield name


@lru_cache(maxsize=2)  # each function that is executed asks for the same
def _bound_often(forms: tuple[Form, ...]) -> frozenset[str]:
    """Names that several forms bind: they are folded once, when all have been executed."""
    seen: set[str] = set()
    often: set[str] = set()
    for form in forms:
        for name in form.names.binds:
            (often if name in seen else seen).add(name)
    return frozenset(often)


def _defines(form: Form, name: str, value: object) -> bool:
    """True if executing the form made the value, rather than giving a name to something that exists."""
    if form.kind in (Kind.FUNCTION, Kind.CLASS) and form.name == name:
        return True
    if type(value) is FunctionType:
        return form.start <= value.__code__.co_firstlineno <= form.end and form.kind is not Kind.IMPORT
    return isinstance(value, type) and value.__name__ == name and form.kind is not Kind.IMPORT


def _replaces(earlier: object, name: str, namespace: dict[str, Any]) -> bool:
    """True if a new statement takes the name of a function or class of this module: who holds it has what it is now."""
    if type(earlier) is not FunctionType and isinstance(earlier, type):
        return earlier.__qualname__ == name and is_made_in(earlier, namespace)
    if type(earlier) is not FunctionType or earlier.__globals__ is not namespace:
        return False
    return earlier.__code__.co_qualname in (name, "<lambda>")


def _undecorated(old: Form | None) -> bool:
    """True if what ran before was a function that its own source did not wrap."""
    return old is not None and old.kind is Kind.FUNCTION and not getattr(old.node, "decorator_list", ())


def _type_of(wrapper: Any) -> str:
    """How people know a wrapper: by the module and name of its class, or of the function that it is."""
    named = getattr(wrapper, "__code__", None)
    module = wrapper.__globals__.get("__name__") if type(wrapper) is FunctionType else type(wrapper).__module__
    return f"{module}.{named.co_qualname if named else type(wrapper).__qualname__}"


def _annotated_with_value(form: Form) -> Iterator[str]:
    """The names that a statement annotates, in order; empty for those that it gives no value."""
    for node in declarations(form.nodes) if form.shape.annotates else ():
        yield getattr(node.target, "id", "") if node.value is not None else ""


class _Restore:
    """Puts back the names that executing a form bound, and takes away those that are new.

    Other names are other people's: a counter that a thread went on counting is left alone.
    """

    def __init__(self, namespace: dict[str, Any], before: dict[str, Any], names: Mapping[str, None]) -> None:
        self.namespace, self.before, self.names = namespace, before, names

    def __call__(self) -> None:
        for name in list(self.namespace):
            if name not in self.before:
                del self.namespace[name]
        for name in self.names:
            if name in self.before:
                self.namespace[name] = self.before[name]


def _guard(form: Form, scope: Scope, state: Committing) -> None:
    """Keeps what the statement can reach, for a roll back."""
    for name, key, is_attribute in form.names.parts:
        owner = scope.get(name)
        if is_attribute and attributes_of(owner) is not None:
            state.journal.note(restore_attribute(owner, str(key)))
    roots = [scope.get(name) for name in (*form.names.reads, *form.names.binds, "__annotations__")]
    for owner, attribute in form.names.attributes:
        holder = scope.get(owner)
        if isinstance(holder, ModuleType):
            roots.append(holder.__dict__.get(attribute))
    guard(roots, state)
