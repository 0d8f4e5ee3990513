"""What differs: the running source against the file, against a version, or between workers; and as a patch."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from livecode.errors import UsageError
from livecode.front.nearest import did_you_mean
from livecode.front.saving import FilesTarget, differing, in_several_versions
from livecode.front.sources import shown_path
from livecode.live.sourcefile import encode_source
from livecode.model.difference import CONTEXT_LINES, Difference, Side, compare
from livecode.model.nouns import checksum
from livecode.model.patch import FileChange, patch
from livecode.model.saving import FileSide, FileState


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """What is compared.

    Attributes:
        modules: Names; none for all that differ.
        older: The version on the left; None for the file.
        newer: The version on the right; None for what runs. Alone, it is on the left, against what runs.
        between_workers: What some workers run against what others do, in place of the file.
        context_lines: Unchanged lines around each change.
    """

    modules: tuple[str, ...] = ()
    older: int | None = None
    newer: int | None = None
    between_workers: bool = False
    context_lines: int = CONTEXT_LINES


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sources of a module, and how they differ.

    Attributes:
        difference: How.
        texts: Both; None for what is not there.
        side: Its file, where that was asked for.
    """

    difference: Difference
    texts: tuple[str | None, str | None]
    side: FileSide | None = None


def differences(request: DiffRequest, target: FilesTarget) -> tuple[Difference, ...]:
    """How everything that was asked for differs; modules that were named are in it also where they do not.

    Raises:
        UsageError: A module or version is not known, or a file cannot be read as source.
        DoorError: The service cannot be reached.
    """
    return tuple(each.difference for each in _compared(request, target))


def patch_text(request: DiffRequest, target: FilesTarget) -> bytes:
    """The same as a patch that `git apply` takes: in the encoding and with the line ends of the files.

    Paths are relative to the repository of the files, else to the working folder. Empty if nothing differs.

    Raises:
        UsageError: As for `differences`; or one patch cannot say it all.
    """
    if request.between_workers:
        raise UsageError("a patch is for one source: push one of them to all workers, then make it")
    found = [each for each in _compared(request, target) if not each.difference.is_same]
    placed = [_placed(each, _file_of(each, target)) for each in found]
    roots = sorted({root for root, _ in placed})
    if len(roots) > 1:
        raise UsageError(f"the files are below {' and '.join(roots)}, and a patch is for one: name modules of one")
    changes = {change.path: change for _, change in placed}
    if any(changes[change.path] != change for _, change in placed):
        raise UsageError(
            "the workers do not all run the same, or their files differ: --workers shows how; push to all first"
        )
    body = patch(changes.values(), request.context_lines)
    return _preamble(target.name, roots[0]) + body if body else b""


def _compared(request: DiffRequest, target: FilesTarget) -> Iterator[Compared]:
    modules = tuple(dict.fromkeys(request.modules))
    versions = request.older is not None or request.newer is not None
    if versions and request.between_workers:
        raise UsageError("compare versions or workers, not both")
    if versions and len(modules) != 1:
        raise UsageError("name one module: every module counts its own versions")
    if versions:
        yield _versions(modules[0], request, target)
        return
    if request.between_workers:
        names = modules or in_several_versions(target.status())
    else:
        names = modules or differing(target.status())
    if names:
        compared = _between_workers if request.between_workers else _against_disk
        yield from compared(target.files(*names), request.context_lines, target)


def _against_disk(sides: Sequence[FileSide], context_lines: int, target: FilesTarget) -> Iterator[Compared]:
    sources = {(side.found.module, side.found.checksum) for side in sides}
    several = {name for name, _ in sources if sum(name == other for other, _ in sources) > 1}
    hosts = {side.workers[0].host for side in sides}
    for side in sides:
        found, contents = side.found, side.contents
        _must_be_known(side, target)
        host = f"{side.workers[0].host}: " if len(hosts) > 1 else ""
        path = _shown(side)
        before = Side(f"{host}{path} (disk)" if path else "no file", 0, found.found, contents.before is not None)
        after = _running(side, several)
        note = f"{path} changed after it was loaded: somebody edited it" if found.state is FileState.CHANGED else ""
        texts = contents.before_text, contents.after_text
        yield Compared(compare(found.module, before, after, texts, context_lines, note), texts, side)


def _between_workers(sides: Sequence[FileSide], context_lines: int, target: FilesTarget) -> Iterator[Compared]:
    for name in dict.fromkeys(side.found.module for side in sides):
        mine = [side for side in sides if side.found.module == name]
        for side in mine:
            _must_be_known(side, target)
        first, *others = _by_source(mine)
        for other in others or [first]:
            texts = first.contents.after_text, other.contents.after_text
            before, after = _running(first, {name}), _running(other, {name})
            yield Compared(compare(name, before, after, texts, context_lines), texts, other)


