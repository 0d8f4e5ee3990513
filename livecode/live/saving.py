"""The files of the modules that run here: what they say, and writing what runs to them.

    look()       what the file of a module says beside what runs, and what stands in the way of saving
    contents()   both as bytes
    save()       writes what was looked at, all of it or nothing
    put_back()   takes a save back, for who found that another machine could not

Only the file that a module was loaded from is ever written, or, for a module that came by a push, the one from which
an import would load it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from livecode.engine.lines import changed_lines
from livecode.engine.refusals import refusal
from livecode.live import tracking
from livecode.live.files import MeanwhileError, NewContents, WriteError, write_together
from livecode.live.process import Process
from livecode.live.running import Running, is_foreign
from livecode.live.sourcefile import claimed_encoding, decode_source, encode_source
from livecode.model.nouns import checksum
from livecode.model.report import Refusal
from livecode.model.saving import Contents, FileFound, FileSaved, FileState, SaveOrder, SaveVerdict, in_base64

_last: tuple[str, tuple[NewContents, ...]] = "", ()
"""Who asked for the last save, and what it replaced, until the next one."""
_wrote: dict[str, str] = {}
"""Path → SHA-256 of the source that was written there last: versions are forgotten, and the log may not be told."""


def look(
    process: Process, module: str, *, place: str = "", known: Iterable[str] = (), force: bool = False
) -> FileFound:
    """What a module's file says beside what runs, and what stands in the way of saving.

    Args:
        process: Where it runs.
        module: Dotted name.
        place: The end of the path, for a module without a file that could be in several.
        known: SHA-256 of sources that the file may have besides those that ran here.
        force: Also save what is refused for caution only.
    """
    running = _running(process, module)
    if isinstance(running, Refusal):
        return FileFound(module, refusals=(running,))
    version = running.versions[-1]  # looked at once: a push may come at any moment
    loaded = version.source is not None
    found = FileFound(module, version.number if loaded else 0, version.checksum, folder=_working_folder())
    path = _path(running, place)
    if isinstance(path, Refusal):
        return replace(found, refusals=(path,))
    link = running.file if running.file and os.path.abspath(running.file) != path else ""
    found = replace(found, path=path, link=link, root=_repository(path))
    data = _read(path)
    if isinstance(data, Refusal):
        return replace(found, refusals=(replace(data, module=module),))
    older = {*known, *(each.checksum for each in running.versions), *filter(None, (_wrote.get(path),))}
    found = _compared(found, running, version.source, data, older)
    return replace(found, refusals=tuple(_refusals(found, running, version.source, data, force=force)))


def contents(process: Process, module: str, digest: str, *, place: str = "") -> Contents:
    """What a module's file has as bytes, and what saving would write of the source with that SHA-256."""
    running = _running(process, module)
    if isinstance(running, Refusal):
        return Contents(problem=running.what)
    path, versions = _path(running, place), tuple(running.versions)
    source = next((each.source for each in reversed(versions) if each.checksum == digest), versions[-1].source)
    data = None if isinstance(path, Refusal) else _read(path)
    if isinstance(data, Refusal):
        return Contents(after_text=source, problem=data.what)
    text = after = None
    problem = ""
    try:
        text = decode_source(data) if data is not None else None
        after = encode_source(source, data or b"") if source is not None else None
    except ValueError as error:
        problem = str(error)
    return Contents(in_base64(data), in_base64(after), text, source, problem)


