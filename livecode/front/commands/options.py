"""Arguments and options that commands share, and how JSON is printed: nothing here imports a service."""

from __future__ import annotations

import json
import os

import click

from livecode.front.commands.completing import module_names, service_names
from livecode.model.codec import to_plain

STORE_VARIABLE = "LIVECODE_STORE"

name_argument = click.argument("name", shell_complete=service_names)
modules_argument = click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=module_names)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why, for the history.")
store_option = click.option("--store", default="", metavar="URL", help="Where its workers report, if none is here.")
force_option = click.option("--force", is_flag=True, help="Also do what is refused for caution only.")


def print_json(value: object) -> None:
    """Prints a value of the model as one line of JSON."""
    click.echo(json.dumps(to_plain(value), ensure_ascii=False))


def store_of_environment() -> str:
    """The store that the environment names, which services follow that are started in it; empty for none."""
    return os.environ.get(STORE_VARIABLE, "")
