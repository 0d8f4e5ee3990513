"""Celery: tasks of apps, also those that are shared between apps."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from livecode.live.adapters.protocol import Adapter


class CeleryAdapter(Adapter):
    """`@app.task`, `@shared_task`."""

    framework = "celery"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        if type(thing) is FunctionType:
            return thing.__module__ == "celery.app" and thing.__name__ == "shared_task"
        base = sys.modules.get("celery.app.base")
        return base is not None and issubclass(type(thing), base.Celery)

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`: the tasks of the app, or of all, and those that wait until an app is complete."""
        state = sys.modules["celery._state"]
        for app in state._get_active_apps() if type(owner) is FunctionType else (owner,):
            yield app._tasks
            yield app._pending
        yield state._on_app_finalizers

    def registered(self, owner: Any, entry: Any, /) -> Iterable[object]:
        """See `Adapter.registered`: what a task runs is an attribute of its class; one that waits is a promise."""
        if type(entry) is FunctionType:
            return (entry, *_nested(entry))
        if type(entry).__name__ == "PromiseProxy":
            return object.__getattribute__(entry, "_Proxy__args") if not entry.__evaluated__() else ()
        own = type(entry).__dict__
        return tuple(own[name] for name in ("_decorated_fun", "run", "__wrapped__") if name in own)


def _nested(entry: FunctionType) -> Iterator[object]:
    """What a function that makes a task later was given."""
    for cell in entry.__closure__ or ():
        if type(cell.cell_contents) is FunctionType:
            yield cell.cell_contents
