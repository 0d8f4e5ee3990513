"""`livecode undo`: back to what ran before, and what there is to go back to."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import click

from livecode.fleet.service import Service
from livecode.front.commands.common import (
    answer,
    commands,
    force_option,
    interruptible,
    json_option,
    meant,
    modules_argument,
    name_argument,
    print_json,
    reason_option,
    screen,
    service_named,
    spoken,
    store_option,
)
from livecode.front.commands.completing import version_numbers
from livecode.front.ending import reader_may_leave
from livecode.front.policy import NOW_HELP
from livecode.front.progress import followed
from livecode.front.push import default_author
from livecode.front.terminal import show
from livecode.model.versions import KnownVersion, known_versions, versions_sheet


@click.command()
@name_argument
@modules_argument
@click.option("--to", type=int, metavar="VERSION", shell_complete=version_numbers, help="Go back to this version.")
@click.option("--list", "listed", is_flag=True, help="List the versions there are to go back to; change nothing.")
@click.option("--now", is_flag=True, help=NOW_HELP)
@reason_option
@force_option
@store_option
@json_option
def undo(
    name: str,
    modules: tuple[str, ...],
    to: int | None,
    listed: bool,
    now: bool,
    reason: str,
    force: bool,
    store: str,
    as_json: bool,
) -> None:
    """Bring back what ran in the service NAME (or pid) before the last push, of all it changed or of MODULE."""
    if to is not None and len(modules) != 1:
        raise click.UsageError("--to needs exactly one MODULE: every module counts its own versions")
    if listed and (to is not None or now or force or reason):
        raise click.UsageError("--list changes nothing: leave out --to, --now, --force and --reason")
    service, author = service_named(name, store), default_author()
    if listed:
        _list(service, modules, name, store, as_json)
        return
    with interruptible(service, "the undo"), followed(screen(as_json), modules) as progress:
        progress.report = report = service.undo(
            *modules, to=to, author=author, reason=reason, force=force, now=now, on_outcome=progress.outcome
        )
    answer(report, commands(name, store), as_json, service)


def _list(service: Service, modules: tuple[str, ...], name: str, store: str, as_json: bool) -> None:
    known, typed = versions_of(service, modules), commands(name, store)
    with reader_may_leave():
        if as_json:
            print_json(known)
        else:
            sheet = versions_sheet(known, name, time.time(), typed)
            show(replace(sheet, items=(*sheet.items, *meant(service, modules))), spoken(typed))
    sys.exit(0)


def versions_of(service: Service, modules: tuple[str, ...] = ()) -> tuple[KnownVersion, ...]:
    """The versions of these modules that the service remembers; without one, of all that have an older one."""
    if not modules:
        found = {module.module for status in service.peek() for module in status.modules if module.version > 1}
        modules = tuple(sorted(found))
    return known_versions(service.history(module) for module in modules)
