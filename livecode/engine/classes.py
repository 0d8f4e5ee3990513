"""What to do with a class statement that has to be executed again.

    bodies of methods only               swapped; this module is not even asked
    members of a plain class             a class body of just those members is executed and folded into the live class
    bases, the first and the last too    assigned to the live class; how, and at what price: `livecode.live.bases`
    `metaclass=ABCMeta` comes            the same: its abstract methods count, and it keeps its metaclass
    dataclass, enum, own metaclass, …    the whole statement is executed, its class folded into the live one
    decorators, class keywords           the same; `__init_subclass__` is called as for a new class
    slots of a class that nobody uses    a class made anew, to which every name of the old one moves
    other slots, metaclass               refused

The live class stays in every case, so that instances, subclasses and isinstance hold.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from livecode.engine.bodies import dotted
from livecode.engine.diff import Diff, Pair, diff
from livecode.engine.facts import ClassKind, ModuleFacts
from livecode.engine.forms import Form, Kind, says_nothing
from livecode.engine.layout import keeps_layout, live_instances, refuse_layout
from livecode.engine.refusals import refusal
from livecode.engine.syntax import Syntax
from livecode.model.report import Change, ChangeKind, Refusal

MADE_BY_DECORATOR = frozenset(
    {
        *("__init__", "__post_init__", "__new__", "__repr__", "__hash__", "__eq__", "__ne__"),
        *("__lt__", "__le__", "__gt__", "__ge__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"),
        *("__attrs_pre_init__", "__attrs_post_init__", "__init_subclass__", "__set_name__"),
        *("_generate_next_value_", "__match_args__", "__replace__"),
    }
)
"""Methods that what builds a class (a decorator, a metaclass) looks at or writes itself."""

MADE_BY_PYTHON = frozenset(
    {
        *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__hash__"),
        *("__abstractmethods__", "_abc_impl", "__firstlineno__", "__static_attributes__", "__orig_bases__"),
        *("__parameters__", "__type_params__", "__annotate_func__", "__annotations_cache__", "__classdictcell__"),
    }
)
"""Attributes that a class has although its body does not bind them."""

REBUILDABLE = frozenset(
    {
        *(ClassKind.DATACLASS, ClassKind.ENUM, ClassKind.NAMED_TUPLE, ClassKind.REBUILT, ClassKind.BUILT),
        *(ClassKind.MODEL, ClassKind.PLAIN, ClassKind.SLOTTED),
    }
)
OF_OTHER_BASES = frozenset({ClassKind.PLAIN, ClassKind.DATACLASS, ClassKind.REBUILT, ClassKind.BUILT, ClassKind.MODEL})
"""Kinds that can be built again on other bases."""

TAKES_WORDS = OF_OTHER_BASES | {ClassKind.SLOTTED}
"""Kinds of which the class keywords can change: `__init_subclass__` is given them as for a new class."""

ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
MADE_ANEW = frozenset({"NamedTuple", "TypedDict", "Protocol"})
"""Bases that make a class of another kind of what is written: no class can become one, or cease to be one."""


@dataclass(frozen=True, slots=True)
class ClassEdit:
    """How a live class is brought to its new source.

    Attributes:
        form: The class statement as it will be.
        rebuild: The whole statement is executed; of the rest, only `kept` applies.
        kept: Attributes that unchanged members bind to a value: they keep the value that they have now.
        bound: Of a class that nothing but its statement and decorators made, the names that its members bound: other
            attributes were set while it lived, and stay, as does what `kept` names. None for those that a builder made.
        members: Members to execute, in order.
        swaps: Members of which only function bodies changed.
        shifts: Members that only moved.
        removed: Attributes to delete.
        bases: True if the bases are to be assigned again.
        annotations: True if `__annotations__` has to be made again.
        again: Members that ran before and run again, or that are removed: their decorators may have registered them.
        nested: Edits of classes inside this one.
        changes: What the report says.
        welcome: True if `__init_subclass__` of the bases is to see the class again, as what it reads changed.
    """

    form: Form
    rebuild: bool = False
    kept: frozenset[str] = frozenset()
    bound: frozenset[str] | None = None
    members: tuple[Form, ...] = ()
    swaps: tuple[Pair, ...] = ()
    shifts: tuple[Pair, ...] = ()
    removed: tuple[str, ...] = ()
    bases: bool = False
    annotations: bool = False
    again: tuple[Form, ...] = ()
    nested: tuple[ClassEdit, ...] = ()
    changes: tuple[Change, ...] = ()
    welcome: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Qualified name of the class, in parts."""
        return (*self.form.scope, self.form.name)


