"""The `livecode` command. Subcommands are imported when they are called: ``livecode --help`` stays instant.

Exit codes: 0 live or same, 1 refused or failed, 2 misuse, 3 unknown (a worker did not answer).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from livecode import __version__
from livecode.front.ending import EXIT_CODES, ended, exit_code
from livecode.front.ending import MISUSE as MISUSE
from livecode.front.ending import REFUSED_OR_FAILED as REFUSED_OR_FAILED
from livecode.front.ending import UNKNOWN as UNKNOWN
from livecode.front.nearest import did_you_mean

__all__ = ["COMMANDS", "MISUSE", "REFUSED_OR_FAILED", "UNKNOWN", "exit_code", "livecode", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "approve": ("livecode.front.commands.approve", "Show what agents want to push, and allow it."),
    "attach": ("livecode.front.commands.look", "Say what a service is, and whether what it runs is on disk."),
    "completion": ("livecode.front.commands.completion", "Print what makes a shell complete names after Tab."),
    "demo": ("livecode.demo.command", "Push code into a running shop, from a notebook, while you watch."),
    "diff": ("livecode.front.commands.diff", "Show how what runs differs from disk, a version, or other workers."),
    "drop": ("livecode.front.commands.log", "Remove patches from the log of a service, such as stale ones."),
    "eval": ("livecode.front.commands.evaluate", "Evaluate an expression in a service."),
    "inject": ("livecode.front.commands.inject", "Open a door in a process that knows nothing of livecode (3.14+)."),
    "kernel": ("livecode.front.commands.kernel", "Notebooks inside a running service, and its card in launchers."),
    "keygen": ("livecode.front.commands.keygen", "Make a token for the HTTP endpoint, and say where it goes."),
    "log": ("livecode.front.commands.log", "Show who pushed what to a service, when, why, and what became of it."),
    "mcp": ("livecode.front.commands.mcp", "Let an agent work with services: a Model Context Protocol server."),
    "ps": ("livecode.front.commands.ps", "List the services of this user, and those of stores and other machines."),
    "push": ("livecode.front.commands.push", "Push a module from its file, another file, or standard input."),
    "relay": ("livecode.front.commands.relay", "Act here for somebody elsewhere; ssh, docker and kubectl start it."),
    "run": ("livecode.front.commands.run", "Run a program, unchanged, as a service that takes pushes."),
    "save": ("livecode.front.commands.save", "Write what runs to its files, all of it or nothing."),
    "schema": ("livecode.front.commands.schema", "Print the JSON schema of what a command prints with --json."),
    "status": ("livecode.front.commands.look", "Show what a service runs, by module and worker."),
    "undo": ("livecode.front.commands.undo", "Bring back what ran before the last push."),
    "unload": ("livecode.front.commands.unload", "Take modules out of a service; says who still holds them."),
    "version": ("livecode.front.commands.look", "Print the version of livecode and of Python."),
    "watch": ("livecode.front.commands.watch", "Push what is saved under a folder, until Ctrl-C."),
}
"""Name → (module that holds the command under that name, its one line of help)."""

COMPLETE_VARIABLE = "_LIVECODE_COMPLETE"
"""How a shell asks for completions, by click's convention."""


class LazyGroup(click.Group):
    """A group that knows names and help of its commands without importing them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command itself, imported now."""
        if name not in COMMANDS:
            return None
        home = import_module(COMMANDS[name][0])
        command: click.Command = getattr(home, f"{name}_command", None) or getattr(home, name)
        command.epilog = command.epilog or EXIT_CODES
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; the one that may have been meant is named."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"No such command {args[0]!r}{did_you_mean(args[0], list(COMMANDS))}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command; what livecode raises becomes one line, or JSON, and an exit code."""
        typed = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(typed, prog_name, complete_var, False, **extra)
        sys.exit(ended(lambda: self._run(typed, prog_name or "livecode", extra), as_json="--json" in typed))

    def _run(self, typed: list[str], prog_name: str, extra: dict[str, Any]) -> None:
        """Runs what was typed, or completes it; click's own `main` would take a closed pipe for a failure."""
        if instruction := os.environ.get(COMPLETE_VARIABLE):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(self, extra, prog_name, COMPLETE_VARIABLE, instruction))
        with self.make_context(prog_name, typed, **extra) as ctx:
            self.invoke(ctx)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="livecode")
def livecode() -> None:
    """Edit a running Python service: no restart, no dropped connection, no lost state.

    A service opens its door with livecode.listen("shop"). One elsewhere is named by a URL, in every command:
    ssh://host/shop, docker://container/shop, kubectl://pod/shop. Exit codes: 0 live or same, 1 refused or failed,
    2 misuse, 3 unknown, 130 interrupted. With --json, what is printed follows the schema that `livecode schema` prints.
    """


def main() -> None:
    """Entry point of the `livecode` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Latin-1 terminal gets `?` for a glyph, not a traceback
    livecode(prog_name="livecode")
