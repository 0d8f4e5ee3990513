"""Plain text on a terminal, with colours that repeat the words; elsewhere without any."""

from __future__ import annotations

import sys

import click

_GLYPHS = {"✔": "green", "○": "cyan", "◇": "cyan", "●": "cyan", "✖": "red", "■": "red", "▲": "yellow", "?": "yellow"}
_MARKS = {"+": "green", "-": "red", "~": "yellow", "↻": "yellow", "!": "yellow", "=": "dim", "→": "bold"}


def say(text: str) -> None:
    """Prints a text of livecode's; rich is imported only if it goes to a terminal."""
    if not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in text.splitlines():
        console.print(Text(line, style=_style(line)), soft_wrap=True)


def _style(line: str) -> str:
    if line[:1] in _GLYPHS:
        return f"bold {_GLYPHS[line[0]]}"
    mark, space, _ = line.strip().partition(" ")
    return _MARKS.get(mark, "") if space else ""
