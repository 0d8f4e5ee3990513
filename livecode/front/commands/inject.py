"""`livecode inject`: a door for a process that never imported livecode."""

from __future__ import annotations

import json

import click

from livecode.front.commands.common import json_option
from livecode.front.terminal import say
from livecode.model.codec import to_plain
from livecode.program.inject import PATIENCE_S, Entered
from livecode.program.inject import inject as enter


@click.command()
@click.argument("pid", type=click.IntRange(min=1))
@click.option(
    "--name", default="", metavar="NAME", help="Of the service; by default, what its script or folder is called."
)
@click.option("--timeout", type=click.FloatRange(min=0), default=PATIENCE_S, show_default=True, metavar="SECONDS")
@json_option
def inject(pid: int, name: str, timeout: float, as_json: bool) -> None:
    """Open a door in the running process PID, which knows nothing of livecode: Python 3.14 or later.

    It happens between two instructions of its main thread. If that does not come by within --timeout, as it waits or
    runs C code, nothing is changed. The process must be yours, or you root; what is needed beyond that is said.
    """
    entered = enter(pid, name, timeout)
    if as_json:
        click.echo(json.dumps(to_plain(entered), ensure_ascii=False))
    else:
        say(_words(entered))


def _words(entered: Entered) -> str:
    """What is said of a process that has a door now."""
    first = f"● LISTENING  {entered.service}  pid {entered.pid}  Python {entered.python}"
    if not entered.path:
        return f"{first}  its children have a door each\n  look: livecode ps {entered.service}"
    if not entered.known:
        return f"{first}\n  ! its door is {entered.path}: set LIVECODE_DIR to that folder, as its user, to find it"
    return f"{first}\n  push: livecode push {entered.service} MODULE      look: livecode status {entered.service}"