def class_edit(
    facts: ModuleFacts, old: Form, new: Form, stale: Callable[[Form], bool], built_from: str = ""
) -> tuple[ClassEdit | None, list[Refusal]]:
    """How to bring a live class from `old` to `new`, or why it cannot be done.

    Args:
        facts: The module, with what is known of its live classes.
        old: The class statement that runs.
        new: The class statement to come; the same object if the class is only re-run.
        stale: True for a member that reads what gets another value.
        built_from: Why the class has to be built again whatever became of its members; empty if it need not.

    Returns:
        The edit, None if the statement is to be executed like any other (there is no live class), and refusals.
    """
    qualname = ".".join((*old.scope, old.name))
    kind = facts.classes.get(qualname)
    if kind is None:
        return None, []
    change = diff(old.members, new.members)
    members = _members_to_run(change, new.members, stale)
    if (refused := _refuse_head(facts, old, new, kind, members)) is not None:
        return None, [refused]
    if _touches_slots(change) and not keeps_layout(old, new):
        held = facts.held(qualname) if not old.scope else None
        return None, [] if held == () else [refuse_layout(facts, old, new, held)]
    old_node, new_node = _class_of(old), _class_of(new)
    old_bases, new_bases = _real_bases(old_node), _real_bases(new_node)
    abstract, same_bases = _becomes_abstract(old_node, new_node), _dumps(old_bases) == _dumps(new_bases)
    same_words = abstract or _dumps(old_node.keywords) == _dumps(new_node.keywords)
    same_head = same_words and _dumps(old_node.decorator_list) == _dumps(new_node.decorator_list)
    derived = bool(new_node.decorator_list) and _derived(facts.attributes.get(qualname, frozenset()), old)
    simple = kind in (ClassKind.PLAIN, ClassKind.SLOTTED)
    if not built_from and same_head and (_methods_only(change, members) or (simple and not derived)):
        bases = abstract or not same_bases or stale(_bases_only(new))
        if not bases or kind is ClassKind.PLAIN:
            return _member_edit(facts, change, new, members, bases, stale)
    if kind in OF_OTHER_BASES or (kind in REBUILDABLE and same_bases and (not_slots(kind) or _same_fields(change))):
        return _built_again(change, new, kind, members, built_from), []
    if kind is ClassKind.SLOTTED and not old.scope and facts.held(qualname) == ():
        return None, []
    code = {ClassKind.SLOTTED: "LC103", ClassKind.NATIVE: "LC202"}.get(kind, "LC105")
    what = f"{new.label()} is {kind.value} and changes more than its methods"
    what += f"; {live_instances(facts, qualname)}" if kind is ClassKind.SLOTTED else ""
    return None, [refusal(code, what, module=facts.module, line=_first_of(change, members, new))]


def not_slots(kind: ClassKind) -> bool:
    """True for a class whose instances have a `__dict__`, as far as this class is concerned."""
    return kind is not ClassKind.SLOTTED


def _class_of(form: Form) -> ast.ClassDef:
    assert isinstance(form.node, ast.ClassDef)
    return form.node


