"""Differences on a terminal: coloured, with the words picked out that changed; elsewhere a plain unified diff."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from livecode.front.terminal import console, is_coloured, show
from livecode.model.difference import Difference, Span, difference_lines, difference_sheet
from livecode.model.sheet import Diff, Sheet

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"+": "green", "-": "red", "@": "cyan", "\\": "dim"}
_ESCAPE = {27: "␛"}
"""What is compared must not steer the terminal that it is shown on."""


def say_differences(differences: Sequence[Difference]) -> None:
    """Prints them; nothing of those that are the same, if it does not go to a terminal."""
    if is_coloured() or sys.stdout.isatty():
        for difference in differences:
            _say_coloured(difference)
        return
    for difference in differences:
        if not difference.is_same:
            click.echo("\n".join(text for text, _ in difference_lines(difference)))


def _say_coloured(difference: Difference) -> None:
    sheet = difference_sheet(difference)
    show(Sheet(sheet.head, tuple(item for item in sheet.items if not isinstance(item, Diff))))
    printer = console()
    for number, (text, changed) in enumerate(() if difference.is_same else difference_lines(difference)):
        printer.print(_line(text, changed, is_name=number < 2), soft_wrap=True)


def _line(text: str, changed: Sequence[Span], *, is_name: bool) -> Text:
    from rich.text import Text

    line = Text(text.translate(_ESCAPE), style="bold" if is_name else _STYLES.get(text[:1], ""))
    for start, end in changed:
        line.stylize("bold reverse", start, end)
    return line
