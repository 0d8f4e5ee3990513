"""The errors that livecode raises, as one tree.

What a user of a running service must expect (a compile error, a refusal, a roll back) is never raised:
it is a verdict in a Report. Exceptions are for misuse and for faults.

    LivecodeError
    ├── UsageError            an argument that cannot be meant
    ├── MissingExtraError     an optional dependency is not installed; names the pip command
    ├── StoreError            the store of a service cannot be reached, or refuses
    │   └── StaleBaseError         somebody else published meanwhile
    └── DoorError             the way into a service
        ├── ServiceNotFoundError   no process listens under that name; lists those that do
        ├── UnsafeDirectoryError   the runtime directory is not this user's alone
        ├── NotAllowedError        an agent asks for what the service does not let agents do
        ├── ProtocolError          the other side speaks something else
        ├── RelayError             no relay can be had on another machine; says what was tried, and what to do
        └── WorkerLostError        the worker went away, or did not answer in time
"""

from __future__ import annotations


class LivecodeError(Exception):
    """Base of everything that livecode raises by itself."""


class UsageError(LivecodeError, ValueError):
    """An argument that cannot be meant: says what arrived and what is accepted."""


class MissingExtraError(LivecodeError, ImportError):
    """An optional dependency is missing.

    Args:
        feature: What was asked for, e.g. ``"livecode demo"``.
        package: The import that failed.
        extra: The extra of the livecode distribution that brings it.
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(f"{feature} needs {package}, which is not installed: pip install 'livecode[{extra}]'")


class StoreError(LivecodeError, OSError):
    """The store of a service cannot be reached, is full, or refuses: says which store, why, and what to do."""


class StaleBaseError(StoreError):
    """The head of the store is not the one that a publisher built on: somebody else published meanwhile.

    Args:
        base: The generation that was built on.
        found: The generation that is there.
    """

    def __init__(self, base: int, found: int) -> None:
        self.base, self.found = base, found
        super().__init__(f"the store is at generation {found}, not {base}: somebody else published meanwhile")


class DoorError(LivecodeError):
    """The way into a service is closed, unsafe or broken."""


class ServiceNotFoundError(DoorError, LookupError):
    """No live process listens under that name.

    Args:
        name: The name that was asked for, or None where any service would do.
        running: Names of the services that can be attached now.
        store: The store where its workers were looked for, too.
    """

    def __init__(self, name: str | None, running: tuple[str, ...], store: str = "") -> None:
        self.name, self.running = name, running
        asked = "no service is listening" if name is None else f"no service named {name!r} is listening"
        if running:
            there = f"listening now: {', '.join(running)}"
        else:
            there = f"nothing listens for this user; in the service, call livecode.listen({name or 'shop'!r})"
        if store:
            asked = f"no worker of {name!r} reports to {store}, and none listens on this machine"
            there = f"in the service, call livecode.listen({name!r}, store=…) with that URL"
        super().__init__(f"{asked}; {there}")


class UnsafeDirectoryError(DoorError, PermissionError):
    """The directory for sockets could be entered or replaced by another user."""


class NotAllowedError(DoorError, PermissionError):
    """An agent asks for what the service, or a person, has not allowed."""


class ProtocolError(DoorError):
    """The other side does not speak this version of livecode's protocol, or sent garbage."""


class RelayError(DoorError, ConnectionError):
    """No relay can be had on another machine, in a container or a pod: says what was tried, and what to do."""


class WorkerLostError(DoorError, ConnectionError):
    """A worker went away or did not answer: what it runs now is not known."""