def _refuse_head(facts: ModuleFacts, old: Form, new: Form, kind: ClassKind, members: Sequence[Form]) -> Refusal | None:
    """Why the first line of a class cannot change in this way."""
    old_node, new_node = _class_of(old), _class_of(new)
    abstract = _becomes_abstract(old_node, new_node)
    if not abstract and _dumps(old_node.keywords) != _dumps(new_node.keywords):
        if old.scope or kind not in TAKES_WORDS or _metaclass(old_node) != _metaclass(new_node):
            what = f"{new.label()} changes its {_keyword_change(old_node, new_node)}"
            return refusal("LC102", what, module=facts.module, line=new.start)
    first_base = bool(_real_bases(new_node)) and not _real_bases(old_node)
    if (abstract or first_base) and ".".join((*old.scope, old.name)) in facts.baseless:
        what = f"{new.label()} gets its first base, and makes its instances by a __new__ of its own"
        return refusal("LC106", what, module=facts.module, line=new.start)
    old_bases, new_bases = _real_bases(old_node), _real_bases(new_node)
    before, after = _ways(facts, old_bases), _ways(facts, new_bases)
    if before != after and not all(map(_abstract, (old_bases, new_bases))):
        what = f"{new.label()} becomes another kind of class: {_said(before)} → {_said(after)}"
        return refusal("LC105", what, module=facts.module, line=new.start)
    old_params, new_params = (getattr(node, "type_params", []) for node in (old_node, new_node))
    named = {parameter.name for parameter in (*old_params, *new_params)}
    if _dumps(old_params) != _dumps(new_params) or any(not named.isdisjoint(m.shape.mentions) for m in members):
        what = f"{new.label()} changes its type parameters, or a member that uses one"
        return refusal("LC105", what, module=facts.module, line=new.start)
    return None


def _built_again(change: Diff, new: Form, kind: ClassKind, members: Sequence[Form], built_from: str) -> ClassEdit:
    """The whole statement is executed, and what it makes is folded into the class that exists."""
    detail = f"{kind.value}, built again in place"
    if kind is ClassKind.NAMED_TUPLE:
        detail += "; tuples made before keep their length"
    label = Change(ChangeKind.CHANGED, new.label(), detail, new.start)
    if built_from and built_from != "changed":
        label = Change(ChangeKind.RERUN, new.label(), built_from, new.start)
    run = {id(form) for form in members}
    kept = (name for pair in change.same if id(pair.new) not in run for name in pair.new.names.binds)
    before = (*(pair.old for pair in (*change.same, *change.edited, *change.changed)), *change.removed)
    bound = frozenset(name for form in before for name in form.names.binds)
    plain = kind in (ClassKind.PLAIN, ClassKind.SLOTTED)
    return ClassEdit(new, rebuild=True, kept=frozenset(kept), bound=bound if plain else None, changes=(label,))


def _first_of(change: Diff, members: Sequence[Form], new: Form) -> int:
    """The line of the first member that stands in the way: those that are no functions do."""
    values = [form.start for form in members if form.kind is not Kind.FUNCTION]
    return min(values, default=new.start)


def _members_to_run(change: Diff, members: Sequence[Form], stale: Callable[[Form], bool]) -> tuple[Form, ...]:
    """Changed and added members, those that read what these bind, and all that bind a name together with them."""
    run = {id(pair.new) for pair in change.changed if not pair.new.keep} | {id(form) for form in change.added}
    touched = {name for form in change.removed for name in form.names.binds}
    size = -1
    while len(run) > size:
        size = len(run)
        rebound = {name for form in members if id(form) in run for name in form.names.binds} | touched
        for form in members:
            reads = form.names.reads & rebound or stale(form)
            if (reads or set(form.names.binds) & rebound) and not form.keep:
                run.add(id(form))
    return tuple(form for form in members if id(form) in run and not says_nothing(form))


def _methods_only(change: Diff, members: Sequence[Form]) -> bool:
    """True if nothing that the builder of the class looks at changes."""
    touched = [*members, *change.removed, *(pair.old for pair in change.changed)]
    return all(
        form.kind is Kind.DOC
        or says_nothing(form)
        or (form.kind is Kind.FUNCTION and form.name not in MADE_BY_DECORATOR and _plainly_decorated(form))
        for form in touched
    )


