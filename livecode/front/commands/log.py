"""The commands of `livecode` that read and tidy the log of a service."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from livecode.fleet.service import Service
from livecode.front.commands.common import commands, service_named, store_option
from livecode.front.push import default_author
from livecode.front.terminal import say
from livecode.model.codec import to_plain
from livecode.model.pushes import LoggedPush, dropped_words, generations_for, log_sheet, pushes_of
from livecode.model.sheet import Commands, Sheet
from livecode.model.text import sheet_text

FOLLOW_S = 0.5
"""How often the log is read while it is followed."""

SEEN_AT_ONCE = 20
"""How many of the newest pushes are looked at for new ones."""


@click.command()
@click.argument("name")
@click.argument("module", required=False, default="")
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--follow", is_flag=True, help="Go on with what is pushed from now on, until Ctrl-C.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; with --follow one a push.")
def log(name: str, module: str, number: int, follow: bool, store: str, as_json: bool) -> None:
    """Show who pushed what to the service NAME, when, why, and what became of it; of MODULE alone, if it is given."""
    service = service_named(name, store)
    wanted = max(number, SEEN_AT_ONCE) if follow else number
    remembered = pushes_of(service.log(generations_for(wanted, module)), module)
    pushes = remembered[:number]
    if not follow:
        _print(pushes, name, as_json)
        return
    for push in reversed(pushes):
        _print_line(push, as_json)
    _follow(service, module, {push.generation for push in remembered}, as_json)


def _follow(service: Service, module: str, printed: set[int], as_json: bool) -> None:
    """Prints each push when it is decided, until somebody presses Ctrl-C."""
    try:
        while True:
            time.sleep(FOLLOW_S)
            for push in reversed(pushes_of(service.log(generations_for(SEEN_AT_ONCE)), module)):
                if push.generation not in printed and not push.is_open:
                    printed.add(push.generation)
                    _print_line(push, as_json)
    except KeyboardInterrupt:
        return


@click.command()
@click.argument("name")
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON: the names of what was removed.")
def drop(name: str, modules: tuple[str, ...], reason: str, store: str, as_json: bool) -> None:
    """Remove the patches of MODULE... from the log of the service NAME; without MODULE, all stale ones.

    Where one of them runs, what the module's file said runs again.
    """
    dropped = service_named(name, store).drop(*modules, author=default_author(), reason=reason)
    click.echo(json.dumps(dropped) if as_json else dropped_words(dropped, modules))


def _print(pushes: Sequence[LoggedPush], name: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_plain(tuple(pushes)), ensure_ascii=False))
    else:
        say(sheet_text(log_sheet(pushes, name, time.time(), Commands(undo=commands(name).undo))))


def _print_line(push: LoggedPush, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_plain(push), ensure_ascii=False))
    else:
        sheet = log_sheet([push], "", time.time(), Commands())
        say("\n".join(sheet_text(Sheet(None, sheet.items)).splitlines()[1:]))
