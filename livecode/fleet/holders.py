"""Who keeps a service's session alive: this process, and the processes above it that start workers like it.

A manager is gunicorn's arbiter, uvicorn's and granian's main process, celery's, a parent of multiprocessing: when one
of its workers ends, it starts another one, which carries on where the service was. A shell, systemd, supervisord or a
container's init is none: what it starts is a new run of the program. The difference can be seen from outside:

    forked          the worker runs the image of its parent: after fork(2) without exec(2) both have the same auxiliary
                    vector (addresses that the kernel draws anew at each exec). Where another user's cannot be read, as
                    in a worker that gave up root: it has never called exec, and its parent has the same command line
    spawned         its command line says so (``--multiprocessing-fork``), or `multiprocessing` does

Every worker asks this when it starts, so this module reads a few files of /proc and imports next to nothing. Where
there is no /proc (macOS), ``ps`` is run, a few milliseconds a process.
"""

from __future__ import annotations

import os
import sys
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LEVELS = 8
SPAWNED = (b"--multiprocessing-fork", b"from multiprocessing.forkserver import", b"from billiard.")
"""Words in the command lines of children of multiprocessing, of its fork server, and of celery's own kind of it."""

NEVER_EXECUTED = 0x40
"""PF_FORKNOEXEC, "forked but didn't exec", in field 9 of proc_pid_stat(5) (linux/sched.h)."""

EXECUTED = 0x4000
"""P_EXEC, "process called exec", in the flags of ps(1) on macOS."""

INIT = 1


class Holder(namedtuple("Holder", ("pid", "born"))):
    """A process, told from a later one with the same id.

    Attributes:
        pid: Its process id.
        born: When it started, in which boot and pid namespace, as the system tells it: only compared. Empty where the
            system does not tell.
    """

    __slots__ = ()
    pid: int
    born: str


class _Seen(namedtuple("_Seen", ("pid", "parent", "born", "zombie", "forked", "command"))):
    """What the system tells of a process; `forked` if it has never called exec, `command` is its command line."""

    __slots__ = ()
    pid: int
    parent: int
    born: str
    zombie: bool
    forked: bool
    command: bytes


def holders() -> tuple[Holder, ...]:
    """This process and, nearest first, the managers above it. The session is up while one of them is alive.

    It never raises: where the system tells nothing, this process stands alone.
    """
    me = _see(os.getpid())
    if me is None:
        return (Holder(os.getpid(), ""),)
    return tuple(Holder(seen.pid, seen.born) for seen in (me, *_managers(me)))


def is_alive(holder: Holder) -> bool:
    """True if that very process runs: one that has ended and was not waited for does not, nor a later one of its id.

    A process of another boot, container or machine counts as dead: nothing can be known of it here.
    """
    seen = _see(holder.pid)
    return seen is not None and seen.born == holder.born and not seen.zombie


def _managers(seen: _Seen) -> Iterator[_Seen]:
    """The managers above a process, nearest first."""
    for _ in range(MAX_LEVELS):
        parent = _see(seen.parent) if seen.parent > 0 else None
        if parent is None or not _starts(parent, seen):
            return
        yield parent
        seen = parent


def _starts(parent: _Seen, child: _Seen) -> bool:
    """True if the parent is a manager of its child."""
    if any(word in child.command for word in SPAWNED) or _told_parent(child.pid) == parent.pid:
        return _same_executable(parent, child)
    image, its = _image(child.pid), _image(parent.pid)
    if image and its:
        return image == its
    return child.forked and _program(parent.command) == _program(child.command)


def _told_parent(pid: int) -> int | None:
    """What multiprocessing says is the parent of this process: the only witness if it has called itself otherwise."""
    process = sys.modules.get("multiprocessing.process")
    parent = process.parent_process() if process is not None and pid == os.getpid() else None
    return None if parent is None else int(parent.pid)


def _same_executable(parent: _Seen, child: _Seen) -> bool:
    """False for an init that has inherited an orphan of multiprocessing."""
    try:
        return os.readlink(f"/proc/{parent.pid}/exe") == os.readlink(f"/proc/{child.pid}/exe")
    except OSError:  # no /proc, or another user's process: multiprocessing does not change users
        return parent.pid != INIT


def _program(command: bytes) -> bytes:
    """What a command line begins with where processes name themselves: ``gunicorn: worker [app]``; else all of it."""
    first = command.partition(b"\0")[0]
    return first.partition(b":")[0] if b":" in first else command


def _image(pid: int) -> bytes:
    """The auxiliary vector of a process, see getauxval(3); empty where it may not be read."""
    return _read(f"/proc/{pid}/auxv")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _see_in_proc(pid: int) -> _Seen | None:
    """A process as /proc shows it; None if there is none."""
    stat = _read(f"/proc/{pid}/stat")
    fields = stat[stat.rfind(b")") + 1 :].split()  # from field 3 on: a program's name may contain blanks and brackets
    if len(fields) < 20:
        return None
    state, parent, flags, started = fields[0], int(fields[1]), int(fields[6]), fields[19].decode()
    boot = _read("/proc/sys/kernel/random/boot_id").decode().strip()
    born = f"{started} {boot} {os.readlink('/proc/self/ns/pid')}"
    command = _read(f"/proc/{pid}/cmdline")
    return _Seen(pid, parent, born, state in (b"Z", b"X"), bool(flags & NEVER_EXECUTED), command)


def _see_with_ps(pid: int) -> _Seen | None:
    """A process as ps(1) of macOS shows it; None if there is none."""
    return _read_ps(pid, _run_ps(pid))


def _read_ps(pid: int, line: bytes) -> _Seen | None:
    """A line of ps: parent, flags, state, five words of when it started, command line."""
    words = line.split(None, 8)
    if len(words) < 9:
        return None
    parent, flags, state, *started, command = words
    born, forked = b" ".join(started).decode(), not int(flags, 16) & EXECUTED
    return _Seen(pid, int(parent), born, state.startswith(b"Z"), forked, command.strip())


def _run_ps(pid: int) -> bytes:
    """What ps prints of a process, in words that are the same in every environment."""
    reading, writing = os.pipe()
    command = ["ps", "-ww", "-o", "ppid=,flags=,stat=,lstart=,command=", "-p", str(pid)]
    quiet = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    try:
        child = os.posix_spawn("/bin/ps", command, {"LC_ALL": "C", "TZ": "UTC"}, file_actions=quiet)
    except OSError:
        os.close(writing)
        os.close(reading)
        return b""
    os.close(writing)
    with open(reading, "rb") as file:
        printed = file.read()
    try:
        os.waitpid(child, 0)
    except ChildProcessError:  # the service waits for every child in a handler of SIGCHLD
        return printed
    return printed


_see = _see_in_proc if os.path.exists("/proc/self/stat") else _see_with_ps
