"""What runs: for each module its source, its forms and its versions, and whether that can be believed.

Running       one module as it runs now
identify()    finds out for a loaded module, or says why it cannot be changed
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import time
import zipimport
from collections.abc import Callable, Mapping
from functools import cache, cached_property, partial
from importlib import machinery
from pathlib import Path
from types import CodeType, ModuleType

from livecode.engine.facts import OldMake
from livecode.engine.forms import Form, parse
from livecode.engine.outline import Outline
from livecode.engine.refusals import refusal
from livecode.live import tracking
from livecode.live.chunks import PushedLoader
from livecode.live.drift import drift_of
from livecode.live.overlay import PatchedLoader, saved_as
from livecode.live.sourcefile import decode_source
from livecode.model.nouns import Version, checksum
from livecode.model.report import Refusal

MAX_VERSIONS = 50
"""Versions remembered per module; the first one, from the file, is always among them."""


_WORDS = re.compile(r"\w+").findall


class Running:
    """One module as it runs now.

    Attributes:
        name: Its name.
        module: The live module object; None when it was unloaded, so that nothing here keeps it alive.
        filename: The chunk name that its code objects carry.
        file: Path of its source file; empty if it has none.
        versions: What ran, oldest first; the last one runs.
        old_makes: The values that were made by code which was edited since, by name.
    """

    def __init__(self, module: ModuleType, source: str, filename: str, file: str) -> None:
        self.name = module.__name__
        self.module: ModuleType | None = module
        self.filename = filename
        self.file = file
        self.versions: list[Version] = [Version(1, source)]
        self.checksum = checksum(source)
        self.old_makes: Mapping[str, OldMake] = {}

    @property
    def source(self) -> str:
        """The text that runs."""
        source = self.versions[-1].source
        return "" if source is None else source

    @property
    def number(self) -> int:
        """The version that runs."""
        return self.versions[-1].number

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The forms of the source that runs."""
        return parse(self.source)

    @cached_property
    def outline(self) -> Outline:
        """What that source says."""
        return Outline(self.name, package_of(self.module) if self.module is not None else "", self.forms)

    def words_among(self, wanted: frozenset[str]) -> frozenset[str]:
        """Those of the wanted words that stand in the source; its forms, where they are known, know theirs."""
        forms: tuple[Form, ...] | None = self.__dict__.get("forms")
        if forms is None:
            return wanted.intersection(_WORDS(self.source))
        said = [words for form in forms if not wanted.isdisjoint(words := form.shape.words)]
        return wanted & frozenset[str]().union(*said)

    def continue_from(self, earlier: Running) -> None:
        """Goes on with the version numbers of what ran under this name before."""
        first = self.versions[0]
        if earlier.versions[-1].source != first.source:
            number = earlier.number + 1
            self.versions = [*earlier.versions, Version(number, first.source, "", "imported again", time.time())]
        else:
            self.versions = earlier.versions

    def let_go(self) -> None:
        """Stops holding the module object."""
        self.module = None

    def become(
        self, source: str | None, forms: tuple[Form, ...] | None, *, author: str, reason: str, number: int = 0
    ) -> None:
        """Records that another source runs now, as the next version or as that of a number."""
        before = [version for version in self.versions if number > 0 and number <= version.number]
        if before:
            self._take_back(before, Version(number, source, author, reason, time.time()))
        else:
            undone = reversed(self.versions) if reason.startswith("undo") else ()
            restores = next((version.number for version in undone if version.source == source), None)
            self.versions.append(Version(number or self.number + 1, source, author, reason, time.time(), restores))
        self.checksum = "" if source is None else checksum(source)
        if len(self.versions) > MAX_VERSIONS:
            del self.versions[1]
        self.__dict__.pop("forms", None)
        self.__dict__.pop("outline", None)
        if forms is not None:
            self.__dict__["forms"] = forms

    def _take_back(self, gone: list[Version], version: Version) -> None:
        """Drops the versions that were never live everywhere; the one that is run again is what it was."""
        again = gone[0] if (gone[0].number, gone[0].source) == (version.number, version.source) else version
        self.versions = [*self.versions[: -len(gone)], again]

    def is_patched(self, version: Version) -> None:
        """Records that this was imported in place of what the file says."""
        self.versions.append(version)
        self.checksum = version.checksum


