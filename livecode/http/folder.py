"""A folder of code that is there already: which file in it is the source of which module.

    /srv/next/shop/__init__.py     shop
    /srv/next/shop/pricing.py      shop.pricing

A file is looked for by the name of a module that the service has loaded, or that a changed one imports; never by
what a request says. So the folder is not walked, and no request leads out of it: every part of a name is an identifier,
it must be in its folder in exactly this spelling, and what a symbolic link leads to must be below the folder, too.
"""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Collection, Iterable

from livecode.engine.check import MAX_SOURCE_BYTES, refuse_name
from livecode.http.exchange import Problem
from livecode.http.mounted import CodeFolder
from livecode.live.sourcefile import decode_source
from livecode.model.nouns import ModuleSource

INIT = "__init__.py"


class BadFileError(ValueError):
    """A file of the folder cannot be the source of its module.

    Args:
        module: Whose source it would be.
        shown: The file, from the folder on.
        why: What is wrong with it.
    """

    def __init__(self, module: str, shown: str, why: str) -> None:
        super().__init__(f"{shown}: {why}")
        self.module, self.shown, self.why = module, shown, why


def opened(folder: CodeFolder) -> Opened:
    """The folder as it is now.

    Raises:
        Problem: It is not there, or cannot be entered.
    """
    real = os.path.realpath(folder.path)
    try:
        os.listdir(real)
    except OSError as error:
        what = f"the folder {folder.name!r}, which was named when this endpoint was mounted, cannot be read"
        raise Problem(503, f"{what}: {error.strerror}", "put the sources there, then ask again") from error
    if os.path.dirname(real) == real:
        raise Problem(503, f"the folder {folder.name!r} leads to the root of the file system", "mend the link")
    return Opened(folder.name, real)


class Opened:
    """The folder during one request: what a link leads to does not change in the middle.

    Args:
        name: For people.
        root: Its real path.
    """

    def __init__(self, name: str, root: str) -> None:
        self._name, self._root = name, root
        self._entries: dict[str, frozenset[str]] = {}

    def source(self, module: str) -> ModuleSource | None:
        """The source of a module by the layout of the folder; None if it has none there.

        Raises:
            BadFileError: Its file leads out of the folder, is no file, too large, or not Python source.
        """
        steps = self._find(module)
        if steps is None:
            return None
        shown, real = f"{self._name}/{'/'.join(steps)}", os.path.realpath(os.path.join(self._root, *steps))
        if not self._is_below(real):
            raise BadFileError(module, shown, "a symbolic link leads out of the folder")
        try:
            return ModuleSource(module, decode_source(_bytes_of(real)), shown)
        except OSError as error:
            raise BadFileError(module, shown, error.strerror or type(error).__name__) from error
        except ValueError as error:
            raise BadFileError(module, shown, str(error)) from error

    def _find(self, module: str) -> list[str] | None:
        """The steps from the folder to the file of a module."""
        parts = module.split(".")
        if refuse_name(module) is not None:
            return None
        both = [*parts, INIT], [*parts[:-1], f"{parts[-1]}.py"]  # in the order in which an import looks for them
        return next((steps for steps in both if self._is_spelled_so(steps)), None)

    def _is_spelled_so(self, steps: Iterable[str]) -> bool:
        """True if each step is in its folder with exactly this name: a file system may not care for case or form."""
        folder = self._root
        for step in steps:
            if step not in self._names_in(folder):
                return False
            folder = os.path.join(folder, step)
        return True

    def _names_in(self, folder: str) -> frozenset[str]:
        if folder not in self._entries:
            try:
                self._entries[folder] = frozenset(os.listdir(folder)) if self._is_below(folder) else frozenset()
            except OSError:  # no folder, or one that may not be entered: nothing can be found in it
                self._entries[folder] = frozenset()
        return self._entries[folder]

    def _is_below(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real == self._root or real.startswith(self._root + os.sep)


def imported_by(item: ModuleSource) -> tuple[str, ...]:
    """The modules that a source imports when it is executed, by their absolute names; their packages come first.

    Imports inside of functions are left out: they happen later, or never.
    """
    try:
        tree = ast.parse(item.source or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # whoever executes it will say so
        return ()
    names: dict[str, None] = {}
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names |= dict.fromkeys(_from(node, item))
    return tuple(dict.fromkeys(each for name in names for each in _with_packages(name)))


def _executed(tree: ast.AST) -> Iterable[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.expr):
            waiting += ast.iter_child_nodes(node)


def _from(node: ast.ImportFrom, item: ModuleSource) -> Iterable[str]:
    base = node.module or ""
    if node.level:
        package = item.module.split(".") if item.origin.endswith("/" + INIT) else item.module.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        base = ".".join([*kept, *([base] if base else [])])
    if not base:
        return ()
    return (base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*"))


def _with_packages(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[: i + 1]) for i in range(len(parts)))


def with_new_ones(chosen: Iterable[ModuleSource], loaded: Collection[str], folder: Opened) -> tuple[ModuleSource, ...]:
    """These sources, and before them those of modules that they import, that nobody has loaded, and that are there."""
    items = {item.module: item for item in chosen}
    new: dict[str, ModuleSource] = {}
    waiting = list(items.values())
    while waiting:
        for name in imported_by(waiting.pop(0)):
            if name in loaded or name in items or name in new or (found := folder.source(name)) is None:
                continue
            new[name] = found
            waiting.append(found)
    return (*(new[name] for name in sorted(new)), *items.values())


def _bytes_of(path: str) -> bytes:
    """What a file says, if it is one: not a device, not a pipe that nobody writes to.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is something else, or too large to be source.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    try:
        seen = os.fstat(number)
        if not stat.S_ISREG(seen.st_mode):
            raise ValueError("it is not a regular file")
        if seen.st_size > MAX_SOURCE_BYTES:
            raise ValueError(f"{seen.st_size / 1048576:.1f} MiB; at most {MAX_SOURCE_BYTES // 1048576} MiB are source")
        with open(number, "rb", closefd=False) as file:
            return file.read(MAX_SOURCE_BYTES + 1)
    finally:
        os.close(number)
