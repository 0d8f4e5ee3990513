"""`livecode ps`, `status`, `version`: what there is, and what runs."""

from __future__ import annotations

import json
import platform
import time

import click

from livecode import __version__
from livecode.fleet.remote.address import is_address
from livecode.fleet.remote.service import running_at
from livecode.fleet.service import attach, running
from livecode.front.commands.common import commands, json_option, service_named, store_option
from livecode.front.terminal import say
from livecode.front.views import ServicesView
from livecode.model.codec import to_plain
from livecode.model.overview import status_sheet
from livecode.model.text import sheet_text


@click.command()
@click.argument("name", required=False)
@store_option
@json_option
def ps(name: str | None, store: str, as_json: bool) -> None:
    """List the services of this user, or NAME, and their workers; those elsewhere with ssh://HOST in place of NAME."""
    if store:
        workers = attach(name, store=store).workers()
    elif name is not None and is_address(name):
        workers = running_at(name)
    else:
        workers = tuple(worker for worker in running() if name in (None, worker.service))
    if as_json:
        click.echo(json.dumps(to_plain(workers), ensure_ascii=False))
    else:
        say(str(ServicesView(workers, time.time())))


@click.command()
@click.argument("name")
@store_option
@json_option
def status(name: str, store: str, as_json: bool) -> None:
    """Show what the service NAME (or pid) runs, by module and worker."""
    statuses = service_named(name, store).status()
    if as_json:
        click.echo(json.dumps(to_plain(statuses), ensure_ascii=False))
    else:
        say(sheet_text(status_sheet(statuses, time.time(), commands(name, store))))


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version of livecode and of Python."""
    versions = {"livecode": __version__, "python": platform.python_version()}
    click.echo(json.dumps(versions) if as_json else f"livecode {__version__}, Python {platform.python_version()}")
