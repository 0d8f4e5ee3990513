"""What a watcher says while no cell runs: one output that is updated in a notebook, lines in a terminal."""

from __future__ import annotations

from collections import deque
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from livecode.front.views import View
from livecode.front.watching.watch import Watch
from livecode.model.html import sheet_html
from livecode.model.report import Report
from livecode.model.sheet import Note, Sheet
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet

EVENTS_SHOWN = 30

STOP = "%hotwatch --stop"


class WatchLog:
    """The output below the cell that started a watch: its state, then what it said, updated as saves go live.

    Args:
        shell: A kernel's shell shows one output and updates it; a terminal's prints.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._in_notebook = hasattr(shell, "kernel")
        self._said: deque[Report | str] = deque(maxlen=EVENTS_SHOWN)
        self._watch: Watch | None = None
        self._handle: Any = None

    def begin(self, watch: Watch) -> None:
        """Shows what is watched, from now on."""
        self._watch = watch
        if self._in_notebook:
            self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]
        else:
            print(self)

    def __call__(self, said: Report | str) -> None:
        """Adds what the watcher says; called in the watcher's thread."""
        self._said.append(said)
        if not self._in_notebook:
            print(said, flush=True)

    def update(self, _watch: Watch | None = None) -> None:
        """Shows what it is now; called in the watcher's thread after each batch, and at the end."""
        if self._handle is not None:
            self._handle.update(self)

    def __str__(self) -> str:
        return "\n".join(sheet_text(each) for each in self._sheets())

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        return sheet_html(*self._sheets())

    def _sheets(self) -> list[Sheet]:
        state = [self._watch.sheet(STOP)] if self._watch is not None else []
        return [*state, *map(_sheet, self._said)]


class NotebookScreen:
    """Progress in one output of a notebook, which becomes the report: the cell does not show that once more.

    Args:
        shell: The kernel's shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._handle: Any = None
        self._settled: Report | None = None

    def show(self, sheet: Sheet) -> None:
        """Draws the sheet in place of the one before."""
        if self._handle is None:
            self._handle = display(View(sheet), display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(View(sheet))

    def close(self, report: Report | None) -> None:
        """Leaves the report, or that there is none."""
        if self._handle is None:
            return
        self._handle.update(View(Sheet(None, (Note("it ended with an error"),))) if report is None else report)
        if report is not None:
            self._settled = report
            self._formatter.for_type(Report, self._skip)
            self._shell.events.register("post_run_cell", self._forget)

    @property
    def _formatter(self) -> Any:
        formatter: Any = self._shell.display_formatter
        return formatter.ipython_display_formatter

    def _skip(self, report: Report) -> None:
        """Shows nothing for the report that is shown already; others are shown as ever."""
        if report is not self._settled:
            raise NotImplementedError

    def _forget(self, *_: object) -> None:
        """The cell is over: from now on this report, too, is shown wherever somebody asks for it."""
        self._formatter.pop(Report, None)
        self._shell.events.unregister("post_run_cell", self._forget)


def ended(watch: Watch) -> str:
    """What is said when a watch was stopped."""
    count = len(watch.reports)
    return f"stopped watching {watch.folder}: {count} push{'es' * (count != 1)}"


def _sheet(said: Report | str) -> Sheet:
    return Sheet(None, (Note(said),)) if isinstance(said, str) else report_sheet(said)
