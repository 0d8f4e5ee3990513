"""listen(): the one line that opens a running service.

One process has one name and one door. A forked child gets a door of its own; gunicorn's arbiter, which loads the
application under --preload and never serves, gets none.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterable

from livecode.errors import LivecodeError, UsageError
from livecode.fleet.door import ACCESSES, READ, Door
from livecode.fleet.following import SESSION, Following
from livecode.fleet.rundir import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

SWITCH = "LIVECODE"
"""Set this environment variable to 0, and nothing is opened."""
STORE = "LIVECODE_STORE"
"""The URL of the store where `listen` is not given one."""
OVERLAY = "LIVECODE_OVERLAY"
"""What happens to pushes when a worker starts, where `listen` is not told."""
AGENTS = "LIVECODE_AGENTS"
"""What agents may do, where `listen` is not told."""


class Listener:
    """What `listen` returns: the name under which this process can be attached, until it is closed.

    Attributes:
        name: The name of the service.
        agents: What agents may do to it.
    """

    __slots__ = ("_door", "_following", "_open", "agents", "name")

    def __init__(self, name: str, following: Following | None = None, agents: str = READ) -> None:
        self.name, self.agents, self._open, self._following = name, agents, False, following
        self._door: Door | None = None

    @property
    def path(self) -> str:
        """The path of this process's socket; empty while it has none."""
        return self._door.path if self._door is not None else ""

    @property
    def closed(self) -> bool:
        """True if neither this process nor a child that it forks from now on opens a door."""
        return not self._open

    def close(self) -> None:
        """Close the door of this process. What was pushed stays; no request is disturbed."""
        with _lock:
            self._open = False
        self.leave_it_to_children()

    def leave_it_to_children(self) -> None:
        """Close the door of this process, which is the main process of a server; its children open theirs."""
        with _lock:
            door, self._door = self._door, None
        if door is not None:
            if self._following is not None:  # who is in the middle of asking hears that it leaves, or finds it said
                self._following.close()
            door.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.path:
            return f"<livecode.Listener {self.name!r}, open at {self.path}>"
        state = "closed" if self.closed else "waiting for the workers that this process forks"
        return f"<livecode.Listener {self.name!r}, {state}>"

    def _open_door(self) -> None:
        self._open = True
        if serves(sys._getframe()):
            following = self._following
            arrive = following.begin if following is not None else None
            self._door = Door(self.name, following, arrive, self.agents)

    def _open_door_in_child(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            door.abandon()
        if self._open:
            try:
                if serves(sys._getframe()):
                    following = self._following
                    arrive = following.in_child if following is not None else None
                    self._door = Door(self.name, following, arrive, self.agents)
            except (LivecodeError, OSError, RuntimeError) as error:  # a fork must not fail for this
                print(f"livecode: no door in pid {os.getpid()}: {error}", file=sys.stderr)

    def _pause(self) -> None:
        if self._door is not None:
            self._door.pause()

    def _resume(self) -> None:
        if self._door is not None:
            self._door.resume()

    def _remove_files(self) -> None:
        if self._door is not None:
            self._door.remove_files()
            if self._following is not None:
                self._following.close()


_lock = threading.Lock()  # also held during a fork, so that a child never inherits a door that is half open
_listener: Listener | None = None


def listen(
    name: str,
    *,
    track: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    store: str = "",
    overlay: str = "",
    agents: str = "",
) -> Listener:
    """Open this process, and every process that it forks, to pushes under the name of a service.

    Call it once, where the application is made. It costs a few milliseconds and one waiting thread; everything else
    is imported when somebody attaches. Whoever can open the socket, that is this user and root, can run any code in
    this process. With the environment variable ``LIVECODE=0`` nothing is opened.

    Args:
        name: Letters, digits, dots, hyphens, underscores. Processes with the same name are one service.
        track: Folders whose modules' sources are remembered as they are imported; the working folder by default.
        store: The URL of the store that the service's workers follow, where they are on several machines:
            ``redis://…``, ``nats://…``, and others (`livecode.fleet.store`). By default ``$LIVECODE_STORE``, else a
            file beside the socket. Who can write to it can run any code in this process.
        overlay: What a worker that starts does with what was pushed and not saved. ``"session"``, the default:
            it runs that, too, as long as the service was not stopped meanwhile; after a stop, what is on disk runs.
            ``"until-deploy"``: also after a stop, until the file of the module changes. ``"none"``: it runs what is on
            disk, until the next push. By default ``$LIVECODE_OVERLAY``.
        agents: What agents may do through ``livecode mcp``: ``"none"``; ``"read"``, the default: sources, status, log
            and dry runs; ``"approved"``: also pushes that a person has approved, each one (``livecode approve``);
            ``"push"``: also pushes of their own. By default ``$LIVECODE_AGENTS``.

    Returns:
        The open listener; the same one if this process listens under that name already.

    Raises:
        UsageError: The name cannot be one, this process listens under another one, or there is no such store,
            overlay or access of agents.
        MissingExtraError: The store's client is not installed; names the pip command.
        UnsafeDirectoryError: Other users could enter the directory of the sockets.
        DoorError: No socket can be opened; says why.
    """
    global _listener
    check_name(name)
    if os.environ.get(SWITCH) == "0":
        return Listener(name)
    with _lock:
        if _listener is not None and not _listener.closed:
            return _same(_listener, name)
        environment = os.environ
        following = Following(
            name, store or environment.get(STORE, ""), overlay or environment.get(OVERLAY, "") or SESSION
        )
        access = _access(agents or environment.get(AGENTS, "") or READ)
        _track(track)
        listener = Listener(name, following, access)
        listener._open_door()
        if _listener is None:
            os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_here, after_in_child=_after_fork)
            atexit.register(_at_exit)
        _listener = listener
        return listener