def save(
    process: Process, orders: Sequence[SaveOrder], *, key: str = "", known: Iterable[str] = (), force: bool = False
) -> tuple[FileSaved, ...]:
    """What became of each file; all are written, or none.

    Args:
        process: Where the modules run.
        orders: What to write, as it was when somebody looked.
        key: By which `put_back` is asked for.
        known: As for `look`.
        force: Also what is refused for caution only.
    """
    global _last
    known = tuple(known)
    looks = [(order, look(process, order.module, place=order.path, known=known, force=force)) for order in orders]
    saved = tuple(_begun(order, found) for order, found in looks)
    wanted = tuple(file for file in saved if file.verdict is SaveVerdict.SAVED)
    if any(file.verdict is SaveVerdict.REFUSED for file in saved):
        return tuple(replace(file, verdict=SaveVerdict.UNDONE) if file in wanted else file for file in saved)
    changes = tuple(_change(process, file) for file in wanted)
    try:
        remarks = write_together(changes)
    except WriteError as error:
        return tuple(_failed(file, error) if file in wanted else file for file in saved)
    _last = key, changes
    _wrote.update((file.path, file.checksum) for file in wanted)
    for file in saved:
        adopt_file(process, file.module)
    more = {file.module: tuple(what for path, what in remarks if path == file.path) for file in saved}
    return tuple(replace(file, remarks=(*file.remarks, *more[file.module])) for file in saved)


def put_back(key: str) -> tuple[str, ...]:
    """Takes back the save of that key: the files have what they had before it.

    Returns:
        The files that could not be put back, because they say something else by now, or cannot be written.
    """
    global _last
    (of, changes), _last = _last, ("", ())
    if of != key:
        return ("all of them: somebody else saved since then",)
    left: list[str] = []
    for item in changes:
        try:
            if item.before is None:
                _remove(item)
            else:
                write_together([NewContents(item.path, item.before, item.data)])
        except (WriteError, OSError):
            left.append(item.path)
    return tuple(left)


def adopt_file(process: Process, module: str) -> None:
    """From now on, a module that came by a push has the file that says what it runs, if there is one."""
    running = process.known(module)
    if running is None or running.file:
        return
    for path in _places(module, is_package=hasattr(sys.modules.get(module), "__path__")):
        with suppress(OSError, ValueError), open(path, "rb") as file:
            if checksum(decode_source(file.read())) == running.checksum:
                running.file = path
                return


# ── where it is ──────────────────────────────────────────────────────────────────────────────────────────────


def _running(process: Process, module: str) -> Running | Refusal:
    found = process.running(module) if module in sys.modules else process.remembered(module)
    if found is None:
        return refusal("LC507", f"{module} is not loaded", module=module)
    return found


def _path(running: Running, place: str) -> str | Refusal:
    """The file that is written: the one that the module was loaded from, or would be."""
    if running.file:
        path = os.path.realpath(running.file)
        if place and not _ends_with(path, place) and not _ends_with(os.path.abspath(running.file), place):
            what = f"{running.name} was loaded from {running.file}, and is saved there and nowhere else"
            return refusal("LC415", what, way_out="leave --file out", module=running.name)
        return path
    places = _places(running.name, is_package=hasattr(sys.modules.get(running.name), "__path__"))
    chosen = [path for path in places if not place or _ends_with(path, place)]
    if len(chosen) == 1:
        return chosen[0]
    if not places:
        what = f"{running.name} came by a push, and no tracked folder is one from which it would be imported"
        return refusal("LC415", what, module=running.name)
    could = f"{running.name} came by a push, and would be imported from {' or '.join(places)}"
    return refusal("LC415", could, way_out="say which: --file F", module=running.name)


def _places(module: str, *, is_package: bool) -> list[str]:
    """The files from which an import would load a module, were they there; only below tracked folders."""
    parent, _, leaf = module.rpartition(".")
    if parent:
        package = sys.modules.get(parent)
        folders = list(getattr(package, "__path__", ()))
        if not folders and hasattr(package, "__path__"):  # it came by a push itself, and may be saved along
            folders = [os.path.dirname(path) for path in _places(parent, is_package=True)]
    else:
        folders = [os.path.abspath(each) for each in sys.path if isinstance(each, str) and os.path.isdir(each or ".")]
    end = os.path.join(leaf, "__init__.py") if is_package else f"{leaf}.py"
    paths = dict.fromkeys(os.path.realpath(os.path.join(folder, end)) for folder in folders)
    return [path for path in paths if tracking.is_tracked(path)]


