"""What a function looks up when it is *called*: the names of the module, the attributes, and what it changes.

def build(n, rate=R):            defaults are evaluated with the statement, not here
    rows = [RATE * n]            reads RATE; n and rows are its own
    def later(): return OTHER    not called by build itself, so OTHER is read later, by others
    LOG.append(n)                changes LOG
    return rows
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livecode.engine.trees import own_nodes

MUTATORS = frozenset(
    {
        *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "add", "discard", "update"),
        *("setdefault", "popitem", "appendleft", "extendleft", "popleft", "rotate", "difference_update", "subtract"),
        *("intersection_update", "symmetric_difference_update", "move_to_end", "__setitem__", "__delitem__"),
    }
)
"""Methods by which lists, dicts, sets and deques change."""

CONSUMERS = frozenset(
    {
        *("map", "filter", "sorted", "min", "max", "sum", "any", "all", "list", "tuple", "set", "frozenset", "dict"),
        *("next", "iter", "zip", "enumerate", "reversed", "reduce", "len", "str", "repr", "bool", "print", "format"),
        *("hash", "isinstance", "vars", "dir", "chain", "accumulate", "groupby", "starmap", "islice", "product"),
        *("deepcopy", "copy", "int", "float", "bytes", "range", "getattr", "callable"),
    }
)
"""Functions that look at what they are given, and call what they are given, before they return."""

ASKING_BY_NAME = frozenset({"attrgetter", "methodcaller", "getattr", "hasattr"})
"""Functions that are told by a text which attribute they ask for."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Inside:
    """What calling a function does with names that are not its own.

    Attributes:
        names: Names of the module that it reads.
        attributes: ``(owner, attribute)`` for every ``owner.attribute``; the owner may be dotted, or a name of its own.
        reached: Every attribute that it asks of anything: methods that it may call.
        assigns: Names of the module that it binds (`global`).
        changes: Names of the module whose object it changes, or hands on to code that may.
        calls_given: True if it calls one of its parameters.
        calls: Names of the module that it calls, itself or by handing them to what calls them.
        made: Names that functions read which it makes and does not call: whoever calls what it returns reads them.
    """

    names: frozenset[str]
    attributes: frozenset[tuple[str, str]]
    reached: frozenset[str]
    assigns: frozenset[str]
    changes: frozenset[str]
    calls_given: bool
    calls: frozenset[str]
    made: frozenset[str] = frozenset()


