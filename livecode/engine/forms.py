"""A module's source as a tuple of forms, the units that a push compares.

    source ── parse ──▶ (Form, Form, …)
    Form    one top-level statement, or several that share a line
    Shape   what can be said of a form wherever it stands
    Leaf    a function or lambda inside a form that is made when the form is executed, but whose body is not run then

Two forms with the same text are the same. Two forms with the same skeleton (the syntax tree with the bodies of all
leaves blanked) differ in function bodies at most, so the second can replace the first without being executed.
The members of a class body are forms too, so that a class is compared in the same way as a module.
"""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter, indexOf, is_
from typing import Any

from livecode.engine.bodies import Inside, inside, names_in_body
from livecode.engine.edit import normal
from livecode.engine.kinds import Kind as Kind
from livecode.engine.kinds import decorators_of, is_kept, kind_of
from livecode.engine.leaves import Leaf, first_line
from livecode.engine.names import Names
from livecode.engine.naming import names_of
from livecode.engine.pieces import PIECE_LINES, parse_pieces, split_lines
from livecode.engine.reading import Reading
from livecode.engine.syntax import Syntax
from livecode.engine.trees import moved, own_nodes

LONG = 16_000
"""Characters, about 500 lines: their trees are collected and freed, and they are compiled, in a few milliseconds."""

MEANINGFUL = frozenset({"annotations", "barry_as_FLUFL"})
"""What can be imported from `__future__` and is not how Python is anyway."""

