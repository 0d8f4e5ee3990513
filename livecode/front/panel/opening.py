"""``%hotpanel``: shows the panel, or the table that stands for it where there are no widgets.

A cell has two outputs. The first is the table: it is what a notebook shows that is opened without a kernel, on a web
page, or where widgets are not known; a live panel hides it, and keeps it up to date with each push. The second is the
panel.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Sequence
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from livecode.errors import MissingExtraError
from livecode.fleet.service import Service
from livecode.front.panel.deeds import Asked
from livecode.front.panel.look import look_at
from livecode.front.panel.plain import Look
from livecode.front.panel.watcher import Watcher
from livecode.front.views import View
from livecode.model.html import sheet_html
from livecode.model.overview import status_sheet
from livecode.model.pushes import log_sheet
from livecode.model.sheet import Note, Sheet
from livecode.model.text import sheet_text

PUSHES_IN_TABLE = 5
NO_COMPLAINT = (
    ".jp-OutputArea-child:has(.livecode-table)+.jp-OutputArea-child:has(>.jupyter-widgets.jp-OutputArea-output)"
    "{display:none}"
)
"""JupyterLab's "Error displaying widget: model not found", where the table stands for the widget of an ended kernel."""
IN_A_TERMINAL = "a live panel needs a notebook; %hotpanel again looks anew"


class Panels:
    """The panel of a notebook: there is one at a time, which may be shown in several places.

    Args:
        shell: The notebook's.
        author: Who presses its buttons.
    """

    def __init__(self, shell: InteractiveShell, author: Callable[[], str]) -> None:
        self._shell, self._author = shell, author
        self._open: Panel | None = None

    def show(self, service: Service) -> View | None:
        """Shows the panel of a service below the cell; else the table, and how to get the panel."""
        look = look_at(service)
        if not hasattr(self._shell, "kernel"):
            return TableView(table(look, IN_A_TERMINAL))
        try:
            panel = self._open or Panel(service, self._author, look)
        except MissingExtraError as error:
            return TableView(table(look, str(error)))
        self._open = panel
        panel.display()
        return None

    def close(self, why: str) -> None:
        """Ends the panel, which says why; its table stays."""
        panel, self._open = self._open, None
        if panel is not None:
            panel.close(why)


class TableView(View):
    """What was seen, as it stands where there is no live panel."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        super().__init__(sheets[0])
        self._sheets = tuple(sheets)

    def __str__(self) -> str:
        return "\n".join(map(sheet_text, self._sheets))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return sheet_html(*self._sheets)


class Panel:
    """One widget, with the thread behind it and the table that stands for it.

    Raises:
        MissingExtraError: anywidget is not installed.
    """

    def __init__(self, service: Service, author: Callable[[], str], look: Look) -> None:
        try:
            from livecode.front.panel.widget import PanelWidget
        except ImportError as error:
            raise MissingExtraError("a live panel", "anywidget", "panel") from error
        self.widget = PanelWidget()
        self.watcher = Watcher(service, author, self)
        self._look, self._table = look, f"livecode-{self.widget.model_id}"
        self.widget.stand_in = self._table
        self.show(look, time.time())
        self.widget.watch(self.watcher)
        self.watcher.start(look)
        self._displayed = False
        atexit.register(self.watcher.stop)

    def display(self) -> None:
        """Shows it, with its table, below the cell."""
        self._displayed = True
        display(self._bundle(), raw=True, display_id=self._table)  # type: ignore[no-untyped-call]
        display(self.widget)  # type: ignore[no-untyped-call]

    def close(self, why: str) -> None:
        """Ends its thread."""
        atexit.unregister(self.watcher.stop)
        self.watcher.stop()
        self.widget.ended = why
        self._update_table()

    def show(self, look: Look, at: float) -> None:
        """Shows what was seen; the table follows when something was pushed."""
        before, self._look = self._look, look
        self.widget.show(look, at)
        if look.pushes != before.pushes:
            self._update_table()

    def say(self, asked: Asked, sheet: Sheet) -> None:
        """Shows what became of a deed."""
        self.widget.say(asked, sheet)

    def _update_table(self) -> None:
        if self._displayed:
            display(self._bundle(), raw=True, display_id=self._table, update=True)  # type: ignore[no-untyped-call]

    def _bundle(self) -> dict[str, Any]:
        view = TableView(table(self._look))
        html = f"<div class='livecode-table {self._table}'><style>{NO_COMPLAINT}</style>{view._repr_html_()}</div>"
        return {"text/plain": str(view), "text/html": html}


def table(look: Look, note: str = "") -> tuple[Sheet, ...]:
    """The status, the last pushes, and a note."""
    sheets = [status_sheet(look.statuses, time.time())]
    if look.pushes:
        sheets.append(log_sheet(look.pushes[:PUSHES_IN_TABLE], look.service, time.time()))
    if note:
        sheets.append(Sheet(None, (Note(note),)))
    return tuple(sheets)