def _plainly_decorated(form: Form) -> bool:
    decorators: list[ast.expr] = getattr(form.node, "decorator_list", [])
    return all(
        (isinstance(item, ast.Name) and item.id in {"property", "staticmethod", "classmethod"})
        or (isinstance(item, ast.Attribute) and item.attr in {"setter", "getter", "deleter"})
        for item in decorators
    )


def _ran_before(change: Diff, members: Sequence[Form]) -> tuple[Form, ...]:
    """The members that run again, as they were, and those that are removed."""
    old = {id(pair.new): pair.old for pair in (*change.same, *change.edited, *change.changed)}
    return (*(old[id(form)] for form in members if id(form) in old), *change.removed)


def _real_bases(node: ast.ClassDef) -> list[ast.expr]:
    """The bases, without an `object` that says what goes without saying."""
    return [base for base in node.bases if not (isinstance(base, ast.Name) and base.id == "object")]


def _ways(facts: ModuleFacts, bases: Sequence[ast.expr]) -> frozenset[str]:
    """What the bases ask of how a class is made: its metaclass, or the layout of its instances, as a builtin has it."""
    found = set[str]()
    for base in bases:
        dotted_name = ast.unparse(base).partition("[")[0]
        name = dotted_name.rpartition(".")[2]
        builtin = getattr(builtins, dotted_name, None)
        if name in ENUMS or facts.classes.get(dotted_name) is ClassKind.ENUM:
            found.add("an enum")
        elif name in MADE_ANEW:
            found.add(f"a {name}")
        elif isinstance(builtin, type) and builtin not in (object, type):
            found.add(f"made as {builtin.__mro__[-2].__name__} is, in {builtin.__basicsize__} bytes")
    return frozenset(found)


def _abstract(bases: Sequence[ast.expr]) -> bool:
    """True if an ABC or a Protocol is among the bases: one can become the other."""
    return any(ast.unparse(base).partition("[")[0].rpartition(".")[2] in ("ABC", "Protocol") for base in bases)


def _said(ways: frozenset[str]) -> str:
    return " and ".join(sorted(ways)) or "an ordinary one"


def _becomes_abstract(old: ast.ClassDef, new: ast.ClassDef) -> bool:
    """True if `metaclass=ABCMeta` comes, and nothing else changes of the class keywords."""
    coming = [word for word in new.keywords if word.arg == "metaclass"]
    others = [word for word in new.keywords if word.arg != "metaclass"]
    named = [ast.unparse(word.value).rpartition(".")[2] for word in coming]
    return named == ["ABCMeta"] and _dumps(others) == _dumps(old.keywords)


def _metaclass(node: ast.ClassDef) -> list[str]:
    return _dumps([word.value for word in node.keywords if word.arg == "metaclass"])


def _keyword_change(old: ast.ClassDef, new: ast.ClassDef) -> str:
    """Which metaclass becomes which, or which other class keywords change."""
    before, after = ({word.arg or "**": ast.unparse(word.value) for word in node.keywords} for node in (old, new))
    if before.get("metaclass") != after.get("metaclass"):
        return f"metaclass: {before.get('metaclass', 'type')} → {after.get('metaclass', 'type')}"
    listed = [", ".join(f"{name}={value}" for name, value in each.items()) or "none" for each in (before, after)]
    return f"class keywords: {listed[0]} → {listed[1]}"


def _touches_slots(change: Diff) -> bool:
    touched = [
        *change.added,
        *change.removed,
        *(pair.new for pair in change.changed),
        *(pair.old for pair in change.changed),
    ]
    return any("__slots__" in form.names.binds for form in touched)


def _same_fields(change: Diff) -> bool:
    """True if a builder finds the same fields as before, of which it makes the slots."""
    gone = {name for form in (*change.removed, *(p.old for p in change.changed)) for name in _fields(form)}
    come = {name for form in (*change.added, *(p.new for p in change.changed)) for name in _fields(form)}
    return gone == come


