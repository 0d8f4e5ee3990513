"""Plain text on a terminal, with colours that repeat the words; elsewhere without any."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from livecode.model.report import Report
from livecode.model.sheet import Sheet
from livecode.model.text import sheet_text

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_GLYPHS = {
    **dict.fromkeys("○◇●…", "cyan"),
    **dict.fromkeys("✖■", "red"),
    **dict.fromkeys("▲?", "yellow"),
    "✔": "green",
}
_MARKS = {"+": "green", "-": "red", "~": "yellow", "↻": "yellow", "!": "yellow", "=": "dim", "→": "bold"}


def say(text: str) -> None:
    """Prints a text of livecode's; rich is imported only if it goes to a terminal."""
    if not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.console import Console

    console = Console(highlight=False)
    for line in text.splitlines():
        console.print(_line(line), soft_wrap=True)


class TerminalScreen:
    """Progress in place on a terminal; it makes room for the report that follows it."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def show(self, sheet: Sheet) -> None:
        """Draws the sheet over the one before."""
        self._started().update(_lines(sheet_text(sheet)), refresh=True)

    def close(self, report: Report | None) -> None:
        """Removes it."""
        if self._live is not None:
            self._live.stop()

    def _started(self) -> Live:
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(highlight=False), auto_refresh=False, transient=True)
            self._live.start()
        return self._live


class StatusLine:
    """A sheet that stays at the bottom of a terminal while text scrolls above it. Any thread may call it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(highlight=False), auto_refresh=False, transient=True)
        self._live.start()

    def show(self, sheet: Sheet) -> None:
        """Draws the sheet over the one before."""
        self._live.update(_lines(sheet_text(sheet)), refresh=True)

    def above(self, text: str) -> None:
        """Prints a text above the sheet."""
        for line in text.splitlines():
            self._live.console.print(_line(line), soft_wrap=True)

    def close(self) -> None:
        """Removes it."""
        self._live.stop()


def _lines(text: str) -> Text:
    from rich.text import Text

    return Text("\n", no_wrap=True, overflow="crop").join(map(_line, text.splitlines()))


def _line(line: str) -> Text:
    from rich.text import Text

    return Text(line, style=_style(line))


def _style(line: str) -> str:
    if line[:1] in _GLYPHS:
        return f"bold {_GLYPHS[line[0]]}"
    mark, space, _ = line.strip().partition(" ")
    return _MARKS.get(mark, "") if space else ""
