"""The hooks of a module and its classes, as far as a plan can judge them: names, arguments, and whom they concern.

__hot_dispose__()                   the old one, before anything changes; what it returns is handed on
__hot_accept__(state)               the new one, when all of the push is live
__hot_migrate__(self, old_version)  on a class that changed, for every live instance
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from livecode.engine.classes import ClassEdit
from livecode.engine.forms import Form, Kind
from livecode.engine.planned import ModulePlan
from livecode.engine.refusals import refusal
from livecode.model.report import Refusal

DISPOSE = "__hot_dispose__"
ACCEPT = "__hot_accept__"
MIGRATE = "__hot_migrate__"

ARGUMENTS = {DISPOSE: 0, ACCEPT: 1, MIGRATE: 2}
"""How many arguments each is called with, `self` included."""

SIGNATURES = {DISPOSE: f"def {DISPOSE}()", ACCEPT: f"def {ACCEPT}(state)", MIGRATE: f"def {MIGRATE}(self, old_version)"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def refuse_hooks(module: str, forms: Sequence[Form]) -> list[Refusal]:
    """Why the hooks of a new source cannot be called as they will be."""
    found = []
    for form in forms:
        for hook, node, line in _hooks_in(form):
            problem = _problem(hook, node)
            if problem:
                way_out = f"write {SIGNATURES[hook]}"
                what = f"{hook} {problem}"
                found.append(refusal("LC107", what, way_out=way_out, module=module, line=line))
    return found


def asynchronous_hooks(forms: Iterable[Form]) -> tuple[str, ...]:
    """The hooks of a module that are coroutine functions, which need an event loop."""
    wanted = (DISPOSE, ACCEPT)
    found = (form for form in forms if isinstance(form.node, ast.AsyncFunctionDef))
    return tuple(form.name for form in found if form.name in wanted)


def changed_classes(plan: ModulePlan) -> frozenset[str]:
    """Qualified names of the classes of which a method, an attribute or a base changes."""
    found = {".".join(leaf.path[:-1]) for pair in plan.swaps for leaf in pair.changed_leaves if len(leaf.path) > 1}
    for run in plan.runs:
        if run.edit is not None:
            found |= set(_changed_by(run.edit))
        elif run.old is not None:
            found |= set(_defined_in(run.form))
    return frozenset(found)


def names_migrate(forms: Iterable[Form]) -> bool:
    """True if a class of this source may define the hook for instances."""
    return any(MIGRATE in form.text for form in forms)


def hooked_forms(forms: Iterable[Form]) -> list[Form]:
    """Those that may define a hook; nearly always none."""
    return [form for form in forms if "__hot_" in form.shape.text]


def _changed_by(edit: ClassEdit) -> Iterator[str]:
    if edit.rebuild:
        yield from _defined_in(edit.form)
        return
    edited = any(pair.changed_leaves for pair in edit.swaps)
    if edit.members or edit.removed or edit.bases or edit.annotations or edited:
        yield ".".join(edit.path)
    for pair in edit.swaps:
        yield from (".".join(leaf.path[:-1]) for leaf in pair.changed_leaves)
    for inner in edit.nested:
        yield from _changed_by(inner)


def _defined_in(form: Form) -> Iterator[str]:
    """Qualified names of the classes that executing the form makes."""
    if form.kind is Kind.FUNCTION:
        return
    waiting: list[tuple[tuple[str, ...], ast.AST]] = [(form.scope, node) for node in form.nodes]
    while waiting:
        scope, node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            scope = (*scope, node.name)
            yield ".".join(scope)
        waiting += [(scope, inner) for inner in ast.iter_child_nodes(node) if not isinstance(inner, _Function)]


def _hooks_in(form: Form) -> Iterator[tuple[str, ast.AST, int]]:
    """What the form binds to names of hooks, with its line: at the top of the module, and in class bodies."""
    shift = form.start - form.shape.origin
    waiting: list[tuple[bool, ast.AST]] = [(False, node) for node in form.nodes]
    while waiting:
        in_class, node = waiting.pop()
        wanted = (MIGRATE,) if in_class else (DISPOSE, ACCEPT)
        for name, value in _binds(node):
            if name in wanted:
                yield name, value, getattr(node, "lineno", 1) + shift
        if not isinstance(node, _Function | ast.Lambda):
            inside = in_class or isinstance(node, ast.ClassDef)
            waiting += [(inside, inner) for inner in ast.iter_child_nodes(node)]


def _binds(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, node
        case ast.Assign():
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value


def _problem(hook: str, node: ast.AST) -> str:
    """What is wrong with what a hook's name is bound to; empty if nothing is, or if that cannot be seen."""
    match node:
        case ast.ClassDef():
            return "is a class, and a function is wanted"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function_problem(hook, node)
        case ast.Lambda():
            return _arguments_problem(hook, node.args)
        case ast.Constant(value=None):
            return ""  # no hook
        case ast.Constant() | ast.List() | ast.Tuple() | ast.Dict() | ast.Set() | ast.JoinedStr():
            return "cannot be called"
    return ""


def _function_problem(hook: str, node: _Function) -> str:
    if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in _own_nodes(node)):
        return "is a generator, whose body would not run"
    if hook == MIGRATE and isinstance(node, ast.AsyncFunctionDef):
        return "is async: instances are migrated between two steps of the event loop"
    if hook == MIGRATE and any(_is_name(item, ("staticmethod", "classmethod")) for item in node.decorator_list):
        return "is no method of the instance"
    return "" if node.decorator_list else _arguments_problem(hook, node.args)


def _arguments_problem(hook: str, args: ast.arguments) -> str:
    given = ARGUMENTS[hook]
    positional = len(args.posonlyargs) + len(args.args)
    required = positional - len(args.defaults)
    needed = [arg.arg for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value is None]
    if needed:
        return f"needs the keyword {needed[0]!r}, which it is not given"
    if required > given or (positional < given and args.vararg is None):
        takes = positional if positional == required else f"{required} to {positional}"
        return f"takes {takes} argument{'' if takes == 1 else 's'}, and it is called with {given}"
    return ""


def _own_nodes(function: _Function) -> Iterator[ast.AST]:
    """The nodes of a function's own body, those of functions inside it left out."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _is_name(node: ast.expr, names: Sequence[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