def _by_source(sides: Sequence[FileSide]) -> list[FileSide]:
    """One for each source that runs, with all workers that run it; first the one that most run."""
    groups: dict[str, FileSide] = {}
    for side in sides:
        known = groups.get(side.found.checksum)
        groups[side.found.checksum] = replace(known, workers=known.workers + side.workers) if known else side
    return sorted(groups.values(), key=lambda side: -len(side.workers))


def _versions(module: str, request: DiffRequest, target: FilesTarget) -> Compared:
    if request.older is not None and request.newer is not None:
        right = _version(module, request.newer, target)
    else:
        right = _current(module, target)
    left = _version(module, request.older if request.older is not None else request.newer or 0, target)
    texts = left[1], right[1]
    return Compared(compare(module, left[0], right[0], texts, request.context_lines), texts)


def _version(module: str, number: int, target: FilesTarget) -> tuple[Side, str]:
    source = target.source(module, number)
    if source is None:
        known = ", ".join(f"v{each.number}" for each in target.history(module).versions) or "none"
        raise UsageError(f"v{number} of {module} is not remembered; known: {known}")
    return Side(f"{module} v{number}", number, checksum(source)), source


def _current(module: str, target: FilesTarget) -> tuple[Side, str]:
    source = target.source(module)
    if source is None:
        raise UsageError(f"{module} is not loaded from known source: %hotstatus lists what is")
    current = target.history(module).current
    number = current.number if current else 0
    return Side(f"{module} v{number} (running)", number, checksum(source)), source


def _running(side: FileSide, several: set[str]) -> Side:
    """What runs, on the right side."""
    found = side.found
    where = f" on {' '.join(worker.name for worker in side.workers)}" if found.module in several else ""
    if not found.checksum:
        return Side(f"{found.module} (unloaded{where})", is_there=False)
    return Side(f"{found.module} v{found.version} (running{where})", found.version, found.checksum)


def _must_be_known(side: FileSide, target: FilesTarget) -> None:
    found, contents = side.found, side.contents
    if not found.checksum and not found.path:
        why = found.refusals[0].what if found.refusals else f"the source of {found.module} is not known"
        loaded = sorted({m.module for status in target.status() for m in status.modules if m.checksum})
        raise UsageError(f"{why}: look at the status for what is loaded{did_you_mean(found.module, loaded)}")
    if contents.before is not None and contents.before_text is None:
        raise UsageError(f"{found.path}: {contents.problem}")


def _shown(side: FileSide) -> str:
    """The file as people write it: from here, or from where the service works."""
    found = side.found
    path = found.link or found.path
    if not path:
        return ""
    if side.workers[0].host == socket.gethostname() and shown_path(Path(path)) != path:
        return shown_path(Path(path))
    return path.removeprefix(f"{found.folder}/") if found.folder else path


def _file_of(each: Compared, target: FilesTarget) -> FileSide:
    module = each.difference.module
    side = each.side or next(iter(target.files(module)), None)
    if side is None or not side.found.path:
        why = side.found.refusals[0].what if side and side.found.refusals else "no worker here has its file"
        raise UsageError(f"no patch can be made for {module}: {why}")
    if each.side is not None and side.contents.problem:
        raise UsageError(f"no patch can be made for {module}: {side.contents.problem}")
    return side


def _placed(each: Compared, side: FileSide) -> tuple[str, FileChange]:
    """Where a change is to be applied, and the change."""
    found, contents = side.found, side.contents
    root = _root(side)
    path = PurePath(found.path).relative_to(root).as_posix()
    if each.side is not None:
        return root, FileChange(path, contents.before_bytes, contents.after_bytes, found.mode)
    like = contents.before_bytes or b""
    try:
        before, after = (encode_source(text or "", like) for text in each.texts)
    except ValueError as error:
        raise UsageError(f"no patch can be made for {found.module}: {error}") from error
    return root, FileChange(path, before, after, found.mode)


def _root(side: FileSide) -> str:
    """The repository of a file, else the working folder, here or of the service, else its own folder."""
    found = side.found
    if found.root:
        return found.root
    here = [str(Path.cwd().resolve())] if side.workers[0].host == socket.gethostname() else []
    for folder in (*here, found.folder):
        if folder and PurePath(found.path).is_relative_to(folder):
            return folder
    return str(PurePath(found.path).parent)


def _preamble(service: str, root: str) -> bytes:
    """What tells people what the patch is; programs skip what stands before the first file."""
    what = f"What {service} runs" if service else "What this process runs"
    return f"{what}, against what is on disk. In {root}: git apply THIS\n\n".encode(errors="surrogateescape")