def package_of(module: ModuleType) -> str:
    """What the module's relative imports start from."""
    package = getattr(module, "__package__", None)
    if isinstance(package, str):
        return package
    return module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]


def identify(name: str, compiled: Callable[[str, str], CodeType]) -> Running | Refusal:
    """The running source of a loaded module, or why it is not known or cannot be changed.

    Args:
        name: Of the module.
        compiled: Compiles a source under a chunk name.
    """
    module = sys.modules[name]
    spec = getattr(module, "__spec__", None)
    loader = getattr(module, "__loader__", None) or getattr(spec, "loader", None)
    file = getattr(module, "__file__", None)
    if isinstance(loader, machinery.ExtensionFileLoader) or (
        file and file.endswith(tuple(machinery.EXTENSION_SUFFIXES))
    ):
        return refusal("LC201", f"{name} is native code ({file})", module=name)
    if _is_main(module, file):
        what = f"{name} runs as __main__ ({file}); a second copy would be another module"
        return refusal("LC502", what, module=name)
    if isinstance(loader, PushedLoader) and not loader.pushed.file:
        return _pushed_only(module, loader)
    if not isinstance(file, str) or not file.endswith(".py"):
        return refusal("LC508", f"{name} {_without_source(module, loader, file)}", module=name)
    found = tracking.remembered(name, file)
    try:
        data, certain = found if found is not None else (Path(file).read_bytes(), False)
        source = decode_source(data)
    except (OSError, ValueError) as error:
        if not os.path.exists(file) and isinstance(loader, zipimport.zipimporter):
            return refusal("LC508", f"{name} is inside of an archive ({loader.archive})", module=name)
        return refusal("LC508", f"the source of {name} cannot be read: {error}", module=name)
    if not certain and (different := drift_of(module, source, data, partial(compiled, source, file))):
        what = f"{different} of {name} is not what {file} says now: the file changed after it was imported"
        return refusal("LC401", what, module=name)
    running = Running(module, source, file, file)
    if isinstance(loader, PatchedLoader):
        running.is_patched(loader.patched.version)
    elif (version := saved_as(name)) is not None and version.checksum == running.checksum:
        running.versions = [version]  # it was pushed, and saved
    return running


def _pushed_only(module: ModuleType, loader: PushedLoader) -> Running:
    """What runs of a module that no file has."""
    source = loader.get_source(module.__name__)
    found = Running(module, source, loader.pushed.filename, "")
    found.versions = [Version(0, None), loader.pushed.version or Version(1, source)]
    return found


def _without_source(module: ModuleType, loader: object, file: object) -> str:
    """What a module without a source file is, for people."""
    if isinstance(loader, machinery.SourcelessFileLoader) or str(file).endswith(".pyc"):
        return f"was loaded from bytecode without its source ({file})"
    if file is None and hasattr(module, "__path__"):
        return "is a folder without __init__.py (a namespace package), which has no source"
    if loader in (machinery.BuiltinImporter, machinery.FrozenImporter):
        return "is part of the interpreter"
    return "was made by the program and not loaded from a source file"


def is_foreign(file: str) -> bool:
    """True for files of Python itself and of installed packages, unless their folder is tracked."""
    if not file or tracking.is_tracked(file):
        return False
    path = Path(file)
    if tracking.FOREIGN.intersection(path.parts):
        return True
    return any(path.is_relative_to(home) for home in _python_homes())


@cache
def _python_homes() -> tuple[str, ...]:
    """Where the standard library is: sysconfig takes 0.1 ms to say one, and each push asks a dozen times."""
    return tuple(sysconfig.get_path(key) for key in ("stdlib", "platstdlib"))


def runs_as_main(name: str) -> bool:
    """True if the running script is what `name` would import: `python shop.py`, `python -m shop.app`."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return bool(spec.name == name)
    file = getattr(main, "__file__", None)
    return bool(file) and "." not in name and os.path.splitext(os.path.basename(str(file)))[0] == name


def _is_main(module: ModuleType, file: object) -> bool:
    main = sys.modules.get("__main__")
    main_file = getattr(main, "__file__", None)
    same_file = bool(file and main_file) and os.path.realpath(str(file)) == os.path.realpath(str(main_file))
    return module is main or same_file
