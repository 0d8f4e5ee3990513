"""A plan with everything compiled, nothing applied: from here on no source can fail to compile.

Plan ── prepare ──▶ Prepared
    LeafSwap     the function that stands at (qualified name, old line) gets this code
    Shift        functions between two lines move by some lines
    PreparedRun  a statement, or the parts of a class body, as code objects
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType, MappingProxyType
from typing import Any, NamedTuple

from livecode.engine.annotating import TEXT_FLAG
from livecode.engine.classes import ClassEdit
from livecode.engine.code import by_place, nested, shifted
from livecode.engine.diff import Pair
from livecode.engine.forms import Form, Kind, future_flags
from livecode.engine.hints import Hints, declarations, declared, hints_of_plan, inheriting_lines
from livecode.engine.leaves import Leaf
from livecode.engine.planned import ModulePlan, Plan, Run
from livecode.engine.sight import Sight, filled, seen_through


@dataclass(frozen=True, slots=True)
class LeafSwap:
    """New code for the function that stands at a place of the old source.

    Attributes:
        qualname: `co_qualname` of old and new code.
        old_line: `co_firstlineno` of the old code.
        code: The new code.
        changed: False if the function only moved.
        once: True if executing the statement made exactly one such function: it stands in no loop or branch.
        old: The old code, where several functions of that name stand in that line and only their code tells them apart.
    """

    qualname: str
    old_line: int
    code: CodeType
    changed: bool
    once: bool
    old: CodeType | None = None


class Shift(NamedTuple):
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
        keywords: The class keywords, compiled, if the bases do not stay.
        swaps: Methods that only get new code.
        shifts: Members that moved.
        nested: Classes inside this one.
    """

    edit: ClassEdit
    body: CodeType | None = None
    annotations: CodeType | None = None
    bases: tuple[CodeType, ...] = ()
    keywords: tuple[tuple[str, CodeType], ...] = ()
    swaps: tuple[LeafSwap, ...] = ()
    shifts: tuple[Shift, ...] = ()
    nested: tuple[PreparedClass, ...] = ()

    def seeing(self, thing: Callable[[str], object]) -> PreparedClass:
        """The same with the markers of its sight replaced."""
        body = filled(self.body, thing) if self.body is not None else None
        return replace(self, body=body, nested=tuple(inner.seeing(thing) for inner in self.nested))


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A form to execute: `code` as a statement of the module, or the parts of a class."""

    run: Run
    code: CodeType | None = None
    edited_class: PreparedClass | None = None

    def seeing(self, thing: Callable[[str], object]) -> PreparedRun:
        """The same with the markers of its sight replaced (`livecode.engine.sight`)."""
        code = filled(self.code, thing) if self.code is not None else None
        edited = self.edited_class.seeing(thing) if self.edited_class is not None else None
        return replace(self, code=code, edited_class=edited)


@dataclass(frozen=True, slots=True)
class PreparedModule:
    """One module's part of the plan, compiled."""

    plan: ModulePlan
    filename: str
    swaps: tuple[LeafSwap, ...]
    shifts: tuple[Shift, ...]
    runs: tuple[PreparedRun, ...]
    annotations: CodeType | None = None
    hints: tuple[Hints, ...] = ()


