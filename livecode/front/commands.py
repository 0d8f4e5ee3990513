"""The commands of `livecode` for the terminal, except the demo."""

from __future__ import annotations

import json
import platform
import sys
import time

import click

from livecode import __version__
from livecode.fleet.service import Service, attach, running
from livecode.fleet.store import without_password
from livecode.front.cli import REFUSED_OR_FAILED, UNKNOWN
from livecode.front.policy import CANARY_HELP, FOR_HELP, MIXED_HELP, NOW_HELP, Typed
from livecode.front.progress import followed
from livecode.front.push import PushRequest, default_author, file_item, module_items
from livecode.front.push import push as push_request
from livecode.front.terminal import TerminalScreen, say
from livecode.front.views import ServicesView
from livecode.model.codec import to_plain
from livecode.model.nouns import ModuleSource
from livecode.model.overview import status_sheet
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet

_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
_reason = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
_store = click.option("--store", default="", metavar="URL", help="Where its workers report, if none is here.")
_force = click.option("--force", is_flag=True, help="Also do what is refused for caution only.")


@click.command()
@click.argument("name", required=False)
@_store
@_json
def ps(name: str | None, store: str, as_json: bool) -> None:
    """List the services of this user, or NAME, and their workers."""
    if store:
        workers = attach(name, store=store).workers()
    else:
        workers = tuple(worker for worker in running() if name in (None, worker.service))
    if as_json:
        click.echo(json.dumps(to_plain(workers), ensure_ascii=False))
    else:
        say(str(ServicesView(workers, time.time())))


@click.command()
@click.argument("name")
@_store
@_json
def status(name: str, store: str, as_json: bool) -> None:
    """Show what the service NAME (or pid) runs, by module and worker."""
    statuses = _service(name, store).status()
    if as_json:
        click.echo(json.dumps(to_plain(statuses), ensure_ascii=False))
    else:
        say(sheet_text(status_sheet(statuses, time.time(), _commands(name, store))))


@click.command()
@click.argument("name")
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option("--file", metavar="F", help="Read the source of the one MODULE from F, or from - (standard input).")
@click.option("--dry-run", is_flag=True, help="Say what would happen; touch nothing.")
@click.option("--safe-part", is_flag=True, help="Leave out what is refused, and apply the rest.")
@click.option("--rerun", multiple=True, metavar="NAME", help="Also make NAME again; MODULE.NAME in any module.")
@click.option("--canary", metavar="N", help=CANARY_HELP)
@click.option("--for", "for_s", type=float, metavar="SECONDS", help=FOR_HELP)
@click.option("--allow-mixed", "mixed", metavar="REASON", help=MIXED_HELP)
@_reason
@_force
@_store
@_json
def push(
    name: str,
    modules: tuple[str, ...],
    file: str | None,
    dry_run: bool,
    safe_part: bool,
    rerun: tuple[str, ...],
    canary: str | None,
    for_s: float | None,
    mixed: str | None,
    reason: str,
    force: bool,
    store: str,
    as_json: bool,
) -> None:
    """Push MODULE... into the service NAME (or pid), from their files, as one transaction."""
    if not modules and not rerun:
        raise click.UsageError("name a MODULE to push, or --rerun MODULE.NAME")
    if file and len(modules) != 1:
        raise click.UsageError(f"--file is the source of one module, not of {len(modules)}")
    typed = Typed(canary, for_s, mixed)
    policy, service = typed.policy, _service(name, store)
    if file == "-":
        items: tuple[ModuleSource, ...] = (ModuleSource(modules[0], _standard_input(), "standard input"),)
    else:
        items = (file_item(modules[0], file),) if file else module_items(modules, service)
    again = ["livecode push", name, *modules, *(["--file", file] if file else []), *typed.words]
    again += [*(["--force"] * force), *_store_words(store)]
    request = PushRequest(items, "", reason, force, dry_run, safe_part, " ".join(again), rerun, policy)
    _answer(push_request(request, service, _screen(as_json)), _commands(name, store), as_json)


@click.command()
@click.argument("name")
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option("--to", type=int, metavar="VERSION", help="Go back to this version of the one MODULE.")
@click.option("--now", is_flag=True, help=NOW_HELP)
@_reason
@_force
@_store
@_json
def undo(
    name: str,
    modules: tuple[str, ...],
    to: int | None,
    now: bool,
    reason: str,
    force: bool,
    store: str,
    as_json: bool,
) -> None:
    """Bring back what ran in the service NAME (or pid) before the last push, of all it changed or of MODULE."""
    if to is not None and len(modules) != 1:
        raise click.UsageError("--to needs exactly one MODULE: every module counts its own versions")
    service, author = _service(name, store), default_author()
    with followed(_screen(as_json), modules) as progress:
        progress.report = report = service.undo(
            *modules, to=to, author=author, reason=reason, force=force, now=now, on_outcome=progress.outcome
        )
    _answer(report, _commands(name, store), as_json)


@click.command()
@_json
def version(as_json: bool) -> None:
    """Print the version of livecode and of Python."""
    versions = {"livecode": __version__, "python": platform.python_version()}
    click.echo(json.dumps(versions) if as_json else f"livecode {__version__}, Python {platform.python_version()}")


def report_exit_code(report: Report) -> int:
    """0 live or same, 1 refused or failed, 3 unknown."""
    if report.ok:
        return 0
    return UNKNOWN if report.verdict is Verdict.UNKNOWN else REFUSED_OR_FAILED


def _screen(as_json: bool) -> TerminalScreen | None:
    """Where progress is shown: nowhere if a program reads the answer."""
    return TerminalScreen() if sys.stdout.isatty() and not as_json else None


def _answer(report: Report, commands: Commands, as_json: bool) -> None:
    if as_json:
        click.echo(report.to_json())
    else:
        say(sheet_text(report_sheet(report, commands)))
    sys.exit(report_exit_code(report))


def _commands(name: str, store: str = "") -> Commands:
    more = "".join(f" {word}" for word in _store_words(store))
    return Commands(
        undo=f"livecode undo {name}{more}",
        status=f"livecode status {name}{more}",
        rerun=f"livecode push {name}{more} --rerun {{}}",
        drop=f"livecode drop {name}{more} {{}}",
    )


def _store_words(store: str) -> list[str]:
    return ["--store", without_password(store)] if store else []


def _service(name: str, store: str = "") -> Service:
    return attach(int(name) if name.isdigit() else name, store=store)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8 text: {error}") from error
