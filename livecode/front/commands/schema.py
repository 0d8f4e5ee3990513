"""`livecode schema`: what programs can rely on."""

from __future__ import annotations

import json

import click

from livecode.front.nearest import did_you_mean
from livecode.front.schemas import OUTPUTS
from livecode.front.schemas import schema as schema_of


def _commands(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in OUTPUTS if name.startswith(incomplete)]


@click.command()
@click.argument("command", required=False, shell_complete=_commands)
@click.option("--json", "_as_json", is_flag=True, help="It is JSON anyway; this puts it on one line.")
def schema(command: str | None, _as_json: bool) -> None:
    """Print the JSON Schema (2020-12) of what COMMAND prints with --json; without COMMAND, of all, by name.

    An error is {"error": {"kind": ..., "message": ..., "exit_code": ...}} on standard output, in every command.
    """
    if command is not None and command not in OUTPUTS:
        raise click.UsageError(
            f"{command} prints no JSON; these do: {', '.join(OUTPUTS)}{did_you_mean(command, OUTPUTS)}"
        )
    found = schema_of(command) if command is not None else {name: schema_of(name) for name in OUTPUTS}
    click.echo(json.dumps(found, indent=None if _as_json else 2, ensure_ascii=False))
