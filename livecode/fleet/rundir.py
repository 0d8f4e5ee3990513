"""Where doors are: one directory that only this user can enter, with two files a door, and a log a service.

    shop-4711-9f2c01ab.sock    the listening socket of one process of the service "shop"
    shop-4711-9f2c01ab.json    who listens: protocol, service, pid, python, livecode, started
    .4711-9f2c01ab.new         either of them while it is made; renamed when it is ready
    shop.sqlite                the log of its pushes, from the first one on (and SQLite's own files beside it)

The socket is renamed into place after it listens, so one that refuses a connection is never about to open: nobody
listens, and nobody will. This module is part of every service, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat
import sys

from livecode.errors import DoorError, UnsafeDirectoryError, UsageError

MAX_NAME = 48
NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
MAX_PATH_BYTES = 103 if sys.platform == "darwin" else 107
"""What fits into ``sockaddr_un.sun_path`` (104 and 108 bytes) with the null byte at its end."""


def check_name(name: str) -> str:
    """The name, if a service can be called that.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not NAME_CHARACTERS.issuperset(name):
        raise UsageError(
            f"{name!r} cannot be the name of a service: 1 to {MAX_NAME} letters, digits, dots, hyphens and "
            "underscores are accepted, e.g. livecode.listen('shop')"
        )
    return name


def directory() -> str:
    """The path of the directory for this user's doors, which may not exist yet."""
    environment = os.environ
    if chosen := environment.get("LIVECODE_DIR"):
        return os.path.abspath(chosen)
    if given := environment.get("RUNTIME_DIRECTORY"):
        return os.path.abspath(given.split(":")[0])  # systemd.exec(5): several are separated by colons
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        return os.path.join(os.path.abspath(runtime), "livecode")
    return f"/tmp/livecode-{os.geteuid()}"


def make_directory() -> str:
    """The directory for this user's doors, made if it is not there, and checked.

    Raises:
        UnsafeDirectoryError: Another user could enter or replace it.
        DoorError: It cannot be made.
    """
    path = directory()
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise DoorError(f"no directory for sockets: {error}; set LIVECODE_DIR to one that can be made") from error
    check_directory(path)
    return path


def check_directory(path: str) -> None:
    """Pass if `path` is a real directory of this user that nobody else can enter.

    Raises:
        UnsafeDirectoryError: It is not; says what was found and what to do.
        FileNotFoundError: There is none.
    """
    found, uid = os.lstat(path), os.geteuid()
    if not stat.S_ISDIR(found.st_mode):
        what, way_out = "is a link or a file, not a directory", "remove it"
    elif found.st_uid != uid:
        what, way_out = f"belongs to user {found.st_uid}, and this is user {uid}", f"act as user {found.st_uid}"
    elif stat.S_IMODE(found.st_mode) & 0o777 != 0o700:
        what = f"has mode {stat.S_IMODE(found.st_mode):04o}, and 0700 is needed"
        way_out = f"chmod 0700 {path} (under systemd: RuntimeDirectoryMode=0700)"
    else:
        return
    raise UnsafeDirectoryError(f"{path} {what}: {way_out}, or set LIVECODE_DIR to another directory")


def socket_path(folder: str, stem: str) -> str:
    """The path of the socket called `stem`.

    Raises:
        DoorError: It is longer than the system can bind.
    """
    path = os.path.join(folder, f"{stem}.sock")
    if (size := len(os.fsencode(path))) > MAX_PATH_BYTES:
        raise DoorError(
            f"the socket's path has {size} bytes and the system allows {MAX_PATH_BYTES}: {path}; set LIVECODE_DIR to "
            "a shorter path, in the service and where you attach from"
        )
    return path


def new_stem(service: str) -> str:
    """A name for the files of a door of this process, which no other door has."""
    return f"{service}-{os.getpid()}-{os.urandom(4).hex()}"


def split_stem(stem: str) -> tuple[str, int] | None:
    """Service and process id of a door's files, or None if `stem` is not the name of a door's files."""
    service, _, rest = stem.rpartition("-")
    service, _, pid = service.rpartition("-")
    return (service, int(pid)) if service and rest and pid.isascii() and pid.isdigit() else None


def temporary_path(folder: str, stem: str) -> str:
    """Where a file of the door `stem` is made before it is renamed; never longer than the socket's path."""
    _, pid, rest = stem.rsplit("-", 2)
    return os.path.join(folder, f".{pid}-{rest}.new")


def store_path(folder: str, service: str) -> str:
    """The path of the log of a service, which its workers on this machine share."""
    return os.path.join(folder, f"{service}.sqlite")


def write_card(folder: str, stem: str, card: str) -> str:
    """Write the file that says who listens, complete or not at all; returns its path."""
    path, temporary = os.path.join(folder, f"{stem}.json"), temporary_path(folder, stem)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(card)
    os.rename(temporary, path)
    return path


def remove(*paths: str) -> None:
    """Remove files, those that are there."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:  # gone already, or the process has become another user: readers clean what stays
            continue
