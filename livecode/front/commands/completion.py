"""`livecode completion`: what a shell reads to complete the command, made by click."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete services, modules, workers and versions after Tab.

    \b
    bash   eval "$(livecode completion bash)" in ~/.bashrc (bash 4.4 or newer)
    zsh    eval "$(livecode completion zsh)" in ~/.zshrc, below compinit
    fish   livecode completion fish > ~/.config/fish/completions/livecode.fish
    """
    from livecode.front.cli import COMPLETE_VARIABLE, livecode

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click has no completion for {shell}")
    script = made(livecode, {}, "livecode", COMPLETE_VARIABLE)
    click.echo(script.source_template % script.source_vars())  # `source` would ask bash for its version first
