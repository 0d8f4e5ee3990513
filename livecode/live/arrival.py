"""A module of a push that is not loaded yet: where it belongs, how it is imported, how that is taken back."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType
from typing import TYPE_CHECKING

from livecode.engine.refusals import refusal
from livecode.errors import UsageError
from livecode.live import chunks, ready
from livecode.live.chunks import PushedModule
from livecode.live.committing import Committing
from livecode.live.effects import effects_since, process_state
from livecode.live.journal import Journal, Step
from livecode.live.running import Running, is_foreign, runs_as_main
from livecode.live.sourcefile import read_source
from livecode.model.nouns import ModuleSource, Version
from livecode.model.report import Refusal

if TYPE_CHECKING:
    from livecode.live.process import Process


@dataclass(frozen=True, slots=True)
class Arrival:
    """A module that a push brings in.

    Attributes:
        pushed: What will be imported.
        from_file: True if its file says the same, so that Python's own loader can import it.
    """

    pushed: PushedModule
    from_file: bool

    @property
    def name(self) -> str:
        """Its dotted name."""
        return self.pushed.name

    @property
    def filename(self) -> str:
        """Its chunk name."""
        return self.pushed.filename

    def offer(self, journal: Journal, code: CodeType | None) -> None:
        """Makes it importable, so that the other modules of the push find it.

        Args:
            journal: Of the commit.
            code: What it was compiled to, if it was.
        """
        if code is not None:
            ready.put(self.name, self.pushed.source, code)
        if self.from_file:
            importlib.invalidate_caches()
            return
        before = chunks.offered(self.name)
        lines = chunks.lines_entry(self.filename)

        def take_back() -> None:
            chunks.withdraw(self.name)
            if before is not None:
                chunks.offer(before)
            chunks.restore_lines(self.filename, lines)

        journal.do(Step(lambda: chunks.offer(self.pushed), take_back))

    def arrive(self, state: Committing) -> None:
        """Imports it, unless another module of the push did so already."""
        parent, _, last = self.name.rpartition(".")
        state.journal.note(lambda: _forget(self.name, parent, last))
        before = process_state()
        try:
            importlib.import_module(self.name)
        finally:
            ready.forget(self.name)
            state.effects += effects_since(before, 1)

    def running(self, process: Process, *, author: str, reason: str, number: int = 0) -> Running:
        """What runs now."""
        file = self.pushed.file
        made = Running(sys.modules[self.name], self.pushed.source, self.filename, file)
        earlier = process.remembered(self.name)
        if earlier is not None:
            made.versions = earlier.versions
            made.become(self.pushed.source, None, author=author, reason=reason, number=number)
        else:
            arrived = Version(number or 1, self.pushed.source, author, reason, process_time())
            made.versions = [Version(0, None), arrived]
        return made


def process_time() -> float:
    """Seconds since the epoch."""
    import time

    return time.time()


def find_arrival(item: ModuleSource, together: set[str], *, force: bool) -> Arrival | Refusal:
    """Where a module that is not loaded belongs, or why it cannot come.

    Args:
        item: Name and source.
        together: Names of all modules of the push.
        force: Also shadow what belongs to Python or to an installed package.
    """
    name, source = item.module, item.source or ""
    if runs_as_main(name):
        what = f"{name} runs as __main__ in this process; importing it would make a second copy"
        return refusal("LC502", what, module=name)
    parent, _, _ = name.rpartition(".")
    problem = _parent_problem(name, parent, together)
    if problem is not None:
        return problem
    spec = _spec_on_disk(name, parent)
    file = spec.origin if spec is not None and spec.origin and spec.origin.endswith(".py") else ""
    top = name.partition(".")[0]
    if not force and (top in sys.stdlib_module_names or is_foreign(file or "")):
        return refusal("LC504", f"{name} is not the service's own: {file or 'a module of Python'}", module=name)
    path = _package_path(name, spec, together)
    if not file:
        return Arrival(PushedModule(name, source, chunks.chunk_name(name), path), from_file=False)
    try:
        same = read_source(file) == source
    except UsageError:
        same = False
    return Arrival(PushedModule(name, source, file, path, file), from_file=same)


def _parent_problem(name: str, parent: str, together: set[str]) -> Refusal | None:
    if not parent or parent in together:
        return None
    package = sys.modules.get(parent)
    if package is None:
        return refusal("LC503", f"{parent} is not loaded, so {name} cannot be put into it", module=name)
    if not hasattr(package, "__path__"):
        what = f"{parent} is a module and no package, so it cannot hold {name}"
        return refusal("LC503", what, way_out=f"push it as {name.replace('.', '_')}", module=name)
    return None


def _spec_on_disk(name: str, parent: str) -> ModuleSpec | None:
    package = sys.modules.get(parent) if parent else None
    if parent and package is None:
        return None
    path = list(package.__path__) if package is not None else None
    importlib.invalidate_caches()
    return PathFinder.find_spec(name, path)


def _package_path(name: str, spec: ModuleSpec | None, together: set[str]) -> tuple[str, ...] | None:
    if spec is not None and spec.submodule_search_locations is not None:
        return tuple(spec.submodule_search_locations)
    return () if any(other.startswith(name + ".") for other in together) else None


def _forget(name: str, parent: str, last: str) -> None:
    module = sys.modules.pop(name, None)
    owner = sys.modules.get(parent)
    if module is not None and owner is not None and owner.__dict__.get(last) is module:
        del owner.__dict__[last]
