"""Where the sockets of kernels are: one directory beside the doors, with six files a kernel.

    kernels/9f2c01ab5e6d7788-1 … -5   its sockets: shell, iopub, stdin, control, heartbeat
    kernels/9f2c01ab5e6d7788.json     its connection file, which says whose it is, too

The name is made of what the front end calls its session, so that after a restart or a redeploy the sockets are where
they were: front ends do not look for them again. A socket is renamed into place when it listens; one that refuses a
connection is stale, and whoever starts or lists kernels removes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from livecode.errors import DoorError
from livecode.fleet import rundir

FOLDER = "kernels"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
"""In the order of their numbers, from 1."""
BACKLOG = 64
HALF_MADE = ".new"


def make_folder() -> str:
    """The directory of this user's kernels, made if it is not there, and checked.

    Raises:
        UnsafeDirectoryError: Another user could enter or replace it.
        DoorError: It cannot be made.
    """
    path = os.path.join(rundir.make_directory(), FOLDER)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise DoorError(f"no directory for kernels: {error}; set LIVECODE_DIR to one that can be made") from error
    rundir.check_directory(path)
    return path


def stem_of(session: str) -> str:
    """The name of the files of that session."""
    return hashlib.sha256(session.encode()).hexdigest()[:16]


def new_session() -> str:
    """The name of a session that nobody else has."""
    return os.urandom(4).hex()


def listen_at(path: str) -> socket.socket:
    """A socket that listens there, and for this user only; in the place of a stale one.

    Raises:
        DoorError: The path is too long, or cannot be bound.
    """
    temporary = path + HALF_MADE
    if (size := len(os.fsencode(temporary))) > rundir.MAX_PATH_BYTES:
        raise DoorError(
            f"the path of a kernel's socket has {size} bytes and the system allows {rundir.MAX_PATH_BYTES}: {path}; "
            "set LIVECODE_DIR to a shorter path, in the service and where you attach from"
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        rundir.remove(temporary)
        listening.bind(temporary)
        os.chmod(temporary, 0o600)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        os.rename(temporary, path)
    except OSError as error:
        listening.close()
        rundir.remove(temporary)
        raise DoorError(f"no socket for a kernel at {path}: {error}") from error
    return listening


def is_open(path: str) -> bool:
    """True if somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # its backlog is full: it is there, and busy
            return True
    return True


def write_card(path: str, information: Mapping[str, Any]) -> None:
    """Write a connection file, complete or not at all, for this user only."""
    temporary = path + HALF_MADE
    rundir.remove(temporary)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(information, file, indent=1)
    os.rename(temporary, path)


def files_of(base: str) -> tuple[str, ...]:
    """The files of a kernel: its sockets and its connection file."""
    return (*(f"{base}-{number}" for number, _ in enumerate(CHANNELS, 1)), f"{base}.json")


def cards(folder: str) -> list[dict[str, Any]]:
    """The connection files of the kernels that are there; the files of those that are not are removed.

    Each has the path of its file as ``path``.
    """
    found = []
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    stems = {name.removesuffix(HALF_MADE).removesuffix(".json").rpartition("-")[0] or name[:16] for name in names}
    for base in (os.path.join(folder, stem) for stem in sorted(stems)):
        if not is_open(f"{base}-1"):
            if not is_open(f"{base}-1{HALF_MADE}"):  # one that is just being made listens there
                rundir.remove(*files_of(base))
        elif (card := _read(f"{base}.json")) is not None:
            found.append({**card, "path": f"{base}.json"})
    return found


def _read(path: str) -> dict[str, Any] | None:
    """What a connection file says; None if it is not written yet."""
    try:
        with open(path, encoding="utf-8") as file:
            card = json.load(file)
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) else None
