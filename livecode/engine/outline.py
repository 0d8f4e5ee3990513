"""What can be said of a module from its source alone: made once, and kept as long as that source runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from livecode.engine.facts import import_targets
from livecode.engine.forms import Form
from livecode.engine.names import Imported


@dataclass(frozen=True, eq=False)
class Outline:
    """One source.

    Attributes:
        module: Name of the module.
        package: What its relative imports start from.
        forms: Its forms.
    """

    module: str
    package: str
    forms: tuple[Form, ...]

    @cached_property
    def imports(self) -> Mapping[str, list[Imported]]:
        """The modules that its import statements may take something from → what they take."""
        found: dict[str, list[Imported]] = {}
        for form in self.forms:
            for item in form.names.imports:
                for target in dict.fromkeys(import_targets(self, item)):
                    found.setdefault(target, []).append(item)
        return found


def outlines(sources: Iterable[tuple[str, str, tuple[Form, ...]]]) -> dict[str, Outline]:
    """By module, of modules whose forms are to come: name, package and forms."""
    return {name: Outline(name, package, forms) for name, package, forms in sources}


def importing(known: Mapping[str, Outline], module: str) -> list[str]:
    """Those of them that import a module, if there are others than that module."""
    return [name for name, outline in known.items() if name != module and module in outline.imports]