FIELD_MAKERS = frozenset({"field", "ib", "attrib", "attr"})
"""What is assigned in a class body to make a field without an annotation."""


def _fields(form: Form) -> set[str]:
    """The fields that a builder of classes such as attrs and dataclasses may see in a member."""
    match form.node:
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Assign(value=ast.Call(func=called)) if dotted(called).rpartition(".")[2] in FIELD_MAKERS:
            return set(form.names.binds)
    return set()


def _derived(attributes: frozenset[str], form: Form) -> bool:
    """True if the live class has attributes that its body does not bind: its decorator made them, from what it saw."""
    private = {f"_{form.name.lstrip('_')}{name}" for member in form.members for name in member.names.binds}
    bound = {name for member in form.members for name in member.names.binds} | private
    return bool(attributes - bound - MADE_BY_PYTHON)


def _member_edit(
    facts: ModuleFacts,
    change: Diff,
    new: Form,
    members: tuple[Form, ...],
    bases: bool,
    stale: Callable[[Form], bool],
) -> tuple[ClassEdit, list[Refusal]]:
    nested, refusals = [], []
    for pair in change.changed:
        if pair.old.kind is Kind.CLASS and pair.new.kind is Kind.CLASS:
            edit, refused = class_edit(facts, pair.old, pair.new, stale)
            refusals += refused
            if edit is not None and not edit.rebuild:
                nested.append(edit)
    inside = {id(edit.form) for edit in nested}
    members = tuple(form for form in members if id(form) not in inside)
    executed = {id(form) for form in members}
    bound = {name for form in new.members for name in form.names.binds}
    gone = [*change.removed, *(pair.old for pair in change.changed)]
    removed = dict.fromkeys(name for form in gone for name in form.names.binds if name not in bound)
    edit = ClassEdit(
        new,
        members=members,
        swaps=tuple(pair for pair in change.edited if id(pair.new) not in executed),
        shifts=tuple(pair for pair in change.same if id(pair.new) not in executed),
        removed=tuple(removed),
        bases=bases,
        annotations=any(_annotated(form) for form in [*members, *change.removed, *(p.old for p in change.changed)]),
        again=_ran_before(change, members),
        nested=tuple(nested),
        changes=tuple(_changes(change, new, members, bases, nested)),
    )
    return edit, refusals


def _changes(
    change: Diff, new: Form, members: Sequence[Form], bases: bool, nested: Sequence[ClassEdit]
) -> list[Change]:
    added, changed = {id(form) for form in change.added}, {id(pair.new) for pair in change.changed}
    said = [Change(ChangeKind.CHANGED, new.label(), "has other bases", new.start)] if bases else []
    said += [Change(ChangeKind.REMOVED, form.label()) for form in change.removed if form.names.binds]
    for pair in change.edited:
        labels = dict.fromkeys(".".join(leaf.path) + "()" for leaf in pair.changed_leaves)
        said += [Change(ChangeKind.CHANGED, label, "", pair.new.start) for label in labels]
    for form in members:
        kind = (
            ChangeKind.ADDED if id(form) in added else ChangeKind.CHANGED if id(form) in changed else ChangeKind.RERUN
        )
        said.append(Change(kind, form.label(), "" if kind is not ChangeKind.RERUN else "with the rest", form.start))
    return [*said, *(item for edit in nested for item in edit.changes)]


def _annotated(form: Form) -> bool:
    return any(isinstance(node, ast.AnnAssign) for node in form.nodes)


def _bases_only(form: Form) -> Form:
    """The bases of a class as a form of their own, to ask what they read."""
    assert isinstance(form.node, ast.ClassDef)
    nodes = tuple(ast.copy_location(ast.Expr(base), base) for base in form.node.bases)
    syntax = Syntax(form.text, form.scope, nodes or (ast.Pass(),), form.shape.origin)
    return Form(replace(form.shape, syntax=syntax), form.start)


def _dumps(nodes: Sequence[ast.AST]) -> list[str]:
    return [ast.dump(node) for node in nodes]
