"""One look at a service, as somebody sees it who opens the panel."""

from __future__ import annotations

from livecode.errors import DoorError, LivecodeError, ServiceNotFoundError, StoreError
from livecode.fleet.service import Service
from livecode.front.panel.plain import Look
from livecode.model.pushes import generations_for, pushes_of

PUSHES = 12
"""So many of the last pushes are shown."""


def look_at(service: Service) -> Look:
    """What can be seen of a service now.

    Raises:
        LivecodeError: It cannot be reached.
    """
    statuses = service.peek()
    pushes = pushes_of(service.log(generations_for(PUSHES)))[:PUSHES] if service.name else ()
    on_trial = bool(pushes) and pushes[0].is_open
    return Look(service.name, service.place, statuses, pushes, service.canary() if on_trial else None)


def why_away(service: str, error: LivecodeError) -> str:
    """What is said of a service that cannot be reached."""
    if isinstance(error, ServiceNotFoundError):
        return f"{service} has no worker at this moment"
    if isinstance(error, StoreError):
        return f"the log of {service} cannot be read: {error}"
    return f"{service} cannot be reached: {error}" if isinstance(error, DoorError) else str(error)