def inside(function: ast.AST) -> Inside:
    """What calling this function (or lambda) looks up and changes."""
    executed = list(_executed(function))
    own = names_in_body(function) & _named(executed)
    attributes = {
        (owner, node.attr) for node in executed if isinstance(node, ast.Attribute) and (owner := dotted(node.value))
    }
    given = {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}  # type: ignore[attr-defined]
    declared = {name for node in executed if isinstance(node, ast.Global) for name in node.names}
    stored = {node.id for node in executed if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    called = _called(executed)
    every = [node for statement in _body(function) for node in ast.walk(statement)]
    return Inside(
        own,
        frozenset(attributes),
        frozenset(node.attr for node in executed if isinstance(node, ast.Attribute)),
        frozenset(declared & stored),
        frozenset(_changed(every) & names_in_body(function)),
        bool(given & (called | {name for _, name in handed(executed)})),
        own & frozenset(called),
        names_in_body(function) - own,
    )


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; empty for what is no such chain."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def root(node: ast.expr) -> str:
    """The name at which a chain of attributes, entries and calls begins; empty if it begins otherwise."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def handed(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """``(callee, name)`` for every name that is an argument of a call, and for every name in a lambda that is one."""
    for node in nodes:
        if isinstance(node, ast.Call):
            callee = dotted(node.func)
            for argument in (*node.args, *(word.value for word in node.keywords)):
                value = argument.value if isinstance(argument, ast.Starred) else argument
                if isinstance(value, ast.Name):
                    yield callee, value.id
                elif isinstance(value, ast.Lambda):
                    yield from ((callee, name) for name in names_in_body(value))


def consumes(callee: str) -> bool:
    """True for a function that looks at what it is given before it returns, and does not keep it."""
    return callee.rpartition(".")[2] in CONSUMERS


def called_at_once(nodes: Iterable[ast.AST]) -> bool:
    """True if the statements call a lambda that stands in them, or give it to what calls it before it returns."""
    for node in (item for each in nodes for item in ast.walk(each) if isinstance(item, ast.Call)):
        given = [*node.args, *(word.value for word in node.keywords)] if consumes(dotted(node.func)) else []
        if any(isinstance(item, ast.Lambda) for item in (node.func, *given)):
            return True
    return False


def names_in_body(node: ast.AST) -> frozenset[str]:
    """Every name of the module that a statement mentions, bodies of functions included."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _FUNCTIONS):
            found |= _names_in_function(item)
        else:
            if isinstance(item, ast.Name):
                found.add(item.id)
            waiting += ast.iter_child_nodes(item)
    return frozenset(found)


def _names_in_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """Without its parameters and what it assigns, unless it says `global`."""
    body = _body(node)
    own = [item for statement in body for item in own_nodes(statement)]
    declared = {name for item in own if isinstance(item, ast.Global) for name in item.names}
    local = {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
    inner = {id(name) for item in own if isinstance(item, _COMPREHENSIONS) for name in _comprehended(item)}
    stored = [item for item in own if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load)]
    local |= {item.id for item in stored if id(item) not in inner}
    local |= {item.name for item in own if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    within = frozenset[str]().union(*map(names_in_body, body))
    around = [*getattr(node, "decorator_list", ()), *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    outside = frozenset[str]().union(*map(names_in_body, around))
    return (within - (local - declared)) | declared | outside


def _body(function: ast.AST) -> list[ast.AST]:
    body = function.body  # type: ignore[attr-defined]
    return body if isinstance(body, list) else [body]


def _comprehended(node: ast.AST) -> Iterator[ast.AST]:
    """The targets of a comprehension, which are its own."""
    for part in getattr(node, "generators", ()):
        yield from ast.walk(part.target)


def _executed(function: ast.AST) -> Iterator[ast.AST]:
    """All nodes that a call executes: its own, and those of inner functions that it calls or hands to a consumer."""
    own = [node for statement in _body(function) for node in own_nodes(statement)]
    waiting, seen = own, set[int]()
    while waiting:
        yield from waiting
        names = {node.func.id for node in waiting if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        names |= {name for callee, name in handed(waiting) if consumes(callee)}
        made = [node for node in waiting if isinstance(node, (*_FUNCTIONS, ast.ClassDef))]
        waiting = []
        for node in (node for node in made if id(node) not in seen):
            if isinstance(node, ast.ClassDef) or _is_used(node, names):
                seen.add(id(node))
                waiting += [item for statement in _body(node) for item in own_nodes(statement)]
                waiting += [*_around(node)]


def _called(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that are called: as they are, as an entry, as a decorator, or by whom they are given to."""
    found = {name for callee, name in handed(nodes) if consumes(callee)}
    for node in nodes:
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
            found.add(root(node.func))
        found |= {item.id for item in getattr(node, "decorator_list", ()) if isinstance(item, ast.Name)}
    return found


def _is_used(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Lambda):
        return True  # where it goes is not followed: most are keys for sorting
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names


def _around(node: ast.AST) -> Iterator[ast.AST]:
    outer = [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
    for item in outer:
        yield from own_nodes(item)


def _named(nodes: Iterable[ast.AST]) -> set[str]:
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {name for node in nodes if isinstance(node, ast.Global) for name in node.names}


def _changed(nodes: Iterable[ast.AST]) -> set[str]:
    """Names whose object may be changed: by an assignment into it, a method that changes, or by whom it is given to."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                found.add(root(node))
            case ast.Call(func=ast.Attribute(value=owner, attr=attribute)) if attribute in MUTATORS:
                found.add(root(owner))
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Return(value=ast.Name(id=name)) | ast.Yield(value=ast.Name(id=name)):
                found.add(name)
            case ast.Assign(value=ast.Name(id=name)):
                found.add(name)
    return found | {name for callee, name in handed(nodes) if not consumes(callee)}
