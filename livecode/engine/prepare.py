"""A plan with everything compiled, nothing applied: from here on no source can fail to compile.

Plan ── prepare ──▶ Prepared
    LeafSwap     the function that stands at (qualified name, old line) gets this code
    Shift        functions between two lines move by some lines
    PreparedRun  a statement, or the parts of a class body, as code objects
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType

from livecode.engine.classes import ClassEdit
from livecode.engine.code import by_place, nested
from livecode.engine.diff import Pair
from livecode.engine.forms import Form, Kind, Leaf, future_flags
from livecode.engine.plan import ModulePlan, Plan, Run


@dataclass(frozen=True, slots=True)
class LeafSwap:
    """New code for the function that stands at a place of the old source.

    Attributes:
        qualname: `co_qualname` of old and new code.
        old_line: `co_firstlineno` of the old code.
        code: The new code.
        changed: False if the function only moved.
        once: True if executing the statement made exactly one such function: it stands in no loop or branch.
    """

    qualname: str
    old_line: int
    code: CodeType
    changed: bool
    once: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """Functions whose code starts within these lines of the old source move down by `lines`."""

    first: int
    last: int
    lines: int


@dataclass(frozen=True, slots=True)
class PreparedClass:
    """A class edit with its code.

    Attributes:
        edit: What is to be done.
        body: A class body of the members to execute; None if there are none.
        annotations: A class body of all annotations, None if they stay.
        bases: One expression a base, compiled; empty if they stay.
        swaps: Methods that only get new code.
        shifts: Members that moved.
        nested: Classes inside this one.
    """

    edit: ClassEdit
    body: CodeType | None = None
    annotations: CodeType | None = None
    bases: tuple[CodeType, ...] = ()
    swaps: tuple[LeafSwap, ...] = ()
    shifts: tuple[Shift, ...] = ()
    nested: tuple[PreparedClass, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A form to execute: `code` as a statement of the module, or the parts of a class."""

    run: Run
    code: CodeType | None = None
    edited_class: PreparedClass | None = None


@dataclass(frozen=True, slots=True)
class PreparedModule:
    """One module's part of the plan, compiled."""

    plan: ModulePlan
    filename: str
    swaps: tuple[LeafSwap, ...]
    shifts: tuple[Shift, ...]
    runs: tuple[PreparedRun, ...]
    annotations: CodeType | None = None


def prepare(plan: Plan, filenames: dict[str, str]) -> tuple[PreparedModule, ...]:
    """Everything that the plan needs, compiled.

    Args:
        plan: Without refusals.
        filenames: Module → the chunk name that its code objects carry (`co_filename`).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the author has seen them; here they could only stop the push half way
        return tuple(_prepare_module(module, filenames[module.module]) for module in plan.modules)


def _prepare_module(plan: ModulePlan, filename: str) -> PreparedModule:
    imported = {item.bound: None for form in plan.forms for item in form.names.imports if item.bound != "*"}
    compiler = Compiler(filename, future_flags(plan.forms), tuple(imported))
    runs = tuple(_prepare_run(run, compiler) for run in plan.runs)
    edits = [run.edited_class for run in runs if run.edited_class]
    return PreparedModule(
        plan,
        filename,
        (*_leaf_swaps(plan.swaps, compiler), *(swap for edit in edits for swap in _all_swaps(edit))),
        (*map(_shift, plan.shifts), *(shift for edit in edits for shift in _all_shifts(edit))),
        runs,
        compiler.statements(_annotations(plan.forms)) if plan.annotations else None,
    )


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles parts of one module to what they would be compiled to within it.

    Attributes:
        filename: Chunk name.
        flags: Of `from __future__` imports.
        imported: Names that the module's import statements bind. CPython calls methods of those in another way than
            of other names, so it has to know them: they stand in a branch that is never compiled.
    """

    filename: str
    flags: int
    imported: tuple[str, ...] = ()

    def statements(self, nodes: Sequence[ast.stmt], *, docstring: bool = False) -> CodeType:
        """Code that executes these statements at module level.

        Args:
            nodes: The statements.
            docstring: A string at their beginning is the module's docstring.
        """
        body = list(nodes) if docstring else [self._unseen(nodes[0]), *nodes]
        tree = ast.Module(body=body, type_ignores=[])
        code: CodeType = compile(tree, self.filename, "exec", flags=self.flags, dont_inherit=True)
        return code

    def _unseen(self, place: ast.stmt) -> ast.stmt:
        """A statement without code: it tells the compiler what is imported, and that what follows is no docstring."""
        made: ast.stmt = ast.Pass()
        if self.imported:
            names = ast.Import(names=[ast.alias(name=name) for name in self.imported])
            made = ast.If(test=ast.Constant(False), body=[names], orelse=[])
        return ast.fix_missing_locations(ast.copy_location(made, place))

    def expression(self, node: ast.expr) -> CodeType:
        """Code that evaluates this expression at module level."""
        code: CodeType = compile(ast.Expression(node), self.filename, "eval", flags=self.flags, dont_inherit=True)
        return code

    def class_body(self, form: Form, body: Sequence[ast.stmt]) -> CodeType:
        """Code of a class body of these members, to be executed in a namespace.

        The classes around it are kept, so that qualified names and private names come out right.
        """
        assert isinstance(form.node, ast.ClassDef)
        begins = body[:1] if ast.get_docstring(ast.Module(body=list(body), type_ignores=[]), clean=False) else []
        first = form.members[0].node if form.members else None
        unseen = [ast.copy_location(ast.Pass(), body[0])] if begins and not _same_place(begins[0], first) else []
        tree: ast.stmt = _bare_class(form.node, form.node.name, [*unseen, *body])
        for name in reversed(form.scope):
            tree = _bare_class(form.node, name, [tree])
        code = self.statements([tree])
        for name in (*form.scope, form.node.name):
            code = next(inner for inner in nested(code) if inner.co_name == name)
        return code


