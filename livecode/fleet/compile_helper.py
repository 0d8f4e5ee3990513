"""The process that compiles for the workers of one machine: started when one of them needs it, gone when none does.

    python -c … ROOT FOLDER BUILD IDLE_S        (`livecode.fleet.compiling.start`)

One for each build of Python: whoever has the lock is it. It writes the code, sealed, into the folder, and says so. It
ends by itself when nobody has asked for a while, when the folder is gone, and when its socket is another's.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from livecode.errors import LivecodeError, ProtocolError
from livecode.fleet import rundir, wire
from livecode.fleet.compiling import ANSWER_S, code_file, helper_socket, new_file, secret_of
from livecode.fleet.door import ROOT, caller_uid
from livecode.live.code_cache import build, key_of, packed, seal, unseal, wanted

LOOK_S = 1.0
"""How often it looks whether it is still wanted."""
BACKLOG = 64
SETTLED_S = 60.0
"""Younger files may be about to be renamed, or read."""
MAX_FOLDER_BYTES = 128 << 20
"""So much code is kept there; the oldest goes first."""


class Helper:
    """Compiles what it is asked for, one after the other, and everything once.

    Args:
        folder: Where code is kept.
        idle_s: How long it stays without being asked.

    Attributes:
        compiled: How often it has compiled.
    """

    def __init__(self, folder: str, idle_s: float) -> None:
        self._folder, self._idle_s = folder, idle_s
        self._secret = secret_of(folder)
        self._lock = threading.Lock()
        self._busy = 0
        self._last = time.monotonic()
        self.compiled = 0

    def serve(self, listening: socket.socket, path: str) -> None:
        """Answers until nobody asks any more, or the socket is not this one's."""
        mine = os.stat(path).st_ino
        listening.settimeout(min(LOOK_S, self._idle_s))
        while self._is_wanted(path, mine):
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            if caller_uid(connection) not in (os.geteuid(), ROOT):
                connection.close()
                continue
            with self._lock:
                self._busy += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()
        listening.close()
        if _inode(path) == mine:
            rundir.remove(path)

    def _is_wanted(self, path: str, mine: int) -> bool:
        with self._lock:
            idle = not self._busy and time.monotonic() - self._last > self._idle_s
        return not idle and _inode(path) == mine

    def _answer(self, connection: socket.socket) -> None:
        frames = wire.Frames(connection)
        try:
            with connection:
                while (request := frames.next(ANSWER_S, ANSWER_S)) is not None:
                    wire.send(connection, self._reply(request), ANSWER_S)
        except (OSError, ProtocolError):  # it has gone, or says nothing that can be answered
            return
        finally:
            with self._lock:
                self._busy -= 1
                self._last = time.monotonic()

    def _reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request.get("build") != build():
            return {"error": f"this is the helper of {build()}", "compiled": self.compiled}
        try:
            plain = request["wanted"]
            with self._lock:
                self._make(plain)
        except (KeyError, TypeError, ValueError, RecursionError, MemoryError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}", "compiled": self.compiled}
        return {"done": True, "compiled": self.compiled}

    def _make(self, plain: Mapping[str, Any]) -> None:
        """Writes the code, unless somebody else's request had it written already."""
        key = key_of(plain)
        path = code_file(self._folder, key)
        if _is_whole(path, key, self._secret):
            return
        self.compiled += 1
        _write(self._folder, path, seal(packed(wanted(plain).compiled()), key, self._secret))
        make_room(self._folder)


def _is_whole(path: str, key: bytes, secret: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return unseal(file.read(), key, secret) is not None
    except FileNotFoundError:
        return False


def _write(folder: str, path: str, blob: bytes) -> None:
    """The whole file, or none."""
    temporary = new_file(folder)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(blob)
        os.rename(temporary, path)
    except BaseException:
        rundir.remove(temporary)
        raise


def make_room(folder: str, most_bytes: int = MAX_FOLDER_BYTES) -> None:
    """Removes the oldest code, and what was left half made, until the rest fits."""
    with os.scandir(folder) as entries:
        files = [(entry.stat(), entry.path) for entry in entries if entry.name.endswith((".code", ".new"))]
    size_bytes = sum(found.st_size for found, _ in files)
    for found, path in sorted(files, key=lambda each: each[0].st_mtime):
        if size_bytes <= most_bytes or time.time() - found.st_mtime < SETTLED_S:
            return
        rundir.remove(path)
        size_bytes -= found.st_size


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _open(folder: str, path: str) -> socket.socket:
    """A socket that listens there; who stood there before has not got the lock, so it is gone."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    temporary = f"{path.removesuffix('.sock')}.new"
    rundir.remove(temporary)
    listening.bind(temporary)
    os.chmod(temporary, 0o600)
    listening.listen(BACKLOG)
    os.rename(temporary, path)
    return listening


def run(folder: str, idle_s: float) -> None:
    """Is the helper, unless there is one."""
    path = helper_socket(folder)
    lock = os.open(path.removesuffix("sock") + "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    try:
        Helper(folder, idle_s).serve(_open(folder, path), path)
    finally:
        os.close(lock)


def main() -> None:
    """Begins a process of its own, and lets the one that was started end."""
    _, folder, of, idle_s = sys.argv[1:]
    if of != build():
        sys.exit("not the Python that was asked for")
    if os.fork():
        return
    try:
        rundir.check_directory(folder)
        run(folder, float(idle_s))
    except (OSError, LivecodeError):  # the folder has gone meanwhile; nobody would read what is said
        return
