"""The commands of `livecode` that read and tidy the log of a service."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from livecode.front.commands.common import (
    commands,
    json_option,
    modules_argument,
    name_argument,
    print_json,
    reason_option,
    service_named,
    store_option,
)
from livecode.front.commands.completing import module_names
from livecode.front.following import NewPushes
from livecode.front.push import default_author
from livecode.front.terminal import say, show
from livecode.model.codec import to_plain
from livecode.model.pushes import LoggedPush, dropped_words, generations_for, log_sheet, pushes_of
from livecode.model.sheet import Commands, Sheet
from livecode.model.text import sheet_text

SEEN_AT_ONCE = 20
"""How many of the newest pushes are looked at for new ones."""


@click.command()
@name_argument
@click.argument("module", required=False, default="", shell_complete=module_names)
@click.option("-n", "number", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is pushed from now on, until Ctrl-C.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; with --follow one a push.")
def log(name: str, module: str, number: int, follow: bool, store: str, as_json: bool) -> None:
    """Show who pushed what to the service NAME, when, why, and what became of it; of MODULE alone, if it is given.

    With --follow, a service or a store that goes away is said once, and waited for.
    """
    service = service_named(name, store)
    wanted = max(number, SEEN_AT_ONCE) if follow else number
    remembered = pushes_of(service.log(generations_for(wanted, module)), module)
    pushes = remembered[:number]
    if not follow:
        _print(pushes, name, store, as_json)
        return
    try:
        for push in reversed(pushes):
            _print_line(push, as_json)
        known = {push.generation for push in remembered}
        for push in NewPushes(service, module, known, lambda said: click.echo(f"livecode: {said}", err=True)):
            _print_line(push, as_json)
    except KeyboardInterrupt:
        return


@click.command()
@name_argument
@modules_argument
@reason_option
@store_option
@json_option
def drop(name: str, modules: tuple[str, ...], reason: str, store: str, as_json: bool) -> None:
    """Remove the patches of MODULE... from the log of the service NAME; without MODULE, all stale ones.

    Where one of them runs, what the module's file said runs again.
    """
    dropped = service_named(name, store).drop(*modules, author=default_author(), reason=reason)
    if as_json:
        print_json(dropped)
    else:
        say(dropped_words(dropped, modules))


def _print(pushes: Sequence[LoggedPush], name: str, store: str, as_json: bool) -> None:
    if as_json:
        print_json(tuple(pushes))
    else:
        show(log_sheet(pushes, name, time.time(), Commands(undo=commands(name, store).undo)))


def _print_line(push: LoggedPush, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_plain(push), ensure_ascii=False))
    else:
        sheet = log_sheet([push], "", time.time(), Commands())
        say("\n".join(sheet_text(Sheet(None, sheet.items)).splitlines()[1:]))
