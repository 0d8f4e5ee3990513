"""What an agent may speak of and do: services, permissions, and what a tool is called with and answers.

What an agent may is asked of the service here, to say it in time, and decided by its workers again.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from livecode.errors import LivecodeError, NotAllowedError, ServiceNotFoundError
from livecode.fleet.discovery import running
from livecode.fleet.service import Service, attach
from livecode.fleet.store import without_password
from livecode.front.progress import Screen
from livecode.front.push import default_author
from livecode.model.access import Access

Arguments: TypeAlias = Mapping[str, Any]
_ORDER = tuple(Access)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the command line says.

    Attributes:
        addresses: The services that can be spoken of, as `livecode.attach` takes them; none for all of this machine.
        store: The URL of their store, where none of their workers is on this machine.
        may_push: True if push and undo are offered at all.
        approved_only: True if a person must approve each of them, also where the service does not ask for that.
    """

    addresses: tuple[str, ...] = ()
    store: str = ""
    may_push: bool = False
    approved_only: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool.

    Attributes:
        client: The program that calls, by its own word.
        screen: Where progress goes.
        pressed: Gets an entry when the call is cancelled.
    """

    client: str
    screen: Screen | None = None
    pressed: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent is told.

    Attributes:
        text: For people and models.
        data: The same for programs.
        ok: False where what was asked for was not done.
    """

    text: str
    data: dict[str, Any]
    ok: bool = True


class Desk:
    """The services that an agent may speak of, as far as the rules go.

    Args:
        rules: What the command line says.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._kept: dict[str, Service] = {}

    # ── services ─────────────────────────────────────────────────────────────────────────────────────────────

    def service(self, arguments: Arguments, call: Call) -> tuple[str, Service]:
        """The service that is meant, and how it is attached.

        Raises:
            ServiceNotFoundError: There is none of that name, or none that this server may speak of; lists those.
        """
        address = self._address(str(arguments.get("service", "")))
        service = self._attached(address)
        service.agent = call.client
        if access_of(service) is Access.NONE:
            raise NotAllowedError(
                f"{service.name!r} lets no agent in; its owner decides that: "
                f"livecode.listen({service.name!r}, agents='read')"
            )
        return address, service

    def _address(self, name: str) -> str:
        there = self.addresses()
        if not name and len(there) == 1:
            return there[0]
        if name in there or (not self.rules.addresses and name.isdigit()):
            return name
        short = [address for address in there if "://" in address and address.rpartition("/")[2] == name]
        if len(short) == 1:
            return short[0]
        raise ServiceNotFoundError(name or None, tuple(there))

    def addresses(self) -> tuple[str, ...]:
        """Agents name services among these only: an address that they make up could lead anywhere."""
        return self.rules.addresses or tuple(sorted({worker.service for worker in running()}))

    def _attached(self, address: str) -> Service:
        """The service at an address; what was costly to reach is kept."""
        if "://" not in address:
            return attach(int(address) if address.isdigit() else address, store=self.rules.store)
        if address not in self._kept:
            self._kept[address] = attach(address, store=self.rules.store)
        return self._kept[address]

    def told_service(self, address: str, call: Call) -> dict[str, Any]:
        told: dict[str, Any] = {"service": address, "workers": 0, "hosts": [], "python": [], "agents": "", "error": ""}
        try:
            service = self._attached(address)
            workers, access = service.workers(), access_of(service)
        except LivecodeError as error:
            return {**told, "error": str(error), "may_push": False, "needs_approval": False}
        return {
            **told,
            "workers": len(workers),
            "hosts": sorted({worker.host for worker in workers}),
            "python": sorted({worker.python for worker in workers}),
            "agents": access.value,
            "may_push": self.rules.may_push and access.may_push,
            "needs_approval": self.needs_approval(service),
        }

    # ── what is allowed ──────────────────────────────────────────────────────────────────────────────────────

    def check_may_push(self, service: Service) -> None:
        if not self.rules.may_push:
            raise NotAllowedError("this server only reads: it was started without --allow-push; nothing was changed")
        access = access_of(service)
        if not access.may_push:
            raise NotAllowedError(
                f"{service.name} lets agents {access.words}, so nothing was changed; its owner decides that: "
                f"livecode.listen({service.name!r}, agents='approved') or agents='push'"
            )

    def needs_approval(self, service: Service) -> bool:
        return self.rules.approved_only or access_of(service) is Access.APPROVED

    def approve_command(self, address: str, digest: str) -> str:
        store = ["--store", without_password(self.rules.store)] if self.rules.store else []
        return shlex.join(["livecode", "approve", address, digest, *store])

    def author(self, call: Call) -> str:
        return f"agent via mcp ({call.client}), {default_author()}"


def access_of(service: Service) -> Access:
    """The least that any worker allows which has said so; what the others allow, they say when they are asked."""
    workers = service.workers()
    said = [worker for worker in workers if worker.key] or workers  # a worker's key comes with its first answer
    return min((worker.agents for worker in said), key=_ORDER.index, default=Access.NONE)
