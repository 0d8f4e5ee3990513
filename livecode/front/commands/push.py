"""`livecode push` and `undo`: what changes a service."""

from __future__ import annotations

import shlex
import sys

import click

from livecode.front.commands.common import (
    answer,
    commands,
    force_option,
    json_option,
    reason_option,
    screen,
    service_named,
    store_option,
    store_words,
)
from livecode.front.policy import CANARY_HELP, FOR_HELP, MIXED_HELP, NOW_HELP, Typed
from livecode.front.progress import followed
from livecode.front.push import PushRequest, default_author, file_item, module_items
from livecode.front.push import push as push_request
from livecode.model.nouns import ModuleSource


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
@reason_option
@force_option
@store_option
@json_option
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
    policy, service = typed.policy, service_named(name, store)
    if file == "-":
        items: tuple[ModuleSource, ...] = (ModuleSource(modules[0], _standard_input(), "standard input"),)
    else:
        items = (file_item(modules[0], file),) if file else module_items(modules, service)
    again = ["livecode push", shlex.quote(name), *modules, *(["--file", file] if file else []), *typed.words]
    again += [*(["--force"] * force), *store_words(store)]
    request = PushRequest(items, "", reason, force, dry_run, safe_part, " ".join(again), rerun, policy)
    answer(push_request(request, service, screen(as_json)), commands(name, store), as_json)


@click.command()
@click.argument("name")
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
@click.option("--to", type=int, metavar="VERSION", help="Go back to this version of the one MODULE.")
@click.option("--now", is_flag=True, help=NOW_HELP)
@reason_option
@force_option
@store_option
@json_option
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
    service, author = service_named(name, store), default_author()
    with followed(screen(as_json), modules) as progress:
        progress.report = report = service.undo(
            *modules, to=to, author=author, reason=reason, force=force, now=now, on_outcome=progress.outcome
        )
    answer(report, commands(name, store), as_json)


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8 text: {error}") from error
