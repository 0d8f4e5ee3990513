"""Who imports whom, kept between pushes."""

from __future__ import annotations

from types import ModuleType

from livecode.engine.outline import Outline
from livecode.live.importers import Importers
from livecode.live.running import Running


class Modules:
    """Modules given as text, and the index of them."""

    def __init__(self, **sources: str) -> None:
        self.running = {name: Running(ModuleType(name), text, name, "") for name, text in sources.items()}
        self.index = Importers()
        self.parsed: list[str] = []
        self.index.refresh(tuple(sources), self.running.get)

    def outline(self, name: str) -> Outline:
        """See `Importers`; notes who is asked for."""
        self.parsed.append(name)
        return self.running[name].outline

    def become(self, name: str, source: str) -> None:
        """Another source runs."""
        self.running[name].become(source, None, author="", reason="")
        self.index.note([name])
        self.index.refresh(tuple(self.running), self.running.get)

    def making(self, module: str, word: str) -> list[str]:
        """Who may hold what the word made."""
        return list(self.index.making(module, [word], self.outline))

    def reading(self, module: str, word: str) -> list[str]:
        """Who comes upon the word when it is imported."""
        return list(self.index.reading(module, [word], self.outline))


def test_who_does_not_say_the_word_is_not_even_parsed() -> None:
    """A module that nobody imports is passed over by its text, if what it makes does not lead to the word."""
    modules = Modules(base="def f(): pass", one="from base import f\ndef g(): f()", two="import base\nX = base.f()")
    assert modules.making("base", "f") == ["two"]
    assert modules.parsed == ["two"]
    assert modules.reading("base", "f") == ["one", "two"]


def test_who_is_imported_in_turn_is_always_looked_at() -> None:
    """What a module hands on may matter to others although it says nothing itself."""
    modules = Modules(base="def f(): pass", one="from base import f", two="from one import f as g\nX = g()")
    assert modules.making("base", "f") == ["one"]
    assert modules.making("one", "f") == ["two"]


def test_another_version_of_an_importer_counts_at_once() -> None:
    """The words of the version before are forgotten, and those of the new one known, whoever imports whom."""
    modules = Modules(base="def f(): pass", one="import base\nX = base.f()")
    assert modules.making("base", "f") == ["one"]
    modules.become("one", "import base\nX = 1")
    assert modules.making("base", "f") == []
    modules.become("one", "import base\nX = base.f()")
    assert modules.making("base", "f") == ["one"]
    modules.become("one", "X = 1")
    assert modules.making("base", "f") == []


def test_a_star_import_is_always_looked_at() -> None:
    """Who imports all names gets also those that it does not write."""
    modules = Modules(base="K = 1", one="from base import *", two="from base import J")
    assert modules.reading("base", "K") == ["one"]