def _ends_with(path: str, place: str) -> bool:
    """True if a path is the one that somebody wrote, who may have been in another folder."""
    place = os.path.normpath(place)
    wanted = [part for part in place.split(os.sep) if part]
    return path == place if os.path.isabs(place) else path.split(os.sep)[-len(wanted) :] == wanted


def _repository(path: str) -> str:
    folder = os.path.dirname(path)
    while not os.path.exists(os.path.join(folder, ".git")):
        if os.path.dirname(folder) == folder:
            return ""
        folder = os.path.dirname(folder)
    return folder


def _working_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it is gone
        return ""


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────


def _read(path: str) -> bytes | Refusal | None:
    """The bytes of a file; None if it is not there."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return refusal("LC414", f"{path} is no regular file")
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return refusal("LC414", f"{path} cannot be read: {error.strerror}")


def _compared(found: FileFound, running: Running, source: str | None, data: bytes | None, known: set[str]) -> FileFound:
    """The same, with what the file says beside what runs."""
    if data is None:
        state = FileState.GONE if running.file else FileState.NONE
        return replace(found, state=state, added=len((source or "").splitlines()))
    text, broken = _text(data)
    digest = "" if broken else checksum(text)
    at = os.stat(found.path)
    state = FileState.CHANGED
    if source is not None and digest == found.checksum:
        state = FileState.SAME
    elif digest and digest in known:
        state = FileState.EARLIER
    added, removed = changed_lines(text, source or "")
    remarks = list(_remarks(source, data, at)) if state is not FileState.SAME else []
    return replace(
        found,
        state=state,
        found=hashlib.sha256(data).hexdigest(),
        mode=stat.S_IMODE(at.st_mode),
        identity=f"{at.st_dev}:{at.st_ino}",
        added=added,
        removed=removed,
        remarks=tuple(remarks),
    )


def _text(data: bytes) -> tuple[str, bool]:
    try:
        return decode_source(data), False
    except ValueError:
        return data.decode("latin-1"), True


def _remarks(source: str | None, data: bytes, at: os.stat_result) -> Iterable[str]:
    if at.st_nlink > 1:
        others = at.st_nlink - 1
        yield f"the file has {others} other name{'s' * (others != 1)} (hard links), which keep the old text"
    with suppress(ValueError):
        before, after = claimed_encoding(data), claimed_encoding((source or "").encode("utf-8", "surrogatepass"))
        if before.removesuffix("-sig") != after:
            yield f"its encoding becomes {after}, as the new text claims; it was {before}"


def _refusals(
    found: FileFound, running: Running, source: str | None, data: bytes | None, *, force: bool
) -> Iterable[Refusal]:
    module, path = found.module, found.path
    if source is None:
        way_out = f"remove {path} yourself, if it is not wanted any more"
        yield refusal("LC507", f"{module} is unloaded, and livecode removes no file", way_out=way_out, module=module)
        return
    if found.state is FileState.SAME:
        return
    if not force:
        yield from _cautions(found, running, data)
    yield from _obstacles(found)
    try:
        encode_source(source, data or b"")
    except ValueError as error:
        yield refusal("LC416", f"{module} cannot be written to {path}: {error}", module=module)


def _cautions(found: FileFound, running: Running, data: bytes | None) -> Iterable[Refusal]:
    module, path = found.module, found.path
    if running.file and is_foreign(running.file):
        yield refusal("LC504", f"{module} is not the service's own: {path}", module=module)
    if found.state is FileState.GONE:
        what = f"{path} is gone since {module} was loaded from it"
        yield refusal("LC412", what, way_out="--force makes it again", module=module)
    elif found.state is FileState.CHANGED:
        yield refusal("LC412", _what_changed(found, running, data or b""), module=module)


def _what_changed(found: FileFound, running: Running, data: bytes) -> str:
    """Who changed a file, when, and how much."""
    at = os.stat(found.path)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at.st_mtime))
    base = running.versions[0].source if running.file else None
    if base is None:
        return f"{found.path} is there, and {found.module} was never loaded from it (of {_owner(at)}, {when})"
    text, broken = _text(data)
    added, removed = changed_lines(base, text)
    how = "it is no readable source now" if broken else f"+{added} −{removed} lines"
    return f"{found.path} changed after {found.module} was loaded from it: {how} (file of {_owner(at)}, {when})"


def _owner(at: os.stat_result) -> str:
    import pwd  # not on Windows, where no door opens either

    try:
        return pwd.getpwuid(at.st_uid).pw_name
    except KeyError:
        return f"user {at.st_uid}"


def _obstacles(found: FileFound) -> Iterable[Refusal]:
    """What would keep the file from being written, as far as it can be seen before."""
    path, folder = found.path, os.path.dirname(found.path)
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    if found.found and not found.mode & 0o222:
        what, way_out = f"{path} is read-only (mode {found.mode:04o})", f"chmod u+w {shlex.quote(path)}"
        yield refusal("LC414", what, way_out=way_out, module=found.module)
        return
    mine = [each for each in (path, folder) if os.path.exists(each) and not os.access(each, os.W_OK)]
    if mine:
        what = f"{mine[0]} cannot be written to by the service (user {os.geteuid()})"
        yield refusal("LC414", what, module=found.module)


def shown(found: FileFound) -> str:
    """The file as people write it: from the working folder, where it is below that."""
    return (found.link or found.path).removeprefix(os.path.join(found.folder, "")) if found.folder else ""


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────


def _begun(order: SaveOrder, found: FileFound) -> FileSaved:
    """SAME, SAVED for what is to be written now, or REFUSED."""
    refusals, verdict = found.refusals, SaveVerdict.SAVED
    if found.checksum != order.checksum and not refusals:
        what = f"another version of {order.module} runs than a moment ago"
        refusals = (refusal("LC413", what, way_out="save again", module=order.module),)
    elif found.state is FileState.SAME:
        verdict = SaveVerdict.SAME
    elif (found.path, found.found) != (order.path, order.found) and not refusals:
        what = f"{order.path} changed at this moment"
        refusals = (refusal("LC412", what, way_out="look at the difference, then save again", module=order.module),)
    return FileSaved(
        order.module,
        found.path,
        SaveVerdict.REFUSED if refusals else verdict,
        found.version,
        found.checksum,
        shown=shown(found),
        link=found.link,
        is_new=not found.found,
        added=found.added if verdict is SaveVerdict.SAVED else 0,
        removed=found.removed if verdict is SaveVerdict.SAVED else 0,
        remarks=found.remarks,
        refusals=refusals,
    )


def _change(process: Process, file: FileSaved) -> NewContents:
    data = _read(file.path)
    assert not isinstance(data, Refusal)
    versions = process.history(file.module).versions  # what runs may be another one by now
    source = next(each.source for each in reversed(versions) if each.checksum == file.checksum)
    return NewContents(file.path, encode_source(source or "", data or b""), data)


def _failed(file: FileSaved, error: WriteError) -> FileSaved:
    """What is said of a file that was to be written when one of them could not be."""
    if file.path in error.left:
        return replace(file, verdict=SaveVerdict.PARTLY, failure="it could not be put back, and has the new text")
    if error.path not in (file.path, os.path.dirname(file.path)):
        return replace(file, verdict=SaveVerdict.UNDONE)
    if isinstance(error, MeanwhileError):
        way_out = "look at the difference, then save again"
        why = refusal("LC412", f"{error.path}: {error}", way_out=way_out, module=file.module)
        return replace(file, verdict=SaveVerdict.REFUSED, refusals=(why,))
    return replace(file, verdict=SaveVerdict.UNDONE, failure=str(error))


def _remove(item: NewContents) -> None:
    with open(item.path, "rb") as file:
        if file.read() != item.data:
            raise WriteError(item.path, "it says something else by now")
    os.unlink(item.path)
