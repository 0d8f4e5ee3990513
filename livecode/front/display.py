"""What a watcher says while no cell runs: one output that is updated in a notebook, lines in a terminal."""

from __future__ import annotations

from collections import deque
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from livecode.front.watch import Watch
from livecode.model.html import sheet_html
from livecode.model.report import Report
from livecode.model.sheet import Note, Sheet
from livecode.model.wording import report_sheet

EVENTS_SHOWN = 30


class WatchLog:
    """The output below the cell that started a watch: newest last, updated as saves go live.

    Args:
        shell: A kernel's shell shows one output and updates it; a terminal's prints.
        title: The first line.
    """

    def __init__(self, shell: InteractiveShell, title: str) -> None:
        self.title = title
        self._said: deque[Report | str] = deque(maxlen=EVENTS_SHOWN)
        self._handle: Any = None
        if hasattr(shell, "kernel"):
            self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]
        else:
            print(title)

    def __call__(self, said: Report | str) -> None:
        """Adds what the watcher says; called in the watcher's thread."""
        self._said.append(said)
        if self._handle is None:
            print(said, flush=True)
        else:
            self._handle.update(self)

    def __str__(self) -> str:
        return "\n".join(map(str, (self.title, *self._said)))

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        return sheet_html(*map(_sheet, (self.title, *self._said)))


def ended(watch: Watch) -> str:
    """What is said when a watch was stopped."""
    count = len(watch.reports)
    return f"stopped watching {watch.folder}: {count} push{'es' * (count != 1)}"


def _sheet(said: Report | str) -> Sheet:
    return Sheet(None, (Note(said),)) if isinstance(said, str) else report_sheet(said)
