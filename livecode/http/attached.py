"""The service as this endpoint has attached it, kept from one request to the next.

A Service is for one caller at a time, so each request has its own; a few are kept, with their connections to the doors
and to the store of the service. Who comes has seen nothing of what was pushed meanwhile, and looks anew.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from livecode.errors import UsageError
from livecode.http.exchange import Problem

if TYPE_CHECKING:
    from livecode.fleet.service import Service

logger = logging.getLogger("livecode.http")

KEPT = 2
"""So many are kept while nobody asks: they have a place at each door of the service."""


class Attached:
    """Gives each request a Service.

    Args:
        store: The URL of the service's store, where no worker of it is on this machine; else empty.
    """

    def __init__(self, store: str = "") -> None:
        self._store = store
        self._kept: list[tuple[int, Service]] = []

    @contextmanager
    def service(self, name: str) -> Iterator[Service]:
        """The service of that name, for one request. After an error it is not kept.

        Raises:
            ServiceNotFoundError: No worker of it is there; and others, as `livecode.attach` does.
            Problem: The store that was named does not fit the service.
        """
        service = self._take(name) or self._attach(name)
        yield service
        if len(self._kept) < KEPT:
            self._kept.append((os.getpid(), service))

    def _take(self, name: str) -> Service | None:
        while True:
            try:
                pid, service = self._kept.pop()
            except IndexError:
                return None
            if pid == os.getpid() and service.name == name:  # not what was inherited through a fork
                service.look_at_log()
                return service

    def _attach(self, name: str) -> Service:
        from livecode.fleet.service import attach  # a service that nobody asks goes without it

        try:
            return attach(name, store=self._store)
        except UsageError as error:  # not the caller's: what was said when this was mounted does not fit the service
            logger.warning("the service cannot be attached: %s", error)
            what = "the service cannot be attached in the way in which this endpoint was mounted"
            raise Problem(503, what, "the server's log says why") from error
