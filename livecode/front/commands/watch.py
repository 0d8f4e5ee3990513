"""`livecode watch`: what is saved goes live, until somebody presses Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Protocol

import click

from livecode.front.commands.common import commands, json_option, service_named, store_option
from livecode.front.terminal import StatusLine, columns, say
from livecode.front.watching.watch import FILTER_HELP, POLL_HELP
from livecode.front.watching.watch import watch as watch_folder
from livecode.front.watching.words import WatchState, watch_sheet
from livecode.model.codec import to_plain
from livecode.model.columns import folded
from livecode.model.report import Report
from livecode.model.sheet import Commands
from livecode.model.text import sheet_lines, sheet_text
from livecode.model.wording import report_sheet

STOP = "Ctrl-C"
INDENT = "  "


@click.command()
@click.argument("name")
@click.argument("folder", default=".", type=click.Path())
@click.option("--filter", "filters", multiple=True, metavar="GLOB", help=FILTER_HELP)
@click.option("--poll", type=float, metavar="SECONDS", help=POLL_HELP)
@store_option
@json_option
def watch(name: str, folder: str, filters: tuple[str, ...], poll: float | None, store: str, as_json: bool) -> None:
    """Push what is saved under FOLDER (the working folder) into the service NAME (or pid), until Ctrl-C.

    Saves that belong together are one push. A save that fails is said once, the old code runs on, and the next good
    one goes live. With --json, one line an event: {"event": "watching" | "push" | "note" | "state" | "stopped", ...}.
    """
    service, over = service_named(name, store), threading.Event()
    shown: Shown = JsonLines() if as_json else Screen() if sys.stdout.isatty() else Lines()
    watching = watch_folder(
        folder,
        service,
        lambda said: shown.say(said, commands(name, store)),
        patterns=filters,
        poll_s=poll,
        commands=commands(name, store),
        settled=lambda each: shown.show(each.state),
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    with watching:
        shown.begin(watching.state)
        over.wait()
    shown.end(watching.state)


class Shown(Protocol):
    """How a watch is shown. `say` and `show` are called by its thread."""

    def begin(self, state: WatchState) -> None: ...

    def say(self, said: Report | str, names: Commands) -> None: ...

    def show(self, state: WatchState) -> None: ...

    def end(self, state: WatchState) -> None: ...


class Lines:
    """For a log: what happens, line by line."""

    def begin(self, state: WatchState) -> None:
        click.echo(_text(state))

    def say(self, said: Report | str, names: Commands) -> None:
        click.echo("\n".join(_lines(said, names)))
        sys.stdout.flush()

    def show(self, state: WatchState) -> None:
        """Only what happens is worth a line."""

    def end(self, state: WatchState) -> None:
        click.echo(_text(state))


class Screen:
    """For a terminal: what happens scrolls, and the state stays below it."""

    def __init__(self) -> None:
        self._line = StatusLine()

    def begin(self, state: WatchState) -> None:
        self._line.show(watch_sheet(state, STOP))

    def say(self, said: Report | str, names: Commands) -> None:
        self._line.above("\n".join(_lines(said, names, columns())))

    def show(self, state: WatchState) -> None:
        self._line.show(watch_sheet(state, STOP))

    def end(self, state: WatchState) -> None:
        self._line.close()
        say(_text(state))


class JsonLines:
    """For a program: one object a line."""

    def __init__(self) -> None:
        self._last: WatchState | None = None

    def begin(self, state: WatchState) -> None:
        self._print("watching", state=to_plain(state))
        self._last = state

    def say(self, said: Report | str, names: Commands) -> None:
        if isinstance(said, str):
            self._print("note", text=said)
        else:
            self._print("push", report=json.loads(said.to_json()))

    def show(self, state: WatchState) -> None:
        if state != self._last:
            self._print("state", state=to_plain(state))
        self._last = state

    def end(self, state: WatchState) -> None:
        self._print("stopped", state=to_plain(state))

    def _print(self, event: str, **what: object) -> None:
        click.echo(json.dumps({"event": event, **what}, ensure_ascii=False))
        sys.stdout.flush()


def _lines(said: Report | str, names: Commands, width: int = 0) -> list[str]:
    """What happened, in lines of so many columns at most; 0 for as long as they are."""
    if isinstance(said, str):
        first, *more = folded(said, width - len(INDENT)) if width else [said]
        return [first, *(INDENT + line for line in more)]
    return sheet_lines(report_sheet(said, names), width)


def _text(state: WatchState) -> str:
    return sheet_text(watch_sheet(state, STOP))
