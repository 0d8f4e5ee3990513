"""What is known so far of one module while the dirt of a push spreads."""

from __future__ import annotations

from dataclasses import dataclass, field

from livecode.engine.facts import ModuleFacts
from livecode.engine.forms import Form
from livecode.engine.reach import Reach


@dataclass
class Spread:
    """What is known so far of one module while the dirt spreads.

    Attributes:
        facts: The module.
        forms: Its forms as they will be after the push.
        runs: Index in `forms` → why that form is executed.
        dirty: Names that get another value in the end, and attributes of names.
        tainted: Functions whose call gives another result at import time.
        reshaped: Decorators that make other functions.
        refilled: Containers that are filled again as a whole.
        shared: Containers that other code fills too, of which a statement that filled them changed.
        gone: Names that nothing binds any more.
        restored: Names that a statement binds which is executed, but that keep their value in the end.
        lost: Names that a star import does not bring any more.
        seen: Index in `forms` → what was dirty when a class statement was executed.
        rebuilt: Indexes in `forms` of classes that are built from a class whose fields change.
        turned: True if all its annotations become text, or values again.
        reread: `id` of the shapes of class members that read annotations which are made again.
        old: The forms that run now.
        reordered: True if a statement that stays stands before one that it stood after.
    """

    facts: ModuleFacts
    forms: tuple[Form, ...]
    runs: dict[int, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    tainted: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)
    refilled: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    gone: frozenset[str] = frozenset()
    restored: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    seen: dict[int, Reach] = field(default_factory=dict)
    rebuilt: set[int] = field(default_factory=set)
    turned: bool = False
    reread: set[int] = field(default_factory=set)
    old: tuple[Form, ...] = ()
    reordered: bool = False

    def size(self) -> int:
        """Grows while there is something new to spread."""
        return len(self.runs) + len(self.dirty) + len(self.tainted) + len(self.reshaped) + len(self.lost)

    def words(self) -> set[str]:
        """The words by which others come upon what is different here: the first and the last of each path."""
        paths = {path.rstrip(".*?!") for path in self.dirty | self.tainted}
        ends = {part for path in paths for part in (path.partition(".")[0], path.rpartition(".")[2])}
        return ends | self.reshaped | self.gone | self.lost

    def exports(self) -> bool:
        """True if others may have to do something."""
        return bool(self.dirty or self.tainted or self.reshaped or self.gone or self.lost or self.turned)