def _same_place(one: ast.stmt, other: ast.stmt | None) -> bool:
    return other is not None and ast.dump(one) == ast.dump(other)


def _bare_class(place: ast.ClassDef, name: str, body: list[ast.stmt]) -> ast.ClassDef:
    made = ast.ClassDef(name=name, bases=[], keywords=[], body=body, decorator_list=[])
    if "type_params" in ast.ClassDef._fields:
        made.type_params = []  # type: ignore[attr-defined]  # from 3.12 on
    return ast.copy_location(made, place)


def _leaf_swaps(pairs: Sequence[Pair], compiler: Compiler) -> tuple[LeafSwap, ...]:
    """New code for every function of these statements: also where only a line inside of it moved."""
    return tuple(
        swap for pair in pairs if pair.shift or pair.old.text != pair.new.text for swap in _swaps(pair, compiler)
    )


def _swaps(pair: Pair, compiler: Compiler) -> Iterator[LeafSwap]:
    nodes = pair.new.placed()
    if pair.new.scope:
        nodes = (_around(pair.new.scope, nodes),)
    table = by_place(compiler.statements(nodes))
    once = pair.new.kind in (Kind.FUNCTION, Kind.CLASS)
    for old, new in pair.leaf_pairs():
        qualname, codes = ".".join(new.path), table.get((".".join(new.path), pair.new.start + new.line), [])
        changed = old.body != new.body
        if len(codes) == 1:
            yield LeafSwap(qualname, pair.old.start + old.line, codes[0], changed, once)
        elif changed and (codes or _made_before(pair, qualname, old, compiler)):
            raise LookupError(f"{qualname}() has {len(codes)} code objects in line {pair.new.start + new.line}")


def _made_before(pair: Pair, qualname: str, leaf: Leaf, compiler: Compiler) -> bool:
    """False for a function in a branch that is never compiled, such as `if 0:`; there is no live one either."""
    nodes = pair.old.placed()
    table = by_place(compiler.statements((_around(pair.old.scope, nodes),) if pair.old.scope else nodes))
    return (qualname, pair.old.start + leaf.line) in table


def _around(scope: Sequence[str], nodes: Sequence[ast.stmt]) -> ast.stmt:
    place = ast.ClassDef(name="", bases=[], keywords=[], body=[], decorator_list=[])
    ast.copy_location(place, nodes[0])
    tree: Sequence[ast.stmt] = nodes
    for name in reversed(scope):
        tree = [_bare_class(place, name, list(tree))]
    return tree[0]


def _shift(pair: Pair) -> Shift:
    return Shift(pair.old.start, pair.old.end, pair.shift)


def _prepare_run(run: Run, compiler: Compiler) -> PreparedRun:
    if run.edit is not None and not run.edit.rebuild:
        return PreparedRun(run, edited_class=_prepare_class(run.edit, compiler))
    code = compiler.statements(run.form.placed(), docstring=run.form.kind is Kind.DOC)
    return PreparedRun(run, code=code)


def _prepare_class(edit: ClassEdit, compiler: Compiler) -> PreparedClass:
    node = edit.form.node
    assert isinstance(node, ast.ClassDef)
    body = [statement for member in edit.members for statement in member.placed()]
    annotated = _annotations(edit.form.members)
    return PreparedClass(
        edit,
        body=compiler.class_body(edit.form, body) if body else None,
        annotations=compiler.class_body(edit.form, annotated) if edit.annotations else None,
        bases=tuple(map(compiler.expression, node.bases)) if edit.bases else (),
        swaps=_leaf_swaps(edit.swaps, compiler),
        shifts=tuple(_shift(pair) for pair in edit.shifts if pair.shift),
        nested=tuple(_prepare_class(inner, compiler) for inner in edit.nested),
    )


def _annotations(forms: Sequence[Form]) -> list[ast.stmt]:
    """The annotated names of a scope as declarations, in order: executing them makes its annotations and no value."""
    found = [
        ast.copy_location(ast.AnnAssign(target=node.target, annotation=node.annotation, value=None, simple=1), node)
        for form in forms
        for node in (form.placed() if any(isinstance(node, ast.AnnAssign) for node in form.nodes) else ())
        if isinstance(node, ast.AnnAssign) and node.simple
    ]
    return list[ast.stmt](found) or [ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=4)]


def _all_swaps(edit: PreparedClass) -> tuple[LeafSwap, ...]:
    return (*edit.swaps, *(swap for inner in edit.nested for swap in _all_swaps(inner)))


def _all_shifts(edit: PreparedClass) -> tuple[Shift, ...]:
    return (*edit.shifts, *(shift for inner in edit.nested for shift in _all_shifts(inner)))
