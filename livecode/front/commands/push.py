"""`livecode push`: what changes a service."""

from __future__ import annotations

import shlex

import click

from livecode.fleet.service import Service
from livecode.front.commands.common import (
    answer,
    commands,
    force_option,
    interruptible,
    json_option,
    modules_argument,
    name_argument,
    reason_option,
    screen,
    service_named,
    store_option,
    store_words,
)
from livecode.front.commands.completing import STANDARD_INPUT
from livecode.front.commands.reading import given_modules, given_source
from livecode.front.policy import CANARY_HELP, FOR_HELP, MIXED_HELP, Typed
from livecode.front.push import PushRequest
from livecode.front.push import push as push_request
from livecode.front.sources import file_item, module_items
from livecode.model.nouns import ModuleSource


@click.command()
@name_argument
@modules_argument
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
    """Push MODULE... into the service NAME (or pid), from their files, as one transaction.

    \b
    livecode push shop shop.pricing       from its file
    livecode push shop shop.pricing -     from standard input
    livecode push shop -                  several from standard input: {"shop.pricing": "source", "shop.old": null}
    """
    named = tuple(module for module in modules if module != STANDARD_INPUT)
    if STANDARD_INPUT in modules:
        if file or len(named) > 1 or modules[-1] != STANDARD_INPUT or modules.count(STANDARD_INPUT) > 1:
            raise click.UsageError("- stands last, behind one MODULE or none, and without --file")
        file = STANDARD_INPUT
    if not named and not rerun and not file:
        raise click.UsageError("name a MODULE to push, or --rerun MODULE.NAME")
    if file and len(named) != 1 and STANDARD_INPUT not in modules:
        raise click.UsageError(f"--file is the source of one module, not of {len(named)}")
    typed = Typed(canary, for_s, mixed)
    policy, service = typed.policy, service_named(name, store)
    again = ["livecode push", shlex.quote(name), *modules]
    again += [*(["--file", shlex.quote(file)] if file and STANDARD_INPUT not in modules else []), *typed.words]
    again += [*(["--force"] * force), *store_words(store)]
    request = PushRequest(
        _items(named, file, service), "", reason, force, dry_run, safe_part, " ".join(again), rerun, policy
    )
    with interruptible(service, "the push"):
        report = push_request(request, service, screen(as_json))
    answer(report, commands(name, store), as_json)


def _items(modules: tuple[str, ...], file: str | None, service: Service) -> tuple[ModuleSource, ...]:
    """What is pushed: from standard input, from a file that was named, or from the modules' own files."""
    if file == STANDARD_INPUT:
        return (given_source(modules[0]),) if modules else given_modules()
    return (file_item(modules[0], file),) if file else module_items(modules, service)
