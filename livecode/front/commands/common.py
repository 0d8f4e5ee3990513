"""What several commands of `livecode` have in common: options, the service that is named, how an answer is printed."""

from __future__ import annotations

import shlex
import sys

import click

from livecode.fleet.service import Service, attach
from livecode.fleet.store import without_password
from livecode.front.cli import REFUSED_OR_FAILED, UNKNOWN
from livecode.front.terminal import TerminalScreen, say
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet

json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
store_option = click.option("--store", default="", metavar="URL", help="Where its workers report, if none is here.")
force_option = click.option("--force", is_flag=True, help="Also do what is refused for caution only.")


def report_exit_code(report: Report) -> int:
    """0 live or same, 1 refused or failed, 3 unknown."""
    if report.ok:
        return 0
    return UNKNOWN if report.verdict is Verdict.UNKNOWN else REFUSED_OR_FAILED


def screen(as_json: bool) -> TerminalScreen | None:
    """Where progress is shown: nowhere if a program reads the answer."""
    return TerminalScreen() if sys.stdout.isatty() and not as_json else None


def answer(report: Report, commands: Commands, as_json: bool) -> None:
    if as_json:
        click.echo(report.to_json())
    else:
        say(sheet_text(report_sheet(report, commands)))
    sys.exit(report_exit_code(report))


def commands(name: str, store: str = "") -> Commands:
    name, more = shlex.quote(name), "".join(f" {word}" for word in store_words(store))
    return Commands(
        undo=f"livecode undo {name}{more}",
        status=f"livecode status {name}{more}",
        rerun=f"livecode push {name}{more} --rerun {{}}",
        drop=f"livecode drop {name}{more} {{}}",
    )


def store_words(store: str) -> list[str]:
    return ["--store", without_password(store)] if store else []


def service_named(name: str, store: str = "") -> Service:
    return attach(int(name) if name.isdigit() else name, store=store)
