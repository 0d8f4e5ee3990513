"""What is asked of a relay and answered, the same on both sides.

    request    {"op": "roll_out", ...}                                one, then the stream is only listened to
    news       {"outcome": ...}, {"canary": ...}                      as they arrive
    answer     {"answer": ..., "seen": ...}                           the last message
    or         {"error": {"kind": "StoreError", "message": "..."}}

    attach     service, store, answer_s, seen       the service of that name on that machine, from now on
    services                                        all services there
    workers                                         workers of the service, and the doors that were found dead
    roll_out   action, push, goal, policy           a Report
    undo       modules, to, author, ...             a Report
    drop       modules, author, reason              names
    canary                                          a CanaryNow, or null
    decide     wish, author, reason                 a LoggedPush
    evaluate   expression, workers, module, timeout_s, rich_bytes
    names      text, module                         how a dotted name may go on
    status, peek, log, source, history              what they are called in a `Service`
    loaded_files, look, files                       the same
    save       modules, file, force, author, reason     a SaveReport

`seen` is what the log said when whoever pushes through this looked last: it outlives a link, so that a push that knows
of an older state is refused behind a new link, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livecode import __version__, errors
from livecode.errors import LivecodeError, ServiceNotFoundError
from livecode.fleet import PROTOCOL
from livecode.fleet.remote import RELAY_PROTOCOL

INTERRUPTED = "KeyboardInterrupt"

_KINDS: Mapping[str, type[LivecodeError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, LivecodeError)
}


def error_message(error: BaseException) -> dict[str, Any]:
    """The last message of a request that raised."""
    if isinstance(error, KeyboardInterrupt):
        return {"error": {"kind": INTERRUPTED, "message": ""}}
    kind = next((each.__name__ for each in type(error).__mro__ if _KINDS.get(each.__name__) is each), "")
    message = str(error) if kind else f"livecode itself failed there: {type(error).__name__}: {error}"
    there = list(error.running) if isinstance(error, ServiceNotFoundError) else []
    return {"error": {"kind": kind or "DoorError", "message": message, "running": there}}


def raised(error: Mapping[str, Any], place: str) -> BaseException:
    """The error that a request raised on the other side, with the place where it did.

    Args:
        error: What `error_message` made of it.
        place: The machine, for people.
    """
    kind, message = error.get("kind"), str(error.get("message", "no reason given"))
    if kind == INTERRUPTED:
        return KeyboardInterrupt()
    found = _KINDS.get(str(kind), errors.DoorError)
    made = found.__new__(found)  # what their constructors ask for did not travel: their message did
    Exception.__init__(made, f"{place}: {message}")
    if isinstance(made, ServiceNotFoundError):
        made.name, made.running = None, tuple(map(str, error.get("running", ())))
    return made


def speaker() -> dict[str, Any]:
    """What each side says of itself first."""
    return {"relay": RELAY_PROTOCOL, "protocol": PROTOCOL, "livecode": __version__}


def misunderstanding(other: Mapping[str, Any], where: str) -> str:
    """Why the two sides cannot work together; empty if they can.

    They must be of the same version: what one side does not know of, it would leave out without a word.

    Args:
        other: What the other side says of itself.
        where: The other side, for people.
    """
    mine = speaker()
    if all(other.get(key) == mine[key] for key in mine):
        return ""
    version = other.get("livecode", "?")
    return (
        f"{where} has livecode {version} (relay protocol {other.get('relay')}, doors {other.get('protocol')}), and "
        f"this side has livecode {mine['livecode']} (relay protocol {mine['relay']}, doors {mine['protocol']}): "
        f"install the same on both sides, e.g. pip install 'livecode=={version}' here"
    )
