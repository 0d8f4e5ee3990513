"""`livecode mcp`: services for an agent, over the Model Context Protocol."""

from __future__ import annotations

import sys

import click

from livecode.errors import MissingExtraError
from livecode.front.agents.desk import Rules
from livecode.front.commands.common import store_option


@click.command()
@click.option("--service", "addresses", multiple=True, metavar="NAME", help="Speak of this service only; repeatable.")
@click.option("--allow-push", "may_push", is_flag=True, help="Offer push and undo, where the service allows them.")
@click.option("--approved-only", is_flag=True, help="With --allow-push: only what a person approved in a terminal.")
@store_option
def mcp(addresses: tuple[str, ...], may_push: bool, approved_only: bool, store: str) -> None:
    """Let an agent work with running services, over the Model Context Protocol on standard input and output.

    An agent's program starts it. It only reads, unless --allow-push says otherwise; what a service lets agents do is
    up to the service: livecode.listen("shop", agents="read"), "approved", "push" or "none". NAME is a name, a process
    id or a URL, as for the other commands.
    """
    if approved_only and not may_push:
        raise click.UsageError("--approved-only says which pushes are allowed, so it needs --allow-push")
    if store and not addresses:
        raise click.UsageError("--store may be that of many services: name them with --service")
    try:
        from livecode.front.agents.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise MissingExtraError("livecode mcp", "mcp", "mcp") from error
    if sys.stdin.isatty():
        click.echo("livecode mcp is started by an agent's program: see the README. Ctrl-D ends it.", err=True)
    serve(Rules(addresses, store, may_push, approved_only))
