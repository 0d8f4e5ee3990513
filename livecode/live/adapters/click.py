"""click: commands of groups. Its other decorators only wrap."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from livecode.live.adapters.protocol import Adapter, Attribute


class ClickAdapter(Adapter):
    """`@cli.command()`, `@cli.group()`, `@cli.result_callback()`; `@click.option` and the like keep nothing."""

    framework = "click"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        if type(thing) is FunctionType:
            return thing.__module__ == "click.decorators"
        core = sys.modules.get("click.core")
        return core is not None and issubclass(type(thing), core.Command)

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        if type(owner) is FunctionType:
            return
        commands = owner.__dict__.get("commands")
        if isinstance(commands, dict):
            yield commands
        if "_result_callback" in owner.__dict__:
            yield Attribute(owner, "_result_callback")
