"""What the call statements of a module ask for: which registry is to get which thing.

    app.include_router(router, prefix="/q")     target app, thing router, said "/q"
    bus.subscribe(EVENT, on_event)              target bus, thing on_event
    app.get("/x")(read)                         target app, thing read, said "/x"
    log.addHandler(StreamHandler())             target log, a new instance of StreamHandler

The thing is a function if one is given, else another object, else a class: entries of registries are recognised by it.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from livecode.engine.forms import Form
from livecode.engine.registrations import CallSite
from livecode.live.known import UNKNOWN, is_it, path_of, value_of
from livecode.live.reach import Owner, owner_of

_DISPLAYS = (ast.List, ast.Tuple, ast.Set)
_PLAIN = (str, bytes, int, float, complex, bool, type(None), enum.Enum)

CONTAINERS: dict[type, frozenset[str]] = {
    list: frozenset({"append", "insert", "extend"}),
    set: frozenset({"add", "update"}),
}
"""The methods of plain containers that put something in."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a statement.

    Attributes:
        call: The call.
        target: What it is a method of, or the function that is called.
        method: The name of the method; empty for a function.
        owner: The framework's object that registers, if the target is or leads to one.
        things: What was given that entries are recognised by.
        within: True if the things were given to a call among the arguments: entries contain them.
        said: The constants that were given.
        made: The class of which a new instance was given.
        filename: Of the module's code.
        lines: First and last line of lambdas that were given.
        many: True if a loop gave one of the things after the other.
    """

    call: ast.Call
    target: Any
    method: str
    owner: Owner | None
    things: tuple[Any, ...] = ()
    within: bool = False
    said: tuple[object, ...] = ()
    made: type | None = None
    filename: str = ""
    lines: tuple[tuple[int, int], ...] = ()
    many: bool = False

    @property
    def is_known(self) -> bool:
        """True if entries can be recognised."""
        return bool(self.things or self.lines or self.made is not None or (self.said and self.is_plain))

    @property
    def is_plain(self) -> bool:
        """True if it puts what it is given into a list or set."""
        return self.method in CONTAINERS.get(type(self.target), ())

    def gives(self, thing: object) -> bool:
        """True if an entry that is this thing may be what was given."""
        if self.lines and type(thing) is FunctionType and thing.__code__.co_name == "<lambda>":
            code = thing.__code__
            return code.co_filename == self.filename and any(
                first <= code.co_firstlineno <= last for first, last in self.lines
            )
        if not self.things and self.is_plain and type(thing) in _PLAIN:
            return any(type(thing) is type(said) and thing == said for said in self.said)
        return any(is_it(thing, given) for given in self.things)

    def same_as(self, other: Asked) -> bool:
        """True if both give the same to the same."""
        if not is_it(self.target, other.target):
            return False
        if len(self.things) != len(other.things):
            return False
        if self.things or self.made is not None:
            return self.made is other.made and all(map(is_it, self.things, other.things))
        return (self.lines, self.said) == (other.lines, other.said)


def asked_by(site: CallSite, form: Form, filename: str, namespace: Mapping[str, Any]) -> Asked | None:
    """What a call asks for; None if nobody knows whom."""
    call = site.call
    function, given = _split(call)
    target, method, owner = _target(function, namespace)
    if target is UNKNOWN:
        return None
    arguments = [item for item in given if not isinstance(item, ast.Starred)]
    loops = [iterable for item in arguments if (iterable := site.iterable_of(item)) is not None]
    values = [value for item in arguments if site.iterable_of(item) is None for value in _values(item, namespace)]
    values += [value for iterable in loops for value in _items(iterable, namespace)]
    lines = tuple(_lines(item, form) for item in arguments if isinstance(item, ast.Lambda))
    things, within = _foremost(values, target), False
    made = _made(arguments[0], namespace) if arguments and not things and not lines else None
    if not things and not lines:
        things, within = _foremost([*_inside(arguments, namespace)], target), True
    said = tuple(value for value in values if isinstance(value, _PLAIN) and value is not None)
    return Asked(call, target, method, owner, things, within, said, made, filename, lines, bool(loops))


def _split(call: ast.Call) -> tuple[ast.expr, list[ast.expr]]:
    """The function that is called, also through what it returns, and everything that is given on the way."""
    given: list[ast.expr] = []
    function: ast.expr = call
    while isinstance(function, ast.Call):
        given += [*function.args, *(word.value for word in function.keywords)]
        if isinstance(function.func, ast.Attribute) and isinstance(function.func.value, ast.Call):
            return function.func, given  # `getLogger("x").addHandler`: not what was given to make the target
        function = function.func
    return function, given


def _target(function: ast.expr, namespace: Mapping[str, Any]) -> tuple[Any, str, Owner | None]:
    if isinstance(function, ast.Attribute):
        base = value_of(function.value, namespace)
        if base is UNKNOWN:
            return UNKNOWN, "", None
        if not isinstance(base, ModuleType):
            path = path_of(function, namespace)
            return base, function.attr, owner_of(base) or (owner_of(path[-1]) if path else None)
    called = value_of(function, namespace)
    return called, "", None if called is UNKNOWN else owner_of(called)


def _values(expression: ast.expr, namespace: Mapping[str, Any]) -> Iterator[Any]:
    """What an argument stands for; of a display, and of a short list that a name stands for, its items."""
    if isinstance(expression, _DISPLAYS):
        for item in expression.elts:
            yield from _values(item, namespace)
        return
    value = value_of(expression, namespace) if not isinstance(expression, ast.Lambda) else UNKNOWN
    if value is not UNKNOWN:
        yield value


def _items(expression: ast.expr, namespace: Mapping[str, Any]) -> Iterator[Any]:
    """What a loop goes through: what is written there, or what a list holds that a name stands for."""
    if isinstance(expression, _DISPLAYS):
        yield from _values(expression, namespace)
        return
    found = value_of(expression, namespace)
    waiting = [found] if type(found) in (list, tuple, dict, set, frozenset) else []
    while waiting:
        held = waiting.pop()
        for item in held.values() if type(held) is dict else held:
            if type(item) is tuple:
                waiting.append(item)
            else:
                yield item


def _foremost(values: Sequence[Any], target: object) -> tuple[Any, ...]:
    """The functions among some values, or else the other objects, or else the classes."""
    ranked = [(_rank(value), value) for value in values if value is not target]
    best = max((rank for rank, _ in ranked), default=0)
    return tuple({id(value): value for rank, value in ranked if rank == best}.values()) if best else ()


def _rank(value: Any) -> int:
    kind = type(value)
    if issubclass(kind, (*_PLAIN, ModuleType, list, dict, set, tuple, frozenset)):
        return 0
    if issubclass(kind, type):
        return 1
    return 3 if hasattr(kind, "__call__") else 2  # noqa: B004  # the class is asked: an object may claim anything


def _inside(arguments: Sequence[ast.expr], namespace: Mapping[str, Any]) -> Iterator[Any]:
    """What was given to the calls among the arguments: `partial(send, 1)`."""
    for argument in arguments:
        if isinstance(argument, ast.Call):
            for item in (*argument.args, *(word.value for word in argument.keywords)):
                yield from _values(item, namespace) if not isinstance(item, ast.Call) else _inside([item], namespace)


def _made(argument: ast.expr, namespace: Mapping[str, Any]) -> type | None:
    cls = value_of(argument.func, namespace) if isinstance(argument, ast.Call) else None
    return cls if isinstance(cls, type) else None


def _lines(node: ast.Lambda, form: Form) -> tuple[int, int]:
    shift = form.start - form.shape.origin
    return node.lineno + shift, (node.end_lineno or node.lineno) + shift
