"""`livecode save`: what runs is written to its files."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from livecode.front.commands.common import (
    commands,
    json_option,
    meant,
    modules_argument,
    name_argument,
    reason_option,
    service_named,
    spoken,
    store_option,
    store_words,
)
from livecode.front.ending import REFUSED_OR_FAILED, UNKNOWN, reader_may_leave
from livecode.front.saving import SaveRequest
from livecode.front.saving import save as save_request
from livecode.front.terminal import show
from livecode.model.save_words import save_sheet
from livecode.model.saving import SaveVerdict


@click.command()
@name_argument
@modules_argument
@click.option("--all", "every", is_flag=True, help="All modules that differ from disk.")
@click.option("--file", default="", metavar="F", help="Where the one MODULE belongs, if it could be in several places.")
@click.option("--force", is_flag=True, help="Also write over a file that somebody else changed or removed.")
@reason_option
@store_option
@json_option
def save(
    name: str,
    modules: tuple[str, ...],
    every: bool,
    file: str,
    force: bool,
    reason: str,
    store: str,
    as_json: bool,
) -> None:
    """Write what the service NAME runs of MODULE... to their files, all of it or nothing."""
    again = " ".join(["livecode save", name, "--all", *store_words(store)])
    request = SaveRequest(modules, every, file, force, reason=reason)
    service, typed = service_named(name, store), commands(name, store)
    report = save_request(request, service, again)
    with reader_may_leave():
        if as_json:
            click.echo(report.to_json())
        else:
            sheet = save_sheet(report, typed)
            notes = () if report.ok else meant(service, (file.module for file in report.files))
            show(replace(sheet, items=(*sheet.items, *notes)), spoken(typed))
    if not report.ok:
        sys.exit(UNKNOWN if report.verdict is SaveVerdict.UNKNOWN else REFUSED_OR_FAILED)
