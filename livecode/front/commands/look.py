"""`livecode status`, `attach`, `version`: what runs."""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import replace

import click

from livecode import __version__
from livecode.front.commands.common import (
    commands,
    json_option,
    name_argument,
    print_json,
    service_named,
    store_option,
    store_words,
)
from livecode.front.ending import UNKNOWN, reader_may_leave
from livecode.front.terminal import show
from livecode.model.nouns import ProcessStatus
from livecode.model.overview import attached_sheet, status_sheet


@click.command()
@name_argument
@store_option
@json_option
def status(name: str, store: str, as_json: bool) -> None:
    """Show what the service NAME (or pid) runs, by module and worker: version, checksum, where, since when, by whom."""
    statuses = service_named(name, store).status()
    with reader_may_leave():
        if as_json:
            print_json(statuses)
        else:
            show(status_sheet(statuses, time.time(), commands(name, store)))
    sys.exit(_answered(statuses))


@click.command()
@name_argument
@store_option
@json_option
def attach(name: str, store: str, as_json: bool) -> None:
    """Say what the service NAME (or pid) is, and which live patches it runs that are not on disk.

    Nothing is kept: every command attaches by itself. This one answers whether that works.
    """
    statuses = service_named(name, store).status()
    with reader_may_leave():
        if as_json:
            print_json(statuses)
        else:
            again = replace(commands(name, store), detach="")
            sheet = attached_sheet(statuses, time.time(), again)
            head = replace(sheet.head, hint=_next(name, store)) if sheet.head else None
            show(replace(sheet, head=head))
    sys.exit(_answered(statuses))


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version of livecode and of Python."""
    if as_json:
        print_json({"livecode": __version__, "python": platform.python_version()})
    else:
        click.echo(f"livecode {__version__}, Python {platform.python_version()}")


def _next(name: str, store: str) -> str:
    return f"push: {' '.join(['livecode push', name, *store_words(store)])} MODULE"


def _answered(statuses: tuple[ProcessStatus, ...]) -> int:
    """3 if a worker did not answer: what it runs is not known."""
    return UNKNOWN if any(status.busy and not status.modules for status in statuses) else 0
