"""Typer: commands, groups and callbacks of apps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from livecode.live.adapters.protocol import Adapter, Attribute


class TyperAdapter(Adapter):
    """`@app.command()`, `@app.callback()`, `app.add_typer(…)`."""

    framework = "typer"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        main = sys.modules.get("typer.main")
        return main is not None and issubclass(type(thing), main.Typer)

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        yield owner.registered_commands
        yield owner.registered_groups
        yield Attribute(owner, "registered_callback")
