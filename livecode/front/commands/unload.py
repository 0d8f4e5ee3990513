"""`livecode unload`: takes modules out of a service."""

from __future__ import annotations

import click

from livecode.front.commands.common import (
    answer,
    commands,
    force_option,
    interruptible,
    json_option,
    name_argument,
    reason_option,
    screen,
    service_named,
    store_option,
)
from livecode.front.commands.completing import module_names
from livecode.front.progress import followed
from livecode.front.push import default_author


@click.command()
@name_argument
@click.argument("modules", nargs=-1, required=True, metavar="MODULE...", shell_complete=module_names)
@reason_option
@force_option
@store_option
@json_option
def unload(name: str, modules: tuple[str, ...], reason: str, force: bool, store: str, as_json: bool) -> None:
    """Take MODULE... out of every worker of the service NAME (or pid), all or none: the next import loads the file.

    The report says who still holds objects of them.
    """
    service = service_named(name, store)
    with interruptible(service, "the unload"), followed(screen(as_json), modules) as progress:
        progress.report = report = service.unload(*modules, force=force, author=default_author(), reason=reason)
    answer(report, commands(name, store), as_json, service)