def prepare(
    plan: Plan, filenames: Mapping[str, str], compilers: Mapping[str, Compiler] = MappingProxyType({})
) -> tuple[PreparedModule, ...]:
    """Everything that the plan needs, compiled.

    Args:
        plan: Without refusals.
        filenames: Module → the chunk name that its code objects carry (`co_filename`).
        compilers: Module → the one that has compiled some of its forms already.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the author has seen them; here they could only stop the push half way
        return tuple(
            _prepare_module(part, compilers.get(part.module) or compiler_of(part.forms, filenames[part.module]))
            for part in plan.modules
        )


def compiler_of(forms: Sequence[Form], filename: str) -> Compiler:
    """The compiler for a module of these forms."""
    imported = {name: None for form in forms for name in form.shape.imported}
    return Compiler(filename, future_flags(forms), tuple(imported))


def _prepare_module(plan: ModulePlan, compiler: Compiler) -> PreparedModule:
    if plan.turned:
        compiler = replace(compiler, former_flags=compiler.flags ^ TEXT_FLAG)
    runs = tuple(_prepare_run(run, compiler, plan.module) for run in plan.runs)
    edits = [run.edited_class for run in runs if run.edited_class]
    return PreparedModule(
        plan,
        compiler.filename,
        (
            *_leaf_swaps((*plan.swaps, *(plan.shifts if plan.turned else ())), compiler),
            *(swap for edit in edits for swap in _all_swaps(edit)),
        ),
        (*map(_shift, plan.shifts), *(shift for edit in edits for shift in _all_shifts(edit))),
        runs,
        compiler.statements(_annotations(plan.forms)) if plan.annotations else None,
        tuple(hints_of_plan(plan, compiler)) if plan.turned else (),
    )


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles parts of one module to what they would be compiled to within it.

    Attributes:
        filename: Chunk name.
        flags: Of `from __future__` imports.
        imported: Names that the module's import statements bind. CPython calls methods of those in another way than
            of other names, so it has to know them: they stand in a branch that is never compiled.
        former_flags: Those of the source that runs, if they are others.
    """

    filename: str
    flags: int
    imported: tuple[str, ...] = ()
    former_flags: int | None = None
    _made: dict[Form, CodeType] = field(default_factory=dict)

    def form(self, form: Form) -> CodeType:
        """Code that executes a form where it stands, compiled once.

        Raises:
            SyntaxError, ValueError, RecursionError: It does not compile.
        """
        code = self._made.get(form)
        if code is None:
            code = self._made[form] = self._form(form)
        return code

    def know(self, form: Form, code: CodeType) -> None:
        """Takes it that this form compiles to this code: somebody else has compiled it in the same way."""
        self._made[form] = code

    def former(self, form: Form) -> CodeType:
        """Code that executes a form of the source that runs, as it was compiled."""
        if self.former_flags is None:
            return self.form(form)
        return Compiler(self.filename, self.former_flags, self.imported).form(form)

    def whole(self, forms: Sequence[Form]) -> CodeType:
        """Code of all forms: only together they tell whether a name is declared global before it is used."""
        return self.statements([node for form in forms for node in form.placed()], begins=True)

    def _form(self, form: Form) -> CodeType:
        """Code knows its lines by its first one, so it is moved more cheaply than trees.

        Not where it notes that line (`__firstlineno__` of classes, from 3.13 on), and not up: modules begin in line 1.
        """
        lines = form.start - form.shape.origin
        nodes, lines = (form.placed(), 0) if lines < 0 or "class" in form.text else (form.nodes, lines)
        if form.scope:
            nodes = (_around(form.scope, nodes),)
        begins = form.kind is Kind.DOC or (
            "__future__" in form.text and any(item.module == "__future__" for item in form.names.imports)
        )
        code = self.statements(nodes, begins=begins and not form.scope)
        return shifted(code, lines) if lines else code

    def statements(self, nodes: Sequence[ast.stmt], *, begins: bool = False) -> CodeType:
        """Code that executes these statements at module level.

        Args:
            nodes: The statements.
            begins: They stand at the beginning of the module, where strings and `__future__` mean something.
        """
        body = list(nodes) if begins else [self._unseen(nodes[0]), *nodes]
        tree = ast.Module(body=body, type_ignores=[])
        code: CodeType = compile(tree, self.filename, "exec", flags=self.flags, dont_inherit=True)
        return code

    def _unseen(self, place: ast.stmt) -> ast.stmt:
        """A statement without code: it tells the compiler what is imported, and that what follows is no docstring."""
        line, column = place.lineno, place.col_offset
        at: dict[str, Any] = {"lineno": line, "col_offset": column, "end_lineno": line, "end_col_offset": column}
        if not self.imported:
            return ast.Pass(**at)
        names = ast.Import([ast.alias(name=name, **at) for name in self.imported], **at)
        return ast.If(ast.Constant(False, **at), [names], [], **at)

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
        return self.body_in((*form.scope, form.node.name), [*unseen, *body])

    def body_in(self, scope: Sequence[str], body: Sequence[ast.stmt]) -> CodeType:
        """Code of the body of a class that stands within these, the last one being its own name."""
        code = self.statements([_around(scope, body)])
        for name in scope:
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
        swap
        for pair in pairs
        if pair.shift or pair.old.text != pair.new.text or compiler.former_flags is not None
        for swap in _swaps(pair, compiler)
    )


