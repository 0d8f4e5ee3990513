"""What a statement does that no later push can take back, and what would crash: said before anything is touched.

Only statements that will be executed, or that go away, are looked at, with the functions of the module that they call.

    does it again, or otherwise     LC202, LC203, LC204: C code holds the first one, or Python keeps both for good
    does it for the first time      a warning: it stays, whatever is pushed or undone later
    does it no more                 a warning: what was done stays

Source: "What cannot be unloaded", found by experiment on CPython 3.11 to 3.13.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from livecode.engine.facts import ModuleFacts
from livecode.engine.forms import Form, Kind
from livecode.engine.planned import ModulePlan, Plan
from livecode.engine.refusals import refusal
from livecode.model.report import Refusal

FOREVER = {
    "sys.addaudithook": "Python never removes an audit hook",
    "os.register_at_fork": "Python never forgets what it calls at a fork",
    "codecs.register": "codecs stay registered",
    "codecs.register_error": "error handlers stay registered",
}
"""Registering twice would do everything twice, from now on: refused with LC204."""

STARTED = {
    "threading.Thread": "a thread runs on in the code that it was started with",
    "threading.Timer": "a timer runs on in the code that it was started with",
    "multiprocessing.Process": "a process keeps the code that it was started with",
    "multiprocessing.Pool": "its processes keep the code that they were started with",
    "concurrent.futures.ProcessPoolExecutor": "its processes keep the code that they were started with",
}
"""A second one beside the first is said, not refused: it may be meant."""

PROTOTYPES = frozenset({"ctypes.CFUNCTYPE", "ctypes.PYFUNCTYPE", "ctypes.WINFUNCTYPE"})
CALLBACK, DECLARATION = "a ctypes callback", "cffi declarations"
MAX_CALLS_FOLLOWED = 20


@dataclass(frozen=True, slots=True)
class Hazard:
    """One thing that a statement does.

    Attributes:
        what: Dotted name of what it calls, or `CALLBACK`, or `DECLARATION`.
        line: Where the statement that does it starts.
    """

    what: str
    line: int


def refuse_hazards(made: Plan, before: Mapping[str, Sequence[Form]]) -> list[Refusal]:
    """Why statements of a plan must not be executed again, or not go."""
    found: list[Refusal] = []
    for part in made.modules:
        old = Scan(before[part.module])
        executed = {name for run in part.runs for name in run.form.names.binds}
        for run in part.runs:
            if run.old is None:
                continue
            for hazard in old.of(run.old):
                if code := _code(hazard, run.old, executed):
                    said = f"{run.form.label()} would do it again: {_why(hazard.what)}"
                    found.append(refusal(code, said, module=part.module, line=run.form.start))
        for form in _gone(part):
            if any(hazard.what == CALLBACK for hazard in old.of(form)):
                said = f"{form.label()} would be freed: {_why(CALLBACK)}"
                found.append(refusal("LC202", said, module=part.module, old_line=form.start))
    return found


def refuse_unload(module: str, forms: Sequence[Form]) -> list[Refusal]:
    """Why a module cannot be taken out: C code would call into what is freed."""
    scan = Scan(forms)
    return [
        refusal("LC202", f"{form.label()} would be freed: {_why(CALLBACK)}", module=module, old_line=form.start)
        for form in forms
        if any(hazard.what == CALLBACK for hazard in scan.of(form))
    ]


def hazard_warnings(made: Plan, before: Mapping[str, Sequence[Form]]) -> list[str]:
    """What a plan does for good, and what stays of what it takes away."""
    said: dict[str, None] = {}
    for part in made.modules:
        old, new = Scan(before[part.module]), Scan(part.forms)
        for run in part.runs:
            did = {hazard.what for hazard in old.of(run.old)} if run.old is not None else set()
            for hazard in new.of(run.form):
                if hazard.what in did and hazard.what in STARTED:
                    text = f"{hazard.what} is there a second time: {STARTED[hazard.what]}"
                    said[f"{part.module}, line {hazard.line}: {text}"] = None
                elif hazard.what in FOREVER:
                    said[f"{part.module}, line {hazard.line}: no undo takes it back: {FOREVER[hazard.what]}"] = None
        for form in _gone(part):
            said.update(dict.fromkeys(f"{part.module}: {_stays(hazard)}" for hazard in old.of(form) if _stays(hazard)))
    return list(said)


def unload_warnings(module: str, forms: Sequence[Form]) -> list[str]:
    """What stays of a module that is taken out."""
    scan = Scan(forms)
    said = (_stays(hazard) for form in forms for hazard in scan.of(form))
    return list(dict.fromkeys(f"{module}: {text}" for text in said if text))


def refuse_compiled(made: Plan, facts: Mapping[str, ModuleFacts]) -> list[Refusal]:
    """Functions of which another tool runs a translation: new source would not change what they do."""
    found = []
    for part in made.modules:
        pairs = [*part.swaps, *(pair for run in part.runs if run.edit is not None for pair in run.edit.swaps)]
        for pair in pairs:
            for leaf in pair.changed_leaves:
                name = ".".join(leaf.path)
                if maker := facts[part.module].compiled(name):
                    what = f"{name}() runs as {maker} compiled it, whatever its source says"
                    found.append(refusal("LC301", what, module=part.module, line=pair.new.start))
    return found


def compiled_warnings(made: Plan, facts: Mapping[str, ModuleFacts]) -> list[str]:
    """Functions that were compiled with a value in them that changes now."""
    said = []
    for part in made.modules:
        bound = {name for run in part.runs for name in run.form.names.binds}
        for form in part.forms if bound else ():
            maker = facts[part.module].compiled(form.name) if form.kind is Kind.FUNCTION else ""
            frozen = sorted(bound & form.shape.mentions - {form.name}) if maker else []
            if frozen:
                said.append(f"{form.label()} may keep {', '.join(frozen)} as it was when {maker} compiled it")
    return said


def _code(hazard: Hazard, form: Form, executed: set[str]) -> str:
    """The code with which doing it again is refused; empty if it may be done."""
    if hazard.what in FOREVER:
        return "LC204"
    if hazard.what == CALLBACK:
        return "LC202"
    declares_anew = any(owner in executed for owner in form.names.reads)
    return "LC203" if hazard.what == DECLARATION and not declares_anew else ""


def _why(what: str) -> str:
    if what == CALLBACK:
        return "C code may hold the callback, and calling it would crash the process"
    if what == DECLARATION:
        return "cffi keeps what was declared before"
    return f"{what}: {FOREVER[what]}"


def _stays(hazard: Hazard) -> str:
    why = FOREVER.get(hazard.what) or STARTED.get(hazard.what)
    return f"what line {hazard.line} did before stays: {why}" if why else ""


def _gone(part: ModulePlan) -> list[Form]:
    """The statements that go; one of two that say the same is not gone."""
    there = {form.text for form in part.forms} if part.gone else set()
    return [form for form in part.gone if form.text not in there]


class Scan:
    """Finds hazards in the statements of one source.

    Args:
        forms: All of it.
    """

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = forms

    @cached_property
    def _meaning(self) -> dict[str, str]:
        """Imported name → what it stands for."""
        imports = [item for form in self._forms for item in form.names.imports]
        meaning = {item.bound: f"{item.module}.{item.name}" if item.name else item.module for item in imports}
        return meaning | {item.bound: item.bound for item in imports if item.name is None and "." in item.module}

    @cached_property
    def _relevant(self) -> bool:
        """True if something is imported that may be a hazard."""
        roots = {name.partition(".")[0] for name in self._meaning.values()}
        return not roots.isdisjoint({"ctypes", "cffi", *(name.partition(".")[0] for name in _KNOWN)})

    def of(self, form: Form) -> list[Hazard]:
        """What executing a statement does, the module's own functions that it calls included."""
        if not self._relevant or form.kind is Kind.IMPORT:
            return []
        seen, waiting, found = set[str](), [form.names.calls], list(self._calls(form.nodes, form.start))
        while waiting and len(seen) < MAX_CALLS_FOLLOWED:
            for name in waiting.pop() - seen:
                seen.add(name)
                for other in self._forms:
                    if other.kind is Kind.FUNCTION and other.name == name:
                        body = getattr(other.node, "body", ())
                        found += self._calls(body, form.start)
                        waiting.append(other.shape.mentions)
        return found

    def _calls(self, nodes: Iterable[ast.AST], line: int) -> Iterator[Hazard]:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if self._is_prototype(decorator):
                        yield Hazard(CALLBACK, line)
                    yield from self._calls([decorator], line)
                continue
            if isinstance(node, ast.Lambda):
                continue
            if isinstance(node, ast.Call):
                yield from self._call(node, line)
            yield from self._calls(ast.iter_child_nodes(node), line)

    def _call(self, node: ast.Call, line: int) -> Iterator[Hazard]:
        name = self._dotted(node.func)
        if name in _KNOWN:
            yield Hazard(name, line)
        elif self._is_prototype(node.func):
            yield Hazard(CALLBACK, line)
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "cdef" and self._is_ffi(node.func.value):
            yield Hazard(DECLARATION, line)

    def _is_prototype(self, node: ast.expr) -> bool:
        """True for ``CFUNCTYPE(c_int)``, and for a name that stands for that."""
        if isinstance(node, ast.Call):
            return self._dotted(node.func) in PROTOTYPES
        return isinstance(node, ast.Name) and any(map(self._is_prototype, self._values(node.id)))

    def _is_ffi(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return self._dotted(node.func) == "cffi.FFI"
        return isinstance(node, ast.Name) and any(map(self._is_ffi, self._values(node.id)))

    def _values(self, name: str) -> Iterator[ast.expr]:
        for form in self._forms:
            node = form.node
            if form.kind is Kind.VALUE and name in form.names.binds and isinstance(node, ast.Assign):
                if isinstance(node.value, ast.Call):
                    yield node.value

    def _dotted(self, node: ast.expr) -> str:
        """What an expression means, by the imports of the module; empty if it is nothing imported."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        root = self._meaning.get(node.id) if isinstance(node, ast.Name) else None
        return ".".join([root, *reversed(parts)]) if root else ""


_KNOWN = frozenset({*FOREVER, *STARTED})
