"""How each engine is told of a new release: generators that get ready, wait for the files to be written, and switch.

Runs in the environment of the package; nothing of livecode's tests is imported here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Engine = Callable[[Path, "dict[str, Path]"], Iterator[None]]
"""Gets the folder of the running package and its loaded modules' files; what it yields first waits for the new ones."""


SAID: list[str] = []
"""What the engine told of the switch, by lines."""


def nothing(folder: Path, modules: dict[str, Path]) -> Iterator[None]:
    """The old release goes on running."""
    yield


def livecode(folder: Path, modules: dict[str, Path]) -> Iterator[None]:
    """The public API and nothing else."""
    import livecode

    livecode.track(folder)
    yield
    report = livecode.push_folder(folder, changed_only=True)
    print(report)
    SAID.extend(str(report).splitlines())
    if not report.ok:
        raise RuntimeError("; ".join(str(report).splitlines()[:6]))


def reload(folder: Path, modules: dict[str, Path]) -> Iterator[None]:
    """`importlib.reload` of every module whose file differs, in the order in which they were imported."""
    before = {name: path.read_bytes() for name, path in modules.items()}
    yield
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name in modules]:
        if modules[name].exists() and modules[name].read_bytes() != before[name]:
            importlib.reload(sys.modules[name])


def autoreload(folder: Path, modules: dict[str, Path]) -> Iterator[None]:
    """`%autoreload 2` of IPython."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.extensions.autoreload import ModuleReloader

    reloader = ModuleReloader(InteractiveShell.instance())
    reloader.check(check_all=True, do_reload=False)
    yield
    importlib.invalidate_caches()
    reloader.check(check_all=True)


def jurigged(folder: Path, modules: dict[str, Path]) -> Iterator[None]:
    """What its watcher does for each file, without the watcher."""
    from jurigged.register import registry

    for name, path in modules.items():
        registry.prepare(name, str(path))
        registry.get(str(path))
    yield
    for path in modules.values():
        found = registry.get(str(path))
        if found is not None and path.exists():
            found.refresh()


ENGINES: dict[str, Engine] = {
    "nothing": nothing,
    "livecode": livecode,
    "reload": reload,
    "autoreload": autoreload,
    "jurigged": jurigged,
}
