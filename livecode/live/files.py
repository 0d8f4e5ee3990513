"""Files that get other contents together: each has the old or the new ones at any moment, whatever happens.

    lock the folders ── write all beside ── look once more ── keep the old, put the new in its place ── let go
                             │                   │                        │
                             └───────────────────┴── nothing was changed  └─ those before it get back the old file

A new file is made in the same folder under a hidden name that is no module, synced, and renamed. The old file itself
is kept by a second name meanwhile, so that putting it back needs no room on the disk and brings back all that it had.
A process that is killed leaves such names behind; whoever locks the folder next removes them.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

LOCK_S = 5.0
"""How long to wait for somebody else who writes in the same folder."""
LOOK_S = 0.02
MARK = ".livecode-"
"""What the hidden names have after that of the file."""
NO_LOCKS = frozenset({errno.EBADF, errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class NewContents:
    """What one file is to say.

    Attributes:
        path: The file itself, no link.
        data: Its new bytes.
        before: The bytes that it is known to have; None if it is not there.
    """

    path: str
    data: bytes
    before: bytes | None


class WriteError(Exception):
    """A file could not be written.

    Attributes:
        path: Which.
        left: Files that have their new contents all the same, as they could not be put back; mostly none.
    """

    def __init__(self, path: str, why: str, left: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.path, self.left = path, left


class MeanwhileError(WriteError):
    """A file does not say what it was known to say, or somebody else is writing: nothing was changed."""


@dataclass(slots=True)
class _Swap:
    """One file on its way."""

    item: NewContents
    fresh: str = ""
    kept: str = ""
    has_appeared: bool = False
    folders: list[str] = field(default_factory=list)


def write_together(items: Sequence[NewContents]) -> tuple[tuple[str, str], ...]:
    """Gives all files their new contents, or none of them.

    Returns:
        Path and what could not be kept there, in words.

    Raises:
        MeanwhileError: A file is not what it was known to be, or its folder is in use. Nothing was changed.
        WriteError: A file could not be written. Those before it were put back, except those in `left`.
    """
    swaps, remarks = [_Swap(item) for item in items], list[tuple[str, str]]()
    with ExitStack() as locks:
        try:
            for swap in swaps:
                swap.folders = _make_folders(os.path.dirname(swap.item.path))
            for folder in sorted({os.path.dirname(item.path) for item in items}):
                locks.enter_context(_locked(folder))
            for swap in swaps:
                _must_be_as_known(swap.item)
                remarks += [(swap.item.path, what) for what in _write_beside(swap)]
            for swap in swaps:
                _must_be_as_known(swap.item)
            for swap in swaps:
                _put_in_place(swap)
            for folder in {os.path.dirname(item.path) for item in items}:
                _sync_folder(folder)
        except BaseException as error:
            left = tuple(swap.item.path for swap in reversed(swaps) if not _put_back(swap))
            if isinstance(error, WriteError):
                error.left = left
            raise
        finally:
            for swap in swaps:
                _let_go(swap)
    return tuple(remarks)


@contextmanager
def _writing(path: str) -> Iterator[None]:
    """Errors of the system in words."""
    try:
        yield
    except OSError as error:
        raise WriteError(path, _why(error)) from error


def _why(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"no room on the disk ({error.strerror})"
        case errno.EROFS:
            return "the file system is read-only"
        case errno.EACCES | errno.EPERM:
            return f"this process may not write there ({error.strerror})"
    return error.strerror or str(error)


def _make_folders(folder: str) -> list[str]:
    """The folders that had to be made, outermost first: those of new packages."""
    missing: list[str] = []
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        missing.insert(0, folder)
        folder = os.path.dirname(folder)
    for each in missing:
        with _writing(each):
            os.mkdir(each)
    return missing


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Nobody else of livecode writes in that folder meanwhile; where it cannot be locked (NFS), only looks protect."""
    import fcntl  # not on Windows, where no door opens either

    with _writing(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _lock(descriptor, folder):
            _sweep(folder)
        yield
    finally:
        with suppress(OSError):  # a child that was forked meanwhile has the descriptor, too, and would keep the lock
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _lock(descriptor: int, folder: str) -> bool:
    """True if nobody else has the lock now; False where there are no locks."""
    import fcntl

    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                what = f"somebody else has been writing in {folder} for {LOCK_S:g} s"
                raise MeanwhileError(folder, what) from None
            time.sleep(LOOK_S)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise WriteError(folder, _why(error)) from error
            return False


def _sweep(folder: str) -> None:
    """Removes what a process left behind that was killed while it wrote: the folder is locked, so nobody needs it."""
    for name in os.listdir(folder):
        if name.startswith(".") and MARK in name:
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _hidden(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{MARK}{secrets.token_hex(4)}")


def _write_beside(swap: _Swap) -> list[str]:
    """Makes the new file under a hidden name, with all that the old one has but its contents."""
    item, swap.fresh, remarks = swap.item, _hidden(swap.item.path), list[str]()
    with _writing(item.path):
        like = os.stat(item.path) if item.before is not None else None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(swap.fresh, flags, 0o600 if like else 0o666)  # the umask counts for a new file
        with open(descriptor, "wb") as file:
            file.write(item.data)
            file.flush()
            if like is not None:
                remarks += _take_after(swap.fresh, file.fileno(), item.path, like)
                _set_time(swap.fresh, like, len(item.data))
            os.fsync(file.fileno())
    return remarks


def _take_after(fresh: str, descriptor: int, path: str, like: os.stat_result) -> Iterator[str]:
    """Owner, group, mode, extended attributes with access lists; says what could not be kept."""
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
        try:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        except OSError:
            with suppress(OSError):  # the group alone, if this user is in it
                os.fchown(descriptor, -1, like.st_gid)
            made = os.fstat(descriptor)
            yield f"it belongs to {made.st_uid}:{made.st_gid} now, not to {like.st_uid}:{like.st_gid}"
    shutil.copystat(path, fresh)
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))


