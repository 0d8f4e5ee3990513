"""Who has a kernel in this process: what the door is asked (`livecode.fleet.ops`), one function an operation.

    open_kernel    session, key, note    the connection file of that session's kernel, started if it is not there
    close_kernel   session               true if there was one

Each notebook has a kernel and a namespace of its own; there are at most `MAX_KERNELS` in a process. A forked child has
none of its parent's: who asks it gets one there.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from livecode.errors import DoorError, LivecodeError, NotAllowedError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livecode.fleet.door import Door
    from livecode.kernel.routes import Routes
    from livecode.kernel.seat import Seat

MAX_KERNELS = 16
MAX_SESSION = 200
GONE_S = 30.0

_lock = threading.RLock()
_seats: dict[str, Seat] = {}
_routes: list[Routes] = []
_inherited: list[object] = []
"""What a parent had: zmq's objects must not be ended in a child, so they are kept."""
_forks = list[bool]()


def open_kernel(door: Door, request: Mapping[str, Any]) -> dict[str, Any]:
    """The connection file of a session's kernel, which is started if it is not there.

    Raises:
        NotAllowedError: An agent asks.
        UsageError: It cannot be here, or there are too many.
        DoorError: It does not start.
    """
    if request.get("agent"):
        raise NotAllowedError(f"cells run any code in {door.service}: agents get no kernel, they push or evaluate")
    session, key, note = (request.get(name, "") for name in ("session", "key", "note"))
    if not all(isinstance(text, str) and len(text) <= MAX_SESSION for text in (session, key, note)) or not session:
        raise UsageError("open_kernel: the name of a session is needed, and key and note are short texts")
    _wait_for_the_end_of(session)
    with _lock:
        _must_be_possible(door.service)
        seat = _seats.get(session)
        if seat is None:
            if len(_seats) >= MAX_KERNELS:
                raise UsageError(
                    f"{len(_seats)} notebooks have a kernel in this process of {door.service} already, and no more "
                    "are let in: shut one down (livecode kernel list shows them)"
                )
            seat = _start(door.service, session, key)
        if note:
            seat.notes.append(note)
        return seat.information


def close_kernel(_door: Door, request: Mapping[str, Any]) -> bool:
    """True if there was a kernel of that session; it is gone now."""
    seat = _seats.get(str(request.get("session", "")))
    if seat is not None:
        seat.close()
        seat.gone.wait(GONE_S)
    return seat is not None


def _wait_for_the_end_of(session: str) -> None:
    """If that session's kernel is about to end, until it has: the next one has its sockets in the same place."""
    seat = _seats.get(session)
    if seat is not None and seat.closed:
        seat.gone.wait(GONE_S)


def _start(service: str, session: str, key: str) -> Seat:
    """A new seat, in a process that is prepared for it."""
    try:
        from livecode.kernel.routes import Routes

        if not _routes:
            _routes.append(Routes())
        from livecode.kernel.places import cards, make_folder
        from livecode.kernel.seat import Seat

        if not _forks:
            os.register_at_fork(after_in_child=_after_fork)
            _forks.append(True)
        cards(make_folder())  # which removes what dead ones left
        seat = _seats[session] = Seat(service, session, key, _closed)
        seat.mend = _routes[0].mend
        seat.start()
    except LivecodeError:
        _tidy()
        raise
    except Exception as error:
        _tidy()
        raise DoorError(f"no kernel in pid {os.getpid()}: {type(error).__name__}: {error}") from error
    return seat


def _closed(seat: Seat) -> None:
    with _lock:
        if _seats.get(seat.session) is seat:
            del _seats[seat.session]
        _tidy()


def _tidy() -> None:
    """Puts the process back to what it was, where no kernel is left."""
    if not _seats and _routes:
        _routes.pop().close()


def _must_be_possible(service: str) -> None:
    """Refuses where threads are not threads.

    Raises:
        UsageError: gevent or eventlet has replaced them.
    """
    for name, module, question, what in (
        ("gevent", "gevent.monkey", "is_module_patched", "threading"),
        ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
    ):
        patched = getattr(sys.modules.get(module), question, None)
        if patched is not None and patched(what):
            raise UsageError(
                f"no kernel inside {service}: {name} has replaced threads here, and a kernel would hang its worker; "
                f"pushes work: from an ordinary notebook, %load_ext livecode and %hotattach {service}"
            )


def _after_fork() -> None:
    """In a child: none of the parent's threads is here, and nothing of its kernels may be touched or ended."""
    global _lock
    _lock = threading.RLock()
    while _routes:
        _routes.pop().close()
    while _seats:
        _, seat = _seats.popitem()
        _inherited.append(seat)
        seat.abandon()
