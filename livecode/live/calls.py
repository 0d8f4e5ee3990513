"""What call statements at module level put into registries: found, and taken back when they change, go or run again.

    log.addHandler(logging.StreamHandler())   the one handler of exactly that class that the logger has
    HANDLERS.append(notify)                   the one entry that is the function
    atexit.register(close, pool)              the one exit function that it is; registered again, it is called first

Nothing at import time wrote down what a statement put where. So what is meant must be the only thing that it can be;
otherwise nothing is taken back, and the report says so.
"""

from __future__ import annotations

import ast
import atexit
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from livecode.engine.forms import Form, Kind
from livecode.engine.planned import ModulePlan
from livecode.live.adapters.atexit import ExitFunctions, register_once
from livecode.live.journal import Journal, Step
from livecode.live.places import Entry, Place, fill, is_same, place
from livecode.live.reach import Owner, owner_of, resolve
from livecode.live.reconcile import Delta, difference, no_line
from livecode.live.registrations import Registrations

_UNKNOWN = object()

_OF_CONTAINERS: dict[type, str] = {list: "append", set: "add"}
"""The methods of plain containers that put one thing in."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry that a statement put somewhere."""

    where: Place
    entry: Entry
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class AtExit:
    """A function that a statement registered for the end of the process, and what it is called with."""

    function: Any
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]

    def back(self) -> None:
        """Registers it again, if it is not there."""
        register_once(self.function, *self.arguments, **dict(self.keywords))


Effect = Listed | AtExit


def can_undo(form: Form, forms: Sequence[Form], filename: str, namespace: Mapping[str, Any]) -> bool:
    """True if what a statement of a running module put into a registry is known for certain.

    Args:
        form: The statement.
        forms: All of the module: a name must have stood for one thing only, and nobody may do the same.
        filename: Of the module's code.
        namespace: Of the module.
    """
    call = _call(form)
    if call is None:
        return False
    written = ast.dump(call)
    same = sum(other is not None and ast.dump(other) == written for other in map(_call, forms))
    names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    often = any(sum(name in other.names.binds for other in forms) > 1 for name in names)
    return same == 1 and not often and effect_of(form, filename, namespace) is not None


def effect_of(form: Form, filename: str, namespace: Mapping[str, Any]) -> Effect | None:
    """What a statement has put into a registry; None if that is not certain."""
    call = _call(form)
    if call is None or not call.args or any(isinstance(item, ast.Starred) for item in call.args):
        return None
    if _value(call.func, namespace) is atexit.register:
        return _at_exit(call, form, filename, namespace)
    where, owner = _place_of(call, namespace)
    if where is None:
        return None
    entries = where.read()
    meant = [entry for entry in entries if _is_meant(call.args[0], entry.value, form, filename, namespace)]
    return Listed(where, meant[0], owner) if len(meant) == 1 else None


def _call(form: Form) -> ast.Call | None:
    """The call that a statement is, if it is nothing else and calls a method."""
    node = form.nodes[0] if len(form.nodes) == 1 and form.kind is Kind.OTHER else None
    call = node.value if isinstance(node, ast.Expr) else None
    return call if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else None


def _place_of(call: ast.Call, namespace: Mapping[str, Any]) -> tuple[Place | None, Owner | None]:
    """Where a call puts its first argument."""
    assert isinstance(call.func, ast.Attribute)
    thing = _value(call.func.value, namespace)
    if thing is _UNKNOWN:
        return None, None
    if _OF_CONTAINERS.get(type(thing)) == call.func.attr and len(call.args) == 1:
        return place(thing), None
    owner = owner_of(thing)
    container = owner.adapter.filled_by(owner.thing, call.func.attr) if owner is not None else None
    return (None if container is None else place(container)), owner


def _is_meant(argument: ast.expr, thing: Any, form: Form, filename: str, namespace: Mapping[str, Any]) -> bool:
    """True if an entry is what the argument was."""
    if isinstance(argument, ast.Lambda):
        return type(thing) is FunctionType and _stands_in(thing, form, filename)
    if isinstance(argument, ast.Call):
        cls = _value(argument.func, namespace)
        return isinstance(cls, type) and issubclass(cls, logging.Filterer | logging.Filter) and type(thing) is cls
    return not isinstance(argument, ast.Constant) and _is_it(thing, _value(argument, namespace))


def _stands_in(function: FunctionType, form: Form, filename: str) -> bool:
    code = function.__code__
    is_lambda = code.co_qualname == "<lambda>" and code.co_filename == filename
    return is_lambda and form.start <= code.co_firstlineno <= form.end


def _is_it(one: Any, other: Any) -> bool:
    if type(one) is MethodType and type(other) is MethodType:
        return one.__self__ is other.__self__ and one.__func__ is other.__func__
    return one is other