def listening() -> Listener | None:
    """The listener of this process, None where `listen` was not called or is closed."""
    return None if _listener is None or _listener.closed else _listener


def _same(listener: Listener, name: str) -> Listener:
    if listener.name != name:
        raise UsageError(
            f"this process listens as {listener.name!r} already, so it cannot listen as {name!r} too: "
            "a process has one name (close() the listener first to change it)"
        )
    return listener


def _access(word: str) -> str:
    if word not in ACCESSES:
        raise UsageError(f"agents={word!r}: one of {', '.join(map(repr, ACCESSES))} is accepted")
    return word


def _track(folders: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None) -> None:
    from livecode.live.tracking import track

    if folders is None:
        try:
            track(os.getcwd())
        except (UsageError, OSError):  # nobody asked for it: it may be gone, or hold the whole system
            return
    else:
        for folder in (folders,) if isinstance(folders, str | os.PathLike) else folders:
            track(folder)


def serves(frame: FrameType | None) -> bool:
    """False where a door makes no sense: gunicorn's arbiter, a fork server, a child that is about to run a program.

    Args:
        frame: The innermost frame of the thread that asks.
    """
    in_arbiter, inner = False, None
    while frame is not None:
        place = frame.f_globals.get("__name__"), frame.f_code.co_name
        if place == ("gunicorn.arbiter", "spawn_worker"):
            return True
        if place in _RUN_A_PROGRAM:
            return False
        if place == ("multiprocessing.forkserver", "main"):  # it imports the program, and only its children serve
            return inner == (__name__, "_after_fork")
        if place == ("multiprocessing.forkserver", "_serve_one"):
            return True
        in_arbiter = in_arbiter or place[0] == "gunicorn.arbiter"
        inner, frame = place, frame.f_back
    return not in_arbiter


_RUN_A_PROGRAM = (
    ("subprocess", "_execute_child"),  # with a preexec_fn, it runs the hooks of fork
    ("ptyprocess.ptyprocess", "spawn"),  # of pexpect, and of `!command` in IPython
)


def _before_fork() -> None:
    _lock.acquire()
    if _listener is not None:
        _listener._pause()


def _after_fork_here() -> None:
    try:
        if _listener is not None:
            _listener._resume()
    finally:
        _lock.release()


def _after_fork() -> None:
    try:
        if _listener is not None:
            _listener._open_door_in_child()
    finally:
        _lock.release()


def _at_exit() -> None:
    if _listener is not None:
        _listener._remove_files()
