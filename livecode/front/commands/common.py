"""What several commands of `livecode` have in common: options, the service that is named, how an answer is printed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import click

from livecode.errors import LivecodeError, ServiceNotFoundError
from livecode.fleet.service import Service, attach
from livecode.front.commands.options import force_option as force_option
from livecode.front.commands.options import json_option as json_option
from livecode.front.commands.options import modules_argument as modules_argument
from livecode.front.commands.options import name_argument as name_argument
from livecode.front.commands.options import print_json as print_json
from livecode.front.commands.options import reason_option as reason_option
from livecode.front.commands.options import store_of_environment
from livecode.front.commands.options import store_option as store_option
from livecode.front.ending import REFUSED_OR_FAILED, UNKNOWN, Interruption, reader_may_leave
from livecode.front.nearest import did_you_mean
from livecode.front.proposed import commands as commands
from livecode.front.proposed import store_words as store_words
from livecode.front.push import default_author
from livecode.front.terminal import TerminalScreen, is_terminal, show
from livecode.model.pushes import generations_for, push_words, pushes_of
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands, Note
from livecode.model.wording import report_sheet


def report_exit_code(report: Report) -> int:
    """0 live or same, 1 refused or failed, 3 unknown."""
    if report.ok:
        return 0
    return UNKNOWN if report.verdict is Verdict.UNKNOWN else REFUSED_OR_FAILED


def screen(as_json: bool) -> TerminalScreen | None:
    """Where progress is shown: nowhere if a program reads the answer."""
    return TerminalScreen() if is_terminal() and not as_json else None


def answer(report: Report, commands: Commands, as_json: bool, service: Service | None = None) -> None:
    """Prints a report and ends the command with its exit code, which stays the same if nobody reads it.

    Args:
        report: What became of it.
        commands: The next commands that are proposed.
        as_json: True where a program reads the answer.
        service: Where modules were named that must be loaded: asked for what may have been meant.
    """
    with reader_may_leave():
        if as_json:
            click.echo(report.to_json())
        else:
            sheet = report_sheet(report, commands)
            notes = () if service is None or report.ok else meant(service, report.modules)
            show(replace(sheet, items=(*sheet.items, *notes)), spoken(commands))
    sys.exit(report_exit_code(report))


def spoken(commands: Commands) -> dict[str, str]:
    """What workers say to do → what is typed in a terminal."""
    return {"%hotstatus": commands.status}


def meant(service: Service, modules: Iterable[str]) -> tuple[Note, ...]:
    """For each module that is not loaded: the loaded one that may have been meant."""
    with suppress(LivecodeError):  # that nobody answers is said already
        loaded = {module.module for status in service.peek() for module in status.modules if module.checksum}
        words = (did_you_mean(module, sorted(loaded)) for module in modules if module not in loaded)
        return tuple(Note(each.removeprefix(". ")) for each in words if each)
    return ()


def service_named(name: str, store: str = "") -> Service:
    """The service of that name or URL, or the process with that id.

    Where no worker is on this machine, it is looked for in the store that the environment names.
    """
    try:
        return attach(int(name) if name.isdigit() else name, store=store)
    except ServiceNotFoundError:
        found = store_of_environment()
        if store or not found or name.isdigit() or "://" in name:
            raise
        return attach(name, store=found)


@contextmanager
def interruptible(service: Service, what: str) -> Iterator[None]:
    """Ctrl-C in the middle of a push, an undo or an unload: says what became of it, as the log has it."""
    began = time.time()
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interruption(f"{what} was interrupted: {_became(service, began)}") from error


def _became(service: Service, began: float) -> str:
    author = default_author()
    with suppress(LivecodeError):
        for push in pushes_of(service.log(generations_for(4))):
            if push.at >= began and push.author == author:
                return push_words(push)
        return "nothing was changed"
    return "what became of it is not known; livecode status says what runs"