def _swaps(pair: Pair, compiler: Compiler) -> Iterator[LeafSwap]:
    table = by_place(compiler.form(pair.new))
    once = pair.new.kind in (Kind.FUNCTION, Kind.CLASS)
    neighbours = Counter((leaf.path, leaf.line) for leaf in pair.old.leaves)
    crowded = any(count > 1 for count in neighbours.values())
    before = by_place(compiler.former(pair.old)) if crowded else {}
    inheriting = inheriting_lines(pair.new) if compiler.former_flags is not None else frozenset()
    for (old, new), differs in zip(pair.leaf_pairs, pair.differing, strict=True):
        changed = differs or new.line in inheriting
        qualname, line = ".".join(new.path), pair.old.start + old.line
        codes = table.get((qualname, pair.new.start + new.line), [])
        mine = before.get((qualname, line), [])
        if neighbours[old.path, old.line] > 1 and codes and mine:
            yield LeafSwap(qualname, line, codes.pop(0), changed, False, mine.pop(0))  # both stand in source order
        elif changed and neighbours[old.path, old.line] > 1 and codes:
            what = "which is which cannot be told: this Python gives functions of one line that do the same one code"
            raise LookupError(
                f"{qualname}() in line {pair.new.start + new.line}: {what}; write them in lines of their own"
            )
        elif len(codes) == 1:
            yield LeafSwap(qualname, line, codes[0], changed, once)
        elif changed and (codes or _made_before(pair, qualname, old, compiler)):
            raise LookupError(f"{qualname}() has {len(codes)} code objects in line {pair.new.start + new.line}")


def _made_before(pair: Pair, qualname: str, leaf: Leaf, compiler: Compiler) -> bool:
    """False for a function in a branch that is never compiled, such as `if 0:`; there is no live one either."""
    return (qualname, pair.old.start + leaf.line) in by_place(compiler.form(pair.old))


def _around(scope: Sequence[str], nodes: Sequence[ast.stmt]) -> ast.stmt:
    place = ast.ClassDef(name="", bases=[], keywords=[], body=[], decorator_list=[])
    ast.copy_location(place, nodes[0])
    tree: Sequence[ast.stmt] = nodes
    for name in reversed(scope):
        tree = [_bare_class(place, name, list(tree))]
    return tree[0]


def _shift(pair: Pair) -> Shift:
    return Shift(pair.old.start, pair.old.end, pair.shift)


def _prepare_run(run: Run, compiler: Compiler, module: str) -> PreparedRun:
    sight = run.sight
    if run.edit is not None and not run.edit.rebuild:
        return PreparedRun(run, edited_class=_prepare_class(run.edit, compiler, sight, module))
    if sight.is_plain:
        return PreparedRun(run, code=compiler.form(run.form))
    return PreparedRun(run, code=compiler.statements(seen_through(run.form.placed(), sight, module)))


def _prepare_class(edit: ClassEdit, compiler: Compiler, sight: Sight, module: str) -> PreparedClass:
    node = edit.form.node
    assert isinstance(node, ast.ClassDef)
    body = [statement for member in edit.members for statement in member.placed()]
    if not sight.is_plain:
        names = frozenset(name for member in edit.form.members for name in member.names.binds)
        body = seen_through(body, sight, module, names)
    annotated = _annotations(edit.form.members)
    used = node.keywords if edit.bases or edit.welcome else []
    return PreparedClass(
        edit,
        body=compiler.class_body(edit.form, body) if body else None,
        annotations=compiler.class_body(edit.form, annotated) if edit.annotations else None,
        bases=tuple(map(compiler.expression, node.bases)) if edit.bases else (),
        keywords=tuple((w.arg, compiler.expression(w.value)) for w in used if w.arg),
        swaps=_leaf_swaps((*edit.swaps, *(edit.shifts if compiler.former_flags is not None else ())), compiler),
        shifts=tuple(_shift(pair) for pair in edit.shifts if pair.shift),
        nested=tuple(_prepare_class(inner, compiler, sight, module) for inner in edit.nested),
    )


def _annotations(forms: Sequence[Form]) -> list[ast.stmt]:
    """The annotated names of a scope as declarations, in order: executing them makes its annotations and no value.

    Those in a branch are declared too: which branch was taken is not known here.
    """
    found = [node for form in forms for node in (declarations(form.placed()) if form.shape.annotates else ())]
    return declared(found) or [ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=4)]


def _all_swaps(edit: PreparedClass) -> tuple[LeafSwap, ...]:
    return (*edit.swaps, *(swap for inner in edit.nested for swap in _all_swaps(inner)))


def _all_shifts(edit: PreparedClass) -> tuple[Shift, ...]:
    return (*edit.shifts, *(shift for inner in edit.nested for shift in _all_shifts(inner)))
