"""What the system tells of a running process: whose it is, and which Python it runs, if any.

Linux tells it in /proc; elsewhere ``ps`` is asked. Nothing of the process is touched.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from livecode.errors import UsageError

_PROGRAM = re.compile(r"python(3(\.\d+)?)?t?$", re.IGNORECASE)
_IN_NAME = re.compile(r"python3\.(\d+)t?$", re.IGNORECASE)
_IN_MAPS = re.compile(r"/(?:lib)?python3\.(\d+)t?(?:\.so|/|$)", re.MULTILINE)
"""A library of Python's, or a module of its own, among what a process has mapped."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process.

    Attributes:
        pid: Its id.
        uid: Whose it is.
        executable: The path of its program, empty if the system does not tell.
        minor: x of the Python 3.x that it runs; 0 if that does not show.
        is_python: False for a program that shows nothing of Python.
        closed: Why it lets nobody in from outside, empty if nothing says so.
    """

    pid: int
    uid: int
    executable: str
    minor: int
    is_python: bool
    closed: str = ""


def see(pid: int) -> Seen:
    """The process with that id.

    Raises:
        UsageError: There is none.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        raise UsageError(f"there is no process {pid}: `ps` lists those there are") from None
    except PermissionError:  # somebody else's
        pass
    return _see_in_proc(pid) if os.path.isdir(f"/proc/{pid}") else _see_with_ps(pid)


def _see_in_proc(pid: int) -> Seen:
    folder = f"/proc/{pid}"
    try:
        uid = os.stat(folder).st_uid
    except OSError:
        raise UsageError(f"process {pid} ended at this moment") from None
    try:
        executable = os.readlink(f"{folder}/exe").removesuffix(" (deleted)")
    except OSError:  # another user's, or a thread of the kernel
        executable = ""
    words = _read(f"{folder}/cmdline").split("\0")
    name = os.path.basename(executable or words[0])
    minor = _minor(name, _read(f"{folder}/maps"))
    closed = _closed(words, _read(f"{folder}/environ").split("\0"))
    return Seen(pid, uid, executable, minor, bool(minor or _PROGRAM.search(name)), closed)


def _minor(name: str, maps: str) -> int:
    found = _IN_NAME.search(name) or _IN_MAPS.search(maps)
    return int(found[1]) if found else 0


def _closed(words: list[str], environment: list[str]) -> str:
    """Why a process lets nobody in: what its command line or environment says (PEP 768)."""
    if any(each.startswith("PYTHON_DISABLE_REMOTE_DEBUG=") and each.partition("=")[2] for each in environment):
        return "PYTHON_DISABLE_REMOTE_DEBUG in its environment"
    if "-Xdisable-remote-debug" in " ".join(words).replace("-X disable", "-Xdisable"):
        return "-X disable-remote-debug on its command line"
    return ""


def _see_with_ps(pid: int) -> Seen:
    asked = subprocess.run(
        ["ps", "-ww", "-o", "uid=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    uid, _, executable = asked.stdout.strip().partition(" ")
    if not uid.isdigit():
        raise UsageError(f"process {pid} ended at this moment")
    name = os.path.basename(executable.strip())
    return Seen(pid, int(uid), executable.strip(), _minor(name, ""), bool(_PROGRAM.search(name)))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # another user's
        return ""