_WORDS = re.compile(r"\w+").findall
_SHAPE = attrgetter("shape")
_WANTED_OF_ALL = attrgetter("kind", "names", "name", "imported")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Shape:
    """What can be said of a statement wherever it stands: made once, and kept as long as its text stays the same.

    Attributes:
        syntax: Its trees.
        text: The full lines, decorators included.
        first: True if nothing stood before it.
        scope: Qualified name of the class around it, in parts.
    """

    syntax: Syntax
    text: str
    first: bool
    scope: tuple[str, ...]

    @property
    def nodes(self) -> tuple[ast.stmt, ...]:
        """Its syntax trees; several only if they share a line."""
        return self.syntax.nodes

    @property
    def origin(self) -> int:
        """The line at which the trees think they start."""
        return self.syntax.origin

    def forget_trees(self) -> None:
        """Lets go of the trees, but not of what everybody asks for; they are parsed again where they are."""
        _WANTED_OF_ALL(self)
        self.__dict__.pop("decorators", None)
        self.syntax.forget()
        for member in self.__dict__.get("members", ()):
            member.shape.forget_trees()

    @cached_property
    def height(self) -> int:
        """Number of lines."""
        return max(1, self.text.count("\n") + (not self.text.endswith("\n")))

    @cached_property
    def kind(self) -> Kind:
        """What it is."""
        return kind_of(self.nodes, first=self.first)

    @cached_property
    def names(self) -> Names:
        """What it binds and reads when it is executed."""
        found = names_of(self.nodes)
        return found.binding("__doc__") if self.kind is Kind.DOC else found

    @cached_property
    def name(self) -> str:
        """The name of a function or class; else the names it binds."""
        name = getattr(self.nodes[0], "name", None)  # of `type X = int` it is a tree
        return name if isinstance(name, str) else ", ".join(self.names.binds)

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Every name in it, bodies of functions included."""
        return frozenset(name for node in self.nodes for name in names_in_body(node))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every identifier in its text, and more: whoever is not among them is not mentioned."""
        return frozenset(_WORDS(self.text if self.text.isascii() else unicodedata.normalize("NFKC", self.text)))

    @cached_property
    def imported(self) -> tuple[str, ...]:
        """Names that its imports bind; a star's are not known."""
        return tuple(item.bound for item in self.names.imports if item.bound != "*") if "import" in self.text else ()

    @cached_property
    def decorators(self) -> tuple[tuple[str, ast.expr], ...]:
        """Those of the functions and classes that it makes, methods included, and how they are written."""
        found = decorators_of(self.nodes) if "@" in self.text else ()
        return tuple((ast.unparse(each), each) for each in found)

    @cached_property
    def declares(self) -> bool:
        """True if it says `global` outside of functions."""
        return "global" in self.text and any(
            isinstance(item, ast.Global) for node in self.nodes for item in own_nodes(node, ast.ClassDef)
        )

    @cached_property
    def annotates(self) -> bool:
        """True if it annotates names of the scope that it stands in."""
        return ":" in self.text and any(
            isinstance(item, ast.AnnAssign) and item.simple for node in self.nodes for item in own_nodes(node)
        )

    @cached_property
    def keep(self) -> bool:
        """True if a comment in it is the mark."""
        return is_kept(self.text)

    @cached_property
    def bodies(self) -> tuple[tuple[str, Inside], ...]:
        """The functions that it makes, by name (``f``, ``Class.method``), and what calling them looks up.

        A lambda goes by the names that the statement binds.
        """
        found = []
        for path, node in self.syntax.leaves:
            names = self.names.binds if path[-1] == "<lambda>" else (".".join(path),)
            known = inside(node)
            found += [(name, known) for name in names]
        return tuple(found)

    @cached_property
    def own_bodies(self) -> tuple[str, ...]:
        """For each leaf its body without those of the functions inside of it: what it does itself when called."""
        found = []
        for _, node in self.syntax.leaves:
            body = node.body if isinstance(node.body, list) else [node.body]
            reading = Reading({id(item) for each in body for item in ast.walk(each) if isinstance(item, Function)})
            reading.read(body)
            found.append(reading.digest())
        return tuple(found)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The functions it makes, in order of their source."""
        grown = self.syntax
        found = enumerate(grown.leaves)
        return tuple(Leaf(path, first_line(node) - self.origin, self.text, grown, at) for at, (path, node) in found)

    @cached_property
    def skeleton(self) -> str:
        """The syntax tree with the bodies of all leaves blanked."""
        reading = Reading({id(node) for _, node in self.syntax.leaves})
        reading.read(list(self.nodes))
        return reading.digest()

    @cached_property
    def head(self) -> str:
        """The text of a function up to its body, if that is all of it that can be executed; empty for all else.

        Of two functions with the same head only the bodies can differ.
        """
        node: Any = self.nodes[0]
        if self.kind is not Kind.FUNCTION or len(self.leaves) > 1:
            return ""
        first = node.body[0]
        above = first_line(first) - self.origin
        *lines, rest = self.text.split("\n", above)
        return "\n".join((*self.scope, *lines)) if rest[: first.col_offset].isspace() else ""

    @cached_property
    def members(self) -> tuple[Form, ...]:
        """The statements of a class body as forms, as if the class stood in line 1; empty for all else."""
        node = self.nodes[0]
        if not isinstance(node, ast.ClassDef) or len(self.nodes) > 1:
            return ()
        above = self.origin - 1
        forms = _forms(node.body, split_lines(self.text), above, (*self.scope, node.name))
        return tuple(Form(form.shape, form.start - above) for form in forms)


@dataclass(frozen=True, eq=False)
class Form:
    """One top-level statement of a module (or of a class body), where it stands.

    Attributes:
        shape: All that does not depend on the place.
        start: First line, decorators included, 1-based.
    """

    shape: Shape
    start: int

    @property
    def end(self) -> int:
        """Last line."""
        return self.start + self.shape.height - 1

    @property
    def text(self) -> str:
        """The full lines."""
        return self.shape.text

    @property
    def scope(self) -> tuple[str, ...]:
        """Qualified name of the class around it, in parts."""
        return self.shape.scope

    @property
    def nodes(self) -> tuple[ast.stmt, ...]:
        """Its syntax trees, at whatever lines; `placed` has them where the form stands."""
        return self.shape.nodes

    @property
    def node(self) -> ast.stmt:
        """The first of its statements."""
        return self.shape.nodes[0]

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.shape.kind

    @property
    def names(self) -> Names:
        """What it binds and reads when it is executed."""
        return self.shape.names

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The functions it makes, in order of their source."""
        return self.shape.leaves

    @property
    def skeleton(self) -> str:
        """The syntax tree with the bodies of all leaves blanked."""
        return self.shape.skeleton

    @property
    def key(self) -> tuple[str, object]:
        """What it is matched by when its text changed: its kind and the names that it binds."""
        if self.kind in (Kind.FUNCTION, Kind.CLASS):
            return "definition", self.name
        return self.kind.value, self.names.binds or (type(self.node).__name__,)

    @property
    def name(self) -> str:
        """The name of a function or class; else the names it binds."""
        return self.shape.name

    @property
    def keep(self) -> bool:
        """True if the author marked it `# livecode: keep`; in a definition the mark is that of a member."""
        return self.shape.keep and self.kind not in (Kind.FUNCTION, Kind.CLASS)

    @cached_property
    def members(self) -> tuple[Form, ...]:
        """The statements of a class body as forms; empty for all else."""
        above = self.start - 1
        return tuple(Form(member.shape, member.start + above) for member in self.shape.members)

    def placed(self) -> tuple[ast.stmt, ...]:
        """Its syntax trees at their real lines, as they are compiled."""
        shift = self.start - self.shape.origin
        if not shift:
            return self.nodes
        return tuple(moved(node, shift) for node in self.nodes)

    def label(self) -> str:
        """How people see it: ``quote()``, ``Order``, ``RATE``, ``import json``."""
        return form_label(self)


