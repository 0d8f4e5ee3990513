"""The door of one process: a listening socket that only this user can reach, one thread that waits at it.

Guests are served by a thread each (`livecode.fleet.ops`, imported when the first one comes). Whatever they send or do
not send, the service goes on: there are at most `MAX_GUESTS`, and a newcomer takes the place of the one that has been
waiting longest without asking anything.

Every service pays for this module when it starts, so it imports only what a server has anyway: os, socket, threading.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time

from livecode import __version__
from livecode.errors import DoorError
from livecode.fleet import PROTOCOL, rundir
from livecode.fleet.signals import start_as_the_program, start_out_of_reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from livecode.fleet.following import Following

MAX_GUESTS = 64
BACKLOG = 128
SHORT_OF_DESCRIPTORS_S = 0.1
ENDING_S = 5.0
LINGERING_S = 0.1
TICK_S = 1.0
"""How often the waiting thread looks up, whether somebody came or not."""
ROOT = 0
ACCESSES = ("none", READ := "read", "approved", "push")
"""What a service can let agents do (`livecode.model.access`)."""


class Guest:
    """One connection, and whether a request of it is being worked on."""

    __slots__ = ("busy", "connection")

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.busy = connection, False


class Door:
    """An open door: the socket, its files and its guests.

    Attributes:
        service: The name of the service.
        path: The socket's path.
        pid: The process that opened it.
        started: When, in seconds since the epoch.
        following: How the process follows the log of its service.
        agents: What agents may do here: one of `ACCESSES`.

    Args:
        service: The name of the service.
        following: How the process follows its log.
        arrive: Called before the door opens, with who listens here and the directory of the doors.
        agents: What agents may do here: one of `ACCESSES`.
    """

    def __init__(
        self,
        service: str,
        following: Following | None = None,
        arrive: Callable[[dict[str, Any], str], None] | None = None,
        agents: str = READ,
    ) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise DoorError("this Python has no Unix domain sockets (on Windows it does not), so no door can be opened")
        self.service, self.pid, self.started = service, os.getpid(), time.time()
        self.following, self.agents = following, agents
        folder, stem = rundir.make_directory(), rundir.new_stem(service)
        self.key = f"{socket.gethostname()}-{stem.removeprefix(service + '-')}"
        self.path = rundir.socket_path(folder, stem)
        self._closed, self._paused = False, False
        self._thread = threading.Thread()
        self._guests, self._lock = dict[Guest, None](), threading.Lock()
        if arrive is not None:  # whoever finds the door finds a worker that runs what the service runs
            arrive(self.identity(), folder)
        self._listening = self._bind(rundir.temporary_path(folder, stem))
        self._woken, self._waking = os.pipe()
        try:
            self._card = rundir.write_card(folder, stem, self._card_text())
            self.resume()
        except BaseException:
            self._listening.close()
            self._close_pipe()
            rundir.remove(self.path, self.path.removesuffix("sock") + "json")
            raise

    def identity(self) -> dict[str, Any]:
        """Who listens here, as the fields of a `livecode.model.nouns.Worker`, without its name."""
        return {
            "pid": self.pid,
            "host": socket.gethostname(),
            "python": "{}.{}.{}".format(*sys.version_info),
            "service": self.service,
            "livecode": __version__,
            "started": self.started,
            "key": self.key,
            "agents": self.agents,
        }

    def close(self) -> None:
        """Stop listening, let the guests go, remove the files. Twice is the same as once."""
        if self._closed:
            return
        self._closed = True
        _hang_up(self._listening)  # from here on callers are refused; on macOS as soon as nobody waits
        self._end_waiting()
        if not self._thread.is_alive():  # else it may still look at the pipe
            self._close_pipe()
        self.remove_files()
        with self._lock:
            for guest in self._guests:
                _hang_up(guest.connection)

    def remove_files(self) -> None:
        """Remove the files: no reader finds the door any more."""
        rundir.remove(self._card, self.path)

    def pause(self) -> None:
        """End the waiting thread for the moment of a fork: from 3.12 on, Python warns of forks beside other threads.

        Python 3.13 warns all the same: it counts them after `resume`.
        """
        self._paused = True
        self._end_waiting()
        trace, until = f"/proc/self/task/{self._thread.native_id}", time.monotonic() + LINGERING_S
        while os.path.exists(trace) and time.monotonic() < until:  # the system counts it for a moment longer
            time.sleep(0)

    def resume(self) -> None:
        """Wait for guests, in a thread of its own."""
        if self._paused and self._thread.is_alive():  # it could not be ended in time
            self._paused = False
            return
        self._paused = False
        self._thread = threading.Thread(target=self._accept, name="livecode-door", daemon=True)
        start_out_of_reach(self._thread)

    def abandon(self) -> None:
        """In a forked child: close what was inherited, so that the parent's end is seen by those who talk to it.

        Its threads are not here and its lock may be held by one of them.
        """
        self._closed = True
        for inherited in (self._listening, *(guest.connection for guest in list(self._guests))):
            inherited.close()
        self._close_pipe()

    def leave(self, guest: Guest) -> None:
        """The guest's thread is done with it."""
        with self._lock:
            self._guests.pop(guest, None)
        guest.connection.close()

    def _bind(self, temporary: str) -> socket.socket:
        """A socket that listens at `path`, which appears only when it does."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(temporary)
            os.chmod(temporary, 0o600)
            listening.listen(BACKLOG)
            listening.setblocking(False)
            os.rename(temporary, self.path)
        except BaseException as error:
            listening.close()
            rundir.remove(temporary)
            if isinstance(error, OSError):
                raise DoorError(f"no door at {self.path}: {error}") from error
            raise
        return listening

    def _card_text(self) -> str:
        """The file beside the socket; only plain words and numbers, so JSON needs no encoder here."""
        identity = self.identity()
        words = ", ".join(f'"{key}": "{identity[key]}"' for key in ("service", "python", "livecode"))
        return f'{{"protocol": {PROTOCOL}, "pid": {self.pid}, "started": {self.started}, {words}}}\n'

    def _accept(self) -> None:
        listening, arrivals = self._listening, select.poll()
        arrivals.register(listening, select.POLLIN)
        arrivals.register(self._woken, select.POLLIN)
        try:
            self._tick()  # for what was said while it opened
            looked_at = time.monotonic()
            while not (self._closed or self._paused):
                if time.monotonic() - looked_at >= TICK_S:  # also where callers come all the time
                    self._tick()
                    looked_at = time.monotonic()
                ready = [descriptor for descriptor, _ in arrivals.poll(TICK_S * 1000)]
                if self._woken in ready:
                    os.read(self._woken, 1)
                if listening.fileno() not in ready:
                    continue
                try:
                    connection, _ = listening.accept()
                except BlockingIOError:
                    continue
                except OSError:  # out of descriptors, or a caller that has gone: the next one may be served
                    if not self._closed:
                        time.sleep(SHORT_OF_DESCRIPTORS_S)
                else:
                    connection.setblocking(True)
                    self._admit(connection)
        finally:
            if not self._paused:
                listening.close()

    def _tick(self) -> None:
        if self.following is not None:
            self.following.tick()

    def _admit(self, connection: socket.socket) -> None:
        """Serve a caller in a thread of its own; nobody else's, and not when everyone here is busy."""
        guest = Guest(connection)
        try:
            with self._lock:
                if self._closed or caller_uid(connection) not in (os.geteuid(), ROOT) or not self._make_room():
                    connection.close()
                    return
                self._guests[guest] = None
            start_as_the_program(
                threading.Thread(target=self._serve, args=(guest,), name="livecode-guest", daemon=True)
            )
        except (OSError, RuntimeError):  # it hung up before it was looked at; no more threads can be started
            self.leave(guest)

    def _make_room(self) -> bool:
        """True if there is room for one more, after the idlest guest had to go if need be."""
        if len(self._guests) < MAX_GUESTS:
            return True
        idle = next((guest for guest in self._guests if not guest.busy), None)
        if idle is not None:
            del self._guests[idle]
            _hang_up(idle.connection)
        return idle is not None

    def _serve(self, guest: Guest) -> None:
        try:
            from livecode.fleet.ops import serve

            serve(self, guest)
        finally:
            self.leave(guest)

    def _end_waiting(self) -> None:
        """Make the waiting thread look up and end: closing a socket does not end its waiting."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return
        os.write(self._waking, b"\0")
        self._thread.join(timeout=ENDING_S)

    def _close_pipe(self) -> None:
        for end in (self._woken, self._waking):
            os.close(end)


def caller_uid(connection: socket.socket) -> int:
    """The user at the other end, as the kernel knows it.

    Source: unix(7) SO_PEERCRED, ``struct ucred {pid, uid, gid}``; macOS and FreeBSD unix(4) LOCAL_PEERCRED,
    ``struct xucred {version, uid, …}``. The uid is the second 32-bit number in both.
    """
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    else:
        local_level, local_peercred, xucred_bytes = 0, 1, 76
        credentials = connection.getsockopt(local_level, local_peercred, xucred_bytes)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was faster
        return
