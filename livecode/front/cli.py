"""The `livecode` command. Subcommands are imported when they are called: ``livecode --help`` stays instant.

Exit codes: 0 live or same, 1 refused or failed, 2 misuse, 3 unknown (a worker did not answer).
"""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from livecode import __version__
from livecode.errors import LivecodeError, MissingExtraError, ServiceNotFoundError, UsageError, WorkerLostError

REFUSED_OR_FAILED, MISUSE, UNKNOWN = 1, 2, 3

COMMANDS: dict[str, tuple[str, str]] = {
    "approve": ("livecode.front.commands.approve", "Show what agents want to push, and allow it."),
    "demo": ("livecode.demo.command", "Push code into a running shop, from a notebook, while you watch."),
    "drop": ("livecode.front.commands.log", "Remove patches from the log of a service, such as stale ones."),
    "kernel": ("livecode.front.commands.kernel", "Notebooks inside a running service, and its card in launchers."),
    "log": ("livecode.front.commands.log", "Show who pushed what to a service, when, why, and what became of it."),
    "mcp": ("livecode.front.commands.mcp", "Let an agent work with services: a Model Context Protocol server."),
    "ps": ("livecode.front.commands.look", "List the services of this user, and their workers."),
    "push": ("livecode.front.commands.push", "Push a module from its file, another file, or standard input."),
    "relay": ("livecode.front.commands.relay", "Act here for somebody elsewhere; ssh, docker and kubectl start it."),
    "status": ("livecode.front.commands.look", "Show what a service runs, by module and worker."),
    "undo": ("livecode.front.commands.push", "Bring back what ran before the last push."),
    "version": ("livecode.front.commands.look", "Print the version of livecode and of Python."),
    "watch": ("livecode.front.commands.watch", "Push what is saved under a folder, until Ctrl-C."),
}
"""Name → (module that holds the command under that name, its one line of help)."""


class LazyGroup(click.Group):
    """A group that knows names and help of its commands without importing them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command itself, imported now."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[name][0]), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; what livecode raises becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except LivecodeError as error:
            click.echo(f"livecode: {error}", err=True)
            ctx.exit(exit_code(error))


def exit_code(error: LivecodeError) -> int:
    """The exit code of an error that ends a command."""
    if isinstance(error, UsageError | ServiceNotFoundError | MissingExtraError):
        return MISUSE
    return UNKNOWN if isinstance(error, WorkerLostError) else REFUSED_OR_FAILED


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="livecode")
def livecode() -> None:
    """Edit a running Python service: no restart, no dropped connection, no lost state.

    A service opens its door with livecode.listen("shop"). One elsewhere is named by a URL, in every command:
    ssh://host/shop, docker://container/shop, kubectl://pod/shop. Exit codes: 0 live or same, 1 refused or failed,
    2 misuse, 3 unknown.
    """


def main() -> None:
    """Entry point of the `livecode` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Latin-1 terminal gets `?` for a glyph, not a traceback
    livecode()