def _set_time(fresh: str, like: os.stat_result, size_bytes: int) -> None:
    """The time of now; a second after that of the old file, where Python's bytecode could not tell them apart.

    Source: `importlib._bootstrap_external._validate_timestamp_pyc` compares whole seconds and the size.
    """
    now_ns = time.time_ns()
    if now_ns // 10**9 == like.st_mtime_ns // 10**9 and size_bytes == like.st_size:
        now_ns = (like.st_mtime_ns // 10**9 + 1) * 10**9
    os.utime(fresh, ns=(now_ns, now_ns))


def _must_be_as_known(item: NewContents) -> None:
    with _writing(item.path):
        try:
            with open(item.path, "rb") as file:
                found: bytes | None = file.read()
        except FileNotFoundError:
            found = None
    if found != item.before:
        raise MeanwhileError(item.path, "the file changed at this moment")


def _put_in_place(swap: _Swap) -> None:
    item = swap.item
    with _writing(item.path):
        if item.before is None:
            _appear(swap)
            swap.has_appeared = True
        else:
            swap.kept = _hidden(item.path)
            try:
                os.link(item.path, swap.kept)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                shutil.copy2(item.path, swap.kept)
            os.replace(swap.fresh, item.path)


def _appear(swap: _Swap) -> None:
    """Gives the new file its name, which nobody may have taken meanwhile."""
    try:
        os.link(swap.fresh, swap.item.path)
    except FileExistsError:
        raise MeanwhileError(swap.item.path, "somebody else made the file at this moment") from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.replace(swap.fresh, swap.item.path)


def _put_back(swap: _Swap) -> bool:
    """True if the file has what it had before."""
    try:
        if swap.has_appeared:
            os.unlink(swap.item.path)
        elif swap.kept and not os.path.lexists(swap.fresh):  # that name is gone when the file has been replaced
            os.replace(swap.kept, swap.item.path)
    except OSError:
        swap.kept = ""  # what the file said is there still, under the hidden name
        return False
    _let_go(swap)
    for folder in reversed(swap.folders):
        with suppress(OSError):  # somebody else put something into it
            os.rmdir(folder)
    return True


def _let_go(swap: _Swap) -> None:
    """Removes the hidden names."""
    for name in filter(None, (swap.fresh, swap.kept)):
        with suppress(OSError):
            os.unlink(name)
    swap.fresh = swap.kept = ""


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no way to sync a folder
            raise WriteError(folder, _why(error)) from error
    finally:
        os.close(descriptor)
