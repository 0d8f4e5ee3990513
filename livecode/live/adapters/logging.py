"""`logging`: handlers and filters of loggers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from livecode.live.adapters.protocol import Adapter


class LoggingAdapter(Adapter):
    """`logger.addHandler(…)`, `logger.addFilter(…)`, `handler.addFilter(…)`."""

    framework = "logging"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return issubclass(type(thing), logging.Filterer)

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        yield owner.filters
        if isinstance(owner, logging.Logger):
            yield owner.handlers

    def filled_by(self, owner: Any, method: str, /) -> Any:
        """See `Adapter.filled_by`."""
        if method == "addFilter":
            return owner.filters
        return owner.handlers if method == "addHandler" and isinstance(owner, logging.Logger) else None
