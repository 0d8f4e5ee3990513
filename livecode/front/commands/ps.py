"""`livecode ps`: which services there are."""

from __future__ import annotations

import sys
import time

import click

from livecode.errors import LivecodeError, ServiceNotFoundError, StoreError
from livecode.fleet.remote.address import is_address
from livecode.fleet.services import services_here, services_in
from livecode.front.commands.completing import service_names
from livecode.front.commands.options import STORE_VARIABLE, json_option, print_json, store_of_environment
from livecode.front.ending import REFUSED_OR_FAILED
from livecode.front.terminal import show
from livecode.model.services import ServiceSummary, summaries_sheet


@click.command()
@click.argument("name", required=False, shell_complete=service_names)
@click.option("--store", "stores", multiple=True, metavar="URL", help="Also those that report there; several times.")
@click.option("-w", "--workers", is_flag=True, help="List the workers, too; so does NAME.")
@json_option
def ps(name: str | None, stores: tuple[str, ...], workers: bool, as_json: bool) -> None:
    """List the services of this user, or NAME, and their workers; those elsewhere with ssh://HOST in place of NAME.

    Those whose workers report to a store are listed with --store URL, and with LIVECODE_STORE in the environment.
    A worker differs if it does not run what the log of its service says.
    """
    found, troubles = _found(name, stores)
    if name is not None and not is_address(name):
        found, asked = _named(found, name), found
        if not found and not troubles:
            raise ServiceNotFoundError(name, tuple(sorted({each.service for each in asked})))
    if as_json:
        print_json(found)
    else:
        show(summaries_sheet(found, time.time(), troubles, workers=workers or name is not None))
    for trouble in troubles if as_json else ():
        click.echo(f"livecode: {trouble}", err=True)
    sys.exit(REFUSED_OR_FAILED if troubles else 0)


def _found(name: str | None, stores: tuple[str, ...]) -> tuple[tuple[ServiceSummary, ...], tuple[str, ...]]:
    """What there is, and what kept some of it from being found."""
    if name is not None and is_address(name):
        from livecode.fleet.remote.service import services_at  # most services are on this machine

        return services_at(name), ()
    found = {(each.service, each.store): each for each in services_here()}
    wanted, troubles = name if name and not name.isdigit() else "", list[str]()
    for url in dict.fromkeys((*stores, *filter(None, (store_of_environment(),)))):
        try:
            there = services_in(url, wanted)
        except StoreError as error:
            troubles.append(str(error))
        except LivecodeError as error:  # a URL that was typed is misuse; one of the environment is not in the way
            if url in stores:
                raise
            troubles.append(f"{STORE_VARIABLE}: {error}")
        else:
            found = {(each.service, each.store): each for each in there} | found
    return tuple(found[key] for key in sorted(found)), tuple(troubles)


def _named(found: tuple[ServiceSummary, ...], name: str) -> tuple[ServiceSummary, ...]:
    """The services of that name, or with a worker of that process id."""
    pid = int(name) if name.isdigit() else None
    return tuple(each for each in found if name == each.service or any(pid == worker.pid for worker in each.workers))
