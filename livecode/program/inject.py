"""Opens a door in a process that never imported livecode: `livecode inject PID`, by `sys.remote_exec` (Python 3.14+).

    see        whose process it is, and which Python runs there; what is in the way is said before it is touched
    write      a script and the place for its answer, in a folder that the process can read
    ask        `sys.remote_exec`, in a Python of the very same version: this one, or the process's own program
    wait       until the process comes by and answers; else the script is emptied, so that nothing happens later

The process executes the script between two instructions of its main thread. While that thread waits in a system call or
runs C code, it does not come by.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from livecode import __version__
from livecode.errors import DoorError, NotAllowedError, UnsafeDirectoryError, UsageError
from livecode.fleet.discovery import look
from livecode.fleet.rundir import check_name, directory
from livecode.program.entering import SCRIPT
from livecode.program.processes import Seen, see

FIRST_MINOR = 14
"""The x of the first Python 3.x that lets itself be entered from outside (PEP 768)."""

PATIENCE_S = 10.0
POLL_S = 0.02
STARTS_S = 30.0
"""How long the other Python may take to ask."""

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_ASK = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"


class NotInTimeError(DoorError):
    """The process did not come by in time."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A process that has a door.

    Attributes:
        service: What it is called there.
        pid: Its id.
        path: Of the socket; empty where its children have one each and it has none.
        python: Its version of Python.
        livecode: The version of livecode that runs there.
        known: False if `livecode ps` looks for doors in another directory than this one.
    """

    service: str
    pid: int
    path: str
    python: str
    livecode: str
    known: bool


def inject(pid: int, name: str = "", timeout_s: float = PATIENCE_S) -> Entered:
    """Opens a door in a running process; one that has a door already answers with that one.

    Args:
        pid: Its id.
        name: Of the service; by default, what its script, module or folder is called.
        timeout_s: Seconds to wait for its main thread to come by. After that nothing happens there any more.

    Raises:
        UsageError: There is no such process, it runs no Python or one that cannot be entered, or the name is none.
        NotAllowedError: The system does not allow it, or the process was told not to.
        DoorError: It did not come by in time, or no door could be opened there.
    """
    if name:
        check_name(name)
    if pid == os.getpid():
        raise UsageError('this is the process itself: livecode.listen("name") opens its door')
    seen = see(pid)
    _must_be_ours(seen)
    if (there := _listening(pid)) is not None:
        return there
    _must_be_open(seen)
    with _folder_for(seen) as folder:
        script, answer = os.path.join(folder, "enter.py"), os.path.join(folder, "answer.json")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT.format(root=ROOT, answer=answer, name=name, version=__version__))
        _ask(seen, script)
        said = _wait(answer, timeout_s) or _give_up(seen, script, answer, timeout_s)
    if "error" in said:
        raise DoorError(f"process {pid} goes on as it was: no door could be opened there: {said['error']}")
    path = said["path"]
    known = os.path.dirname(path) == directory() and seen.uid == os.geteuid()
    return Entered(said["service"], pid, path, said["python"], said["livecode"], known or not path)


def _must_be_ours(seen: Seen) -> None:
    """Passes if this user may have to do with the process.

    Raises:
        NotAllowedError: It is somebody else's.
    """
    if seen.uid != os.geteuid() and os.geteuid() != 0:
        raise NotAllowedError(
            f"process {seen.pid} belongs to user {seen.uid}, and this is {os.geteuid()}: ask as that user"
        )


def _listening(pid: int) -> Entered | None:
    """A process that has a door already."""
    door = None
    with suppress(UnsafeDirectoryError):  # it will be said where it matters
        door = next((door for door in look().workers if door.worker.pid == pid), None)
    if door is None:
        return None
    return Entered(door.worker.service, pid, door.path, door.worker.python, door.worker.livecode, True)


def _must_be_open(seen: Seen) -> None:
    """Passes if nothing is known that keeps others out.

    Raises:
        UsageError, NotAllowedError: Something does; says what, and what to do.
    """
    if not seen.is_python:
        what = f"runs {seen.executable}" if seen.executable else "shows no program"
        raise UsageError(f"process {seen.pid} {what}, and nothing of Python is seen in it")
    if 0 < seen.minor < FIRST_MINOR:
        raise UsageError(
            f"process {seen.pid} runs Python 3.{seen.minor}, and only 3.{FIRST_MINOR} and later can be entered "
            'from outside (PEP 768): put livecode.listen("name") into it, or start it by `livecode run`'
        )
    if seen.closed:
        raise NotAllowedError(
            f"process {seen.pid} lets nobody in: {seen.closed}; start it without, or by `livecode run`"
        )


@contextmanager
def _folder_for(seen: Seen) -> Iterator[str]:
    """A folder that only this user writes to, and in which the process can read the script and write its answer."""
    if seen.uid != os.geteuid() and not _can_read(seen.uid, os.path.join(ROOT, "livecode", "__init__.py")):
        raise NotAllowedError(
            f"user {seen.uid}, who runs process {seen.pid}, cannot read livecode in {ROOT}: install it where all can"
        )
    folder, still_wanted = tempfile.mkdtemp(prefix="livecode-inject-"), False
    try:
        if seen.uid != os.geteuid():  # this is root
            os.chown(folder, seen.uid, -1)
        yield folder
    except NotInTimeError:  # the process will look for its script when it comes by
        still_wanted = True
        raise
    finally:
        if not still_wanted:
            shutil.rmtree(folder, ignore_errors=True)


def _can_read(uid: int, path: str) -> bool:
    """True if others than the owner may read the file, and go through all folders above it, or it is their own."""
    while True:
        found, parent = os.stat(path), os.path.dirname(path)
        needed = 0o1 if os.path.isdir(path) else 0o4
        if found.st_uid != uid and not found.st_mode & needed:
            return False
        if parent == path:
            return True
        path = parent


def _ask(seen: Seen, script: str) -> None:
    """Has the process told to execute the script.

    Raises:
        UsageError, NotAllowedError, DoorError: That is not possible; says why.
    """
    try:
        if seen.minor == sys.version_info.minor and hasattr(sys, "remote_exec"):
            sys.remote_exec(seen.pid, script)
        else:
            _ask_by_its_own(seen, script)
    except PermissionError as error:
        raise _not_allowed(seen) from error
    except (RuntimeError, OSError) as error:
        if not os.path.exists("/proc") or os.path.isdir(f"/proc/{seen.pid}"):
            raise DoorError(f"process {seen.pid} cannot be entered: {_with_cause(error)}") from error
        raise UsageError(f"process {seen.pid} ended at this moment") from error


def _ask_by_its_own(seen: Seen, script: str) -> None:
    """The same, by a Python of its version: the program that it runs, started once more."""
    if not seen.executable:
        raise NotAllowedError(f"the system does not tell which Python process {seen.pid} runs: ask with that one")
    command = [seen.executable, "-I", "-S", "-c", _ASK, str(seen.pid), script]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=STARTS_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        what = f"{seen.executable} cannot be run here ({error})"
        raise DoorError(
            f"{what}: run `livecode inject {seen.pid}` where process {seen.pid} lives, with its Python"
        ) from error
    if done.returncode == 0:
        return
    last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
    if "remote_exec" in last[0] and "AttributeError" in last[0]:
        raise UsageError(
            f"process {seen.pid} runs a Python before 3.{FIRST_MINOR}, which cannot be entered from outside"
        )
    if "PermissionError" in last[0] or "Operation not permitted" in done.stderr:
        raise _not_allowed(seen)
    where = f"run `livecode inject {seen.pid}` where it lives, with a Python 3.{seen.minor or FIRST_MINOR}"
    raise DoorError(f"process {seen.pid} cannot be entered by {seen.executable}: {last[0]}; {where}")


def _not_allowed(seen: Seen) -> NotAllowedError:
    with suppress(OSError, ValueError):
        with open(YAMA, encoding="ascii") as file:
            scope = int(file.read())
        if scope and os.geteuid() != 0:
            return NotAllowedError(
                f"the system does not let this user enter process {seen.pid}: kernel.yama.ptrace_scope is {scope}; "
                "ask as root, or set it to 0"
            )
    return NotAllowedError(
        f"the system does not let this process enter process {seen.pid}: it needs the right to trace it "
        "(CAP_SYS_PTRACE in a container, `--cap-add=SYS_PTRACE`; root on macOS)"
    )


def _with_cause(error: BaseException) -> str:
    """The error and what led to it, which says more."""
    causes = [str(error)]
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
        causes.append(str(error))
    return "; ".join(dict.fromkeys(causes))


def _wait(answer: str, timeout_s: float) -> dict[str, str] | None:
    """What the process said; None if nothing in time."""
    until = time.monotonic() + timeout_s
    while True:
        with suppress(FileNotFoundError), open(answer, encoding="utf-8") as file:
            said: dict[str, str] = json.load(file)
            return said
        if time.monotonic() > until:
            return None
        time.sleep(POLL_S)


def _give_up(seen: Seen, script: str, answer: str, timeout_s: float) -> dict[str, str]:
    """What the process said at the last moment.

    Raises:
        NotInTimeError: Nothing. The script is empty now, so it will do nothing when it is executed.
    """
    with open(script, "w", encoding="utf-8"):
        pass
    said = _wait(answer, 1.0)  # it may have read the script just before
    if said is not None:
        return said
    raise NotInTimeError(
        f"process {seen.pid} did not come by in {timeout_s:g} s, and nothing was changed in it: its main thread waits "
        "in a system call, or runs C code. Give it something to do (a request), or wait longer: --timeout 60"
    )
