"""The ways to make an edited source live that are measured: each starts with a loaded module and makes a text visible.

The peers are optional: `pip install ipython jurigged`.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol


class Engine(Protocol):
    """One way."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Called once, before the modules are imported."""

    def prepare(self, module: str, text: str) -> None:
        """What an editor does, which is not measured."""

    def push(self, module: str, text: str) -> None:
        """What is measured: afterwards the text must be visible."""


class Reference:
    """Compiles and executes the whole source in the module: no reload does less."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Nothing is needed."""

    def prepare(self, module: str, text: str) -> None:
        """Nothing is needed."""

    def push(self, module: str, text: str) -> None:
        """Compiles and executes."""
        exec(compile(text, f"<{module}>", "exec"), sys.modules[module].__dict__)


class Livecode:
    """`livecode.push`, as users call it."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Tracks the folder."""
        import livecode

        livecode.track(folder)
        self._push: Callable[..., Any] = livecode.push

    def prepare(self, module: str, text: str) -> None:
        """Nothing is needed."""

    def push(self, module: str, text: str) -> None:
        """Pushes; what is not live is an error."""
        report = self._push({module: text})
        assert report.ok, report


class InProcess(Livecode):
    """`Process.push`: the same without the rollout around it."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Tracks the folder."""
        from livecode.live.process import this_process

        self._process = this_process()
        self._process.track(folder)

    def push(self, module: str, text: str) -> None:
        """Pushes; what is not live is an error."""
        from livecode.model.nouns import ModuleSource, Push

        outcome = self._process.push(Push((ModuleSource(module, text),)))
        assert outcome.ok, outcome


class _Saved:
    """A peer that reads the file: each text is saved a second later than the one before, as it goes by that."""

    def __init__(self) -> None:
        self._saved = 0

    def prepare(self, module: str, text: str) -> None:
        """Saves the file."""
        file = str(sys.modules[module].__file__)
        self._saved += 1
        Path(file).write_text(text)
        stamp = os.stat(file).st_mtime + self._saved
        os.utime(file, (stamp, stamp))


class Autoreload(_Saved):
    """`%autoreload 2` of IPython: what runs before each cell."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Makes the reloader."""
        from IPython.extensions.autoreload import ModuleReloader

        warnings.simplefilter("ignore")
        self._reloader: Any = ModuleReloader()

    def prepare(self, module: str, text: str) -> None:
        """Saves the file; a module that is new to the reloader is looked at before."""
        if module not in self._reloader.modules_mtimes:
            self._reloader.check(check_all=True, do_reload=False)
        super().prepare(module, text)

    def push(self, module: str, text: str) -> None:
        """Checks all modules."""
        self._reloader.check(check_all=True)


class Jurigged(_Saved):
    """jurigged, without its watcher: what it does when the watcher has noticed the save."""

    def begin(self, folder: Path, modules: Iterable[str]) -> None:
        """Registers what is imported from the folder."""
        self._registry: Any = importlib.import_module("jurigged").registry
        self._registry.auto_register(filter=lambda file: file.startswith(str(folder)))

    def push(self, module: str, text: str) -> None:
        """Refreshes the file."""
        self._registry.get(str(sys.modules[module].__file__)).refresh()


ENGINES: dict[str, Callable[[], Engine]] = {
    "compile and exec": Reference,
    "livecode.push": Livecode,
    "Process.push": InProcess,
    "autoreload 2": Autoreload,
    "jurigged": Jurigged,
}
NEEDS = {"autoreload 2": "IPython", "jurigged": "jurigged"}
