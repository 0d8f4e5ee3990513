"""Plain text on a terminal, with colours that repeat the words; elsewhere without any.

Colours are for terminals that are not dumb. NO_COLOR (https://no-color.org) turns them off, FORCE_COLOR
(https://force-color.org) on, also for a pipe; NO_COLOR wins.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from livecode.model.progress import shortened
from livecode.model.report import Report
from livecode.model.sheet import Sheet
from livecode.model.text import HeaderLine, sheet_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

_GLYPHS = {
    **dict.fromkeys("○◇●…", "cyan"),
    **dict.fromkeys("✖■", "red"),
    **dict.fromkeys("▲?", "yellow"),
    "✔": "green",
}
_MARKS = {"+": "green", "-": "red", "~": "yellow", "↻": "yellow", "!": "yellow", "=": "dim", "→": "bold"}
NEVER_FOLDED = 1 << 20
NOTHING: Mapping[str, str] = MappingProxyType({})


def is_terminal() -> bool:
    """True if what is printed can be drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """How wide the terminal is; 0 where nothing limits a line."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def show(sheet: Sheet, spoken: Mapping[str, str] = NOTHING) -> None:
    """Prints a sheet, as wide as the terminal.

    Args:
        sheet: What is said.
        spoken: What workers say to do → what is typed here: they speak to notebooks.
    """
    _print([_spoken(line, spoken) for line in sheet_lines(sheet, columns())])


def say(text: str) -> None:
    """Prints a text of livecode's; rich is imported only if it gets colours."""
    _print(text.splitlines())


def _spoken(line: str, spoken: Mapping[str, str]) -> str:
    for word, typed in spoken.items():
        if word in line:
            line = line.replace(word, typed)
    return line


def _print(lines: Sequence[str]) -> None:
    if not is_coloured():
        click.echo("\n".join(lines))
        return
    printer = console()
    for line in lines:
        printer.print(_line(line), soft_wrap=True)


def coloured(text: str) -> str:
    """A text of livecode's with the colours that it would be printed in; as it is, where none are wanted."""
    if not is_coloured():
        return text
    printer = console()
    with printer.capture() as captured:
        for line in text.splitlines():
            printer.print(_line(line), soft_wrap=True)
    return captured.get().removesuffix("\n")


def is_coloured() -> bool:
    """True if colours are wanted."""
    if os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("FORCE_COLOR", "0") not in ("", "0") or is_terminal()


def console() -> Console:
    """Rich's console, told what is decided here."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else NEVER_FOLDED
    coloured = is_coloured()
    return Console(
        highlight=False,
        width=width,
        force_terminal=coloured or None,
        color_system=("auto" if is_terminal() else "standard") if coloured else None,
        no_color=not coloured,
    )


class TerminalScreen:
    """Progress in place on a terminal; it makes room for the report that follows it."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def show(self, sheet: Sheet) -> None:
        """Draws the sheet over the one before."""
        live = self._started()
        rows = live.console.height - 2
        live.update(_lines(sheet_lines(shortened(sheet, rows), live.console.width)), refresh=True)

    def close(self, report: Report | None) -> None:
        """Removes it."""
        if self._live is not None:
            self._live.stop()

    def _started(self) -> Live:
        if self._live is None:
            from rich.live import Live

            self._live = Live(console=console(), auto_refresh=False, transient=True)
            self._live.start()
        return self._live


class StatusLine:
    """A sheet that stays at the bottom of a terminal while text scrolls above it. Any thread may call it."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(console=console(), auto_refresh=False, transient=True)
        self._live.start()

    def show(self, sheet: Sheet) -> None:
        """Draws the sheet over the one before."""
        self._live.update(_lines(sheet_lines(sheet, self._live.console.width)), refresh=True)

    def above(self, text: str) -> None:
        """Prints a text above the sheet."""
        for line in text.splitlines():
            self._live.console.print(_line(line), soft_wrap=True)

    def close(self) -> None:
        """Removes it."""
        self._live.stop()


def _lines(lines: Sequence[str]) -> Text:
    from rich.text import Text

    return Text("\n", no_wrap=True, overflow="crop").join(map(_line, lines))


def _line(line: str) -> Text:
    from rich.text import Text

    return Text(line, style=_style(line))


def _style(line: str) -> str:
    if isinstance(line, HeaderLine):
        return "bold"
    if line[:1] in _GLYPHS:
        return f"bold {_GLYPHS[line[0]]}"
    mark, space, _ = line.strip().partition(" ")
    if mark and not mark.strip("^"):
        return "red"
    return _MARKS.get(mark, "") if space else ""