def _at_exit(call: ast.Call, form: Form, filename: str, namespace: Mapping[str, Any]) -> AtExit | None:
    functions = ExitFunctions(atexit).entries()
    meant = [each for each in functions if _is_meant(call.args[0], each, form, filename, namespace)]
    arguments = tuple(_value(item, namespace) for item in call.args[1:])
    keywords = tuple((word.arg or "", _value(word.value, namespace)) for word in call.keywords)
    given = [*arguments, *(value for _, value in keywords)]
    unknown = any(value is _UNKNOWN for value in given) or any(word.arg is None for word in call.keywords)
    return None if unknown or len(meant) != 1 else AtExit(meant[0], arguments, keywords)


def _value(expression: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What an expression is, as far as no code has to run for that; `_UNKNOWN` otherwise."""
    if isinstance(expression, ast.Constant):
        return expression.value
    if isinstance(expression, ast.Call):
        return _logger(expression, namespace)
    depth, root = 1, expression
    while isinstance(root, ast.Attribute):
        depth, root = depth + 1, root.value
    path = resolve(expression, namespace) if isinstance(root, ast.Name) else []
    if len(path) != depth:
        return _UNKNOWN
    if depth > 1 and type(path[-1]) is FunctionType and not isinstance(path[-2], type | ModuleType):
        return MethodType(path[-1], path[-2])
    return _UNKNOWN if isinstance(path[-1], property | staticmethod | classmethod) else path[-1]


def _logger(call: ast.Call, namespace: Mapping[str, Any]) -> Any:
    """The logger that `logging.getLogger("shop")` gives: it is always the same one."""
    given = [_value(item, namespace) for item in call.args]
    named = all(type(value) is str for value in given) and len(given) < 2
    if call.keywords or not named or _value(call.func, namespace) is not logging.getLogger:
        return _UNKNOWN
    return logging.getLogger(*given)


class Calls:
    """What the call statements of one push had done before it.

    Args:
        registrations: They become visible together with these.
        journal: Of the push.
    """

    def __init__(self, registrations: Registrations, journal: Journal) -> None:
        self._registrations, self._journal = registrations, journal
        self._found: dict[int, Effect] = {}

    def find(self, plan: ModulePlan, filename: str, namespace: Mapping[str, Any]) -> None:
        """Notes what there is of all that is to be taken back, before anything is executed."""
        for form in (*plan.undone, *(each for run in plan.runs for each in run.undoes)):
            effect = effect_of(form, filename, namespace)
            if effect is not None:
                self._found[id(form)] = effect

    def steps(self, forms: Iterable[Form], filename: str) -> list[Step]:
        """Takes back what statements did that go: the steps that are not the registrations' own."""
        steps = []
        for form in forms:
            effect = self._found.get(id(form))
            if isinstance(effect, AtExit):
                steps.append(Step(partial(atexit.unregister, effect.function), effect.back))
            elif effect is not None:
                self._note(effect.where, effect.owner, filename, Delta((effect.entry,), (), (), False, no_line))
        return steps

    def redo(
        self, old: Form, form: Form, filename: str, namespace: Mapping[str, Any], execute: Callable[[], object]
    ) -> None:
        """Executes a statement; what it puts into a registry stands where that of the old one was."""
        effect = self._found.get(id(old))
        if isinstance(effect, AtExit):
            self._journal.note(effect.back)
            atexit.unregister(effect.function)
        call = _call(form)
        if call is not None and _value(call.func, namespace) is atexit.register:
            before = ExitFunctions(atexit).entries()
            execute()
            for function in ExitFunctions(atexit).entries():
                if not any(_is_it(function, known) for known in before):
                    self._journal.note(partial(atexit.unregister, function))
            execute = _nothing
        if isinstance(effect, Listed):
            self._exchange(effect, form, filename, namespace, execute)
        else:
            execute()

    def _exchange(
        self, effect: Listed, form: Form, filename: str, namespace: Mapping[str, Any], execute: Callable[[], object]
    ) -> None:
        where, before = effect.where, effect.where.read()
        try:
            execute()
            after = where.read()
        finally:
            if not is_same(where.read(), before):
                fill(where, before)
        added, dropped, in_front = difference(before, after)
        call = _call(form)
        there = _place_of(call, namespace)[0] if call is not None and call.args else None
        again = there is not None and there.thing is where.thing
        if again and call is not None and _is_it(effect.entry.value, _value(call.args[0], namespace)) and not added:
            return  # a registry that has it already does not take it twice
        self._note(where, effect.owner, filename, Delta((effect.entry,), added, dropped, in_front, no_line))

    def _note(self, where: Place, owner: Owner | None, filename: str, delta: Delta) -> None:
        self._registrations.note(where, owner, filename, delta)


def _nothing() -> None:
    """What is left to execute when it has been executed."""
