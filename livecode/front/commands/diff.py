"""`livecode diff`: what runs against what is on disk, against a version, between workers."""

from __future__ import annotations

import json
import sys

import click

from livecode.front.coloured import say_differences
from livecode.front.commands.common import json_option, modules_argument, name_argument, service_named, store_option
from livecode.front.differences import DiffRequest, differences, patch_text
from livecode.front.ending import reader_may_leave
from livecode.front.terminal import say
from livecode.model.codec import to_plain

DIFFERS = 1


@click.command()
@name_argument
@modules_argument
@click.option("--from", "older", type=int, metavar="VERSION", help="Compare this version of the one MODULE …")
@click.option("--to", "newer", type=int, metavar="VERSION", help="… with this one; either alone with what runs.")
@click.option("--workers", "between_workers", is_flag=True, help="What some workers run, against what others do.")
@click.option("--patch", "as_patch", is_flag=True, help="Print what `git apply` takes, in the files' own encoding.")
@click.option("-U", "--unified", "context", type=click.IntRange(min=0), default=3, show_default=True, metavar="N")
@click.option("--exit-code", "tells", is_flag=True, help="Exit with 1 if anything differs, as `git diff` does.")
@store_option
@json_option
def diff(
    name: str,
    modules: tuple[str, ...],
    older: int | None,
    newer: int | None,
    between_workers: bool,
    as_patch: bool,
    context: int,
    tells: bool,
    store: str,
    as_json: bool,
) -> None:
    """Show how what the service NAME runs of MODULE... differs from disk; without MODULE, of all that differ."""
    if as_patch and as_json:
        raise click.UsageError("--patch or --json, not both")
    request = DiffRequest(modules, older, newer, between_workers, context)
    service = service_named(name, store)
    if as_patch:
        patch = patch_text(request, service)
        with reader_may_leave():
            sys.stdout.buffer.write(patch)
        sys.exit(DIFFERS if tells and patch else 0)
    found = differences(request, service)
    with reader_may_leave():
        if as_json:
            click.echo(json.dumps([{"same": each.is_same, **to_plain(each)} for each in found], ensure_ascii=False))
        elif found:
            say_differences(found)
        elif sys.stdout.isatty():
            say(f"○ SAME  {name}  " + ("all workers run the same" if between_workers else "nothing differs from disk"))
    sys.exit(DIFFERS if tells and not all(each.is_same for each in found) else 0)