def parse(source: str) -> tuple[Form, ...]:
    """The forms of a module's source.

    Raises:
        SyntaxError, ValueError: The source does not parse (`livecode.engine.check.compile_failure` says it well).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the author has seen them when it was compiled
        if not is_long(source):
            return parse_lines(source_lines(source), 0, first=True)
        forms: list[Form] = []
        for piece in _pieces(source_lines(source), 0, first=True):
            forget_trees(piece)
            forms += piece
        return tuple(forms)


def lone_form(text: str, start: int, *, first: bool) -> Form:
    """The form of a module whose lines are these, standing at a line.

    Raises:
        SyntaxError, ValueError: They do not parse alone.
    """
    return Form(Shape(Syntax(text, (), ast.parse(text).body, 1), text, first, ()), start)


def is_long(source: str) -> bool:
    """True for a source of whose forms it matters how long the trees are kept."""
    return len(source) > LONG


def are_long(forms: Iterable[Form]) -> bool:
    """True for forms that are as much text as a long source."""
    return sum(len(form.shape.text) for form in forms) > LONG


def forget_trees(forms: Sequence[Form]) -> None:
    """Lets go of the trees of these forms, one form after the other."""
    for form in forms:
        form.shape.forget_trees()


def source_lines(source: str) -> list[str]:
    """The lines of a source, each with a line feed: as Python reads them, carriage returns end lines too."""
    return split_lines(normal(source))


def parse_lines(lines: Sequence[str], top: int, *, first: bool) -> tuple[Form, ...]:
    """The forms of some lines of a source; the compiler may warn.

    Args:
        lines: Each with its line feed.
        top: How many other lines stand before them.
        first: True if no statement is among those.

    Raises:
        SyntaxError, ValueError: They do not parse alone.
    """
    if len(lines) <= PIECE_LINES:
        body = ast.parse("".join(lines)).body
        forms = _forms(body, lines, 0, (), first=first)
        return tuple(Form(form.shape, form.start + top) for form in forms) if top else forms
    return tuple(form for piece in _pieces(lines, top, first=first) for form in piece)


def _pieces(lines: Sequence[str], top: int, *, first: bool) -> Iterator[tuple[Form, ...]]:
    """The forms of some lines, a few at a time."""
    for start, end, body in parse_pieces(lines):
        forms = _forms(body, lines[start:end], 0, (), first=first)
        body.clear()  # nobody but the forms holds the trees
        first = first and not forms
        yield tuple(Form(form.shape, form.start + top + start) for form in forms)


def common_ends(old: Sequence[Form], new: Sequence[Form]) -> tuple[int, int]:
    """How many forms at the beginning and at the end share their shapes, one by one."""
    most = min(len(old), len(new))
    first = min(_alike(old, new), most)
    return first, min(_alike(reversed(old), reversed(new)), most - first)


def _alike(old: Iterable[Form], new: Iterable[Form]) -> int:
    """How many forms share their shapes from the beginning: found without running bytecode, as modules are long."""
    return indexOf(chain(map(is_, map(_SHAPE, old), map(_SHAPE, new)), (False,)), False)


def future_flags(forms: Sequence[Form]) -> int:
    """Compiler flags of the `from __future__ import` forms, which stand before all others but the docstring.

    Only of those that still change something: CPython leaves the others out of its code objects too.
    """
    import __future__

    flags = 0
    for form in forms:
        if "__future__" not in form.shape.text and form.kind is not Kind.DOC:
            break
        for item in form.names.imports:
            if item.module == "__future__":
                flags |= getattr(__future__, item.name or "").compiler_flag if item.name in MEANINGFUL else 0
    return flags


def says_nothing(form: Form) -> bool:
    """True for a string or a constant as a statement; executed alone, it would become a docstring."""
    return form.kind is not Kind.DOC and all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in form.nodes
    )


def form_label(form: Form) -> str:
    """How people see a form."""
    match form.kind:
        case Kind.FUNCTION:
            return ".".join((*form.scope, form.name)) + "()"
        case Kind.CLASS:
            return ".".join((*form.scope, form.name))
        case Kind.DOC:
            return "docstring"
        case Kind.IMPORT | Kind.FUTURE:
            return form.text.strip().splitlines()[0].split("#")[0].strip()
        case _:
            if form.names.binds:
                return ", ".join(".".join((*form.scope, name)) for name in form.names.binds)
            return f"line {form.start}: {form.text.strip().splitlines()[0][:40]}"


def _forms(
    body: Sequence[ast.stmt], lines: Sequence[str], offset: int, scope: tuple[str, ...], *, first: bool = True
) -> tuple[Form, ...]:
    groups: list[tuple[int, int, list[ast.stmt]]] = []
    for node in body:
        start, end = _begins(node, lines, offset), node.end_lineno or node.lineno
        if groups and start <= groups[-1][1]:
            before = groups[-1]
            groups[-1] = (before[0], max(end, before[1]), [*before[2], node])
        else:
            groups.append((start, end, [node]))
    forms: list[Form] = []
    for start, end, nodes in groups:
        text = "".join(lines[start - 1 - offset : end - offset])
        forms.append(Form(Shape(Syntax(text, scope, nodes, start), text, first and not forms, scope), start))
    return tuple(forms)


def _begins(node: ast.stmt, lines: Sequence[str], offset: int) -> int:
    """The first line of a statement: that of the first `@`, which may stand before a parenthesis that runs on."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    line = first_line(node)
    while decorators and line > offset + 1 and not lines[line - 1 - offset].lstrip(" \t\f").startswith("@"):
        line -= 1
    return line
