"""The magics, each with ``--help`` and ``?``; what a family of them takes and does is in a room of its own."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display
from traitlets import Float, Int, Unicode

from livecode.errors import UsageError
from livecode.fleet.chosen import EVALUATION_S
from livecode.fleet.service import Service, attach, here
from livecode.front.arguments import verb
from livecode.front.attach_magics import ATTACH_ARGUMENTS, attached
from livecode.front.disk_magics import DIFF_ARGUMENTS, SAVE_ARGUMENTS, diff_view, saved
from livecode.front.display import NotebookScreen
from livecode.front.eval_magics import EVAL_ARGUMENTS, Habits, eval_words, evaluated
from livecode.front.evaluate import MAX_TIMEOUT_S
from livecode.front.evaluated_view import EvaluatedView
from livecode.front.log_magics import LOG_ARGUMENTS, dropped, log_view
from livecode.front.panel.opening import Panels
from livecode.front.progress import Screen
from livecode.front.push import default_author
from livecode.front.push_magics import (
    MODULES,
    PUSH_ARGUMENTS,
    REASON,
    UNDO_ARGUMENTS,
    UNLOAD_ARGUMENTS,
    Cell,
    Desk,
    pushed,
    undone,
)
from livecode.front.terminal import TerminalScreen
from livecode.front.views import AttachedView, DiffView, LogView, StatusView, View
from livecode.front.watch_magics import WATCH_ARGUMENTS, Watching
from livecode.live.tracking import folders
from livecode.model.report import Report
from livecode.model.saving import SaveReport


@magics_class
class LivecodeMagics(Magics):
    """Pushes code into running services, or into this process where no service is attached."""

    author = Unicode("", help="Who pushes, for the history. Empty stands for user@host.").tag(config=True)
    context_lines = Int(3, min=0, help="Unchanged lines around each change in %hotdiff.").tag(config=True)
    eval_workers = Unicode("", help="Whom %hoteval asks: w1, w3; * for all. Empty for the first one.").tag(config=True)
    eval_timeout_s = Float(EVALUATION_S, min=0.001, max=MAX_TIMEOUT_S, help="Seconds that %hoteval waits.").tag(
        config=True
    )

    def __init__(self, shell: InteractiveShell, **traits: Any) -> None:
        super().__init__(shell, **traits)
        self._shell = shell
        self._service: Service | None = None
        self.watching = Watching(shell)
        self.panels = Panels(shell, lambda: self._author)
        self.tracked: tuple[str, ...] = ()

    @property
    def target(self) -> Service:
        """The attached service, else this process."""
        return self._service or here()

    @property
    def parsers(self) -> dict[str, ArgumentParser]:
        """The argument parser of each magic."""
        return {name: method.parser for name, method in self.magics["line"].items()}

    @line_magic
    @verb(*ATTACH_ARGUMENTS)
    def hotattach(self, args: Namespace) -> AttachedView:
        """Attach this notebook to a running service; from then on the magics act on it."""
        service = attached(args)
        view = AttachedView(service.status(), time.time())
        self.close()
        self._service = service
        return view

    @line_magic
    @verb()
    def hotdetach(self, _args: Namespace) -> None:
        """Leave the attached service; it does not notice, and what was pushed stays."""
        if self._service is None:
            raise UsageError("not attached: the magics act on this process; %hotattach NAME attaches")
        name = self._service.name
        self.close()
        print(f"detached from {name}: what was pushed stays live there")

    @line_cell_magic
    @verb(*PUSH_ARGUMENTS)
    def hotpush(self, args: Namespace, cell: str | None = None) -> Report:
        """Push the cell as the source of MODULE, or modules from their files as one transaction."""
        return pushed(args, None if cell is None else Cell(cell, self._cell_number()), self._desk)

    @line_magic
    @verb()
    def hotstatus(self, _args: Namespace) -> StatusView:
        """Show what runs where: module, version, checksum, workers, and whether the file on disk is the same."""
        return StatusView(self.target.status(), time.time())

    @no_var_expand
    @line_cell_magic
    @verb(*EVAL_ARGUMENTS, split=eval_words)
    def hoteval(self, args: Namespace, cell: str | None = None) -> EvaluatedView:
        """Show what EXPR, or the cell, is in the service: in its first worker, or side by side in several.

        A cell may begin with statements that bind names of its own; its last line is the expression. What awaits
        something runs on the event loop of the service. What it calls, it calls: there is no sandbox.
        """
        return evaluated(args, cell, self.target, Habits(self.eval_workers, self.eval_timeout_s))

    @line_magic
    @verb()
    def hotpanel(self, _args: Namespace) -> View | None:
        """Show a live panel of what runs where, with buttons to undo; without widgets, a table that stays as it is."""
        return self.panels.show(self.target)

    @line_magic
    @verb(*LOG_ARGUMENTS)
    def hotlog(self, args: Namespace) -> LogView:
        """Show who pushed what, when, why, and what became of it, the newest first."""
        return log_view(args, self._attached("%hotlog"))

    @line_magic
    @verb(MODULES, REASON)
    def hotdrop(self, args: Namespace) -> None:
        """Remove patches from the log, without MODULE all stale ones; where one runs, its file's source runs again."""
        print(dropped(args, self._attached("%hotdrop"), self._author))

    @line_magic
    @verb(MODULES, *DIFF_ARGUMENTS)
    def hotdiff(self, args: Namespace) -> DiffView:
        """Show how what runs of MODULE differs from its file, a version or other workers; without, all that differ."""
        return diff_view(args, self.target, self.context_lines)

    @line_magic
    @verb(MODULES, *SAVE_ARGUMENTS, REASON)
    def hotsave(self, args: Namespace) -> SaveReport:
        """Write what runs of MODULE to its file, all of them or none."""
        return saved(args, self.target, self._author)

    @line_magic
    @verb(*UNDO_ARGUMENTS)
    def hotundo(self, args: Namespace) -> Report:
        """Bring back the source before the last push of MODULE, or of everything that the last push changed."""
        return undone(args, self._desk)

    @line_magic
    @verb(*UNLOAD_ARGUMENTS)
    def hotunload(self, args: Namespace) -> Report:
        """Take MODULE out of the process; the answer says who still holds something of it."""
        return self.target.unload(args.module, force=args.force)

    @line_magic
    @verb(*WATCH_ARGUMENTS)
    def hotwatch(self, args: Namespace) -> View | None:
        """Push what is saved under FOLDER, from now on, until %hotwatch --stop."""
        before = folders()
        view = self.watching.take(args, self.target, self._author)
        self.tracked += tuple(folder for folder in folders() if folder not in before)
        return view

    def attach_inside(self, name: str) -> None:
        """In a kernel that lives inside a service: attaches to all of that, and shows it."""
        self._service = attach(name)
        display(AttachedView(self._service.status(), time.time()))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends what the magics started, and lets the service go."""
        self.watching.stop()
        self.panels.close("this notebook has left the service")
        if self._service is not None:
            self._service.close()
        self._service = None

    def _attached(self, magic: str) -> Service:
        if self._service is None:
            raise UsageError(f"{magic} is about the log of a service: %hotattach NAME attaches to one")
        return self._service

    @property
    def _desk(self) -> Desk:
        return Desk(self.target, self._author, self._screen)

    @property
    def _screen(self) -> Screen | None:
        """Where progress is shown: of a service only, and only where somebody looks."""
        if self._service is None:
            return None
        if hasattr(self._shell, "kernel"):
            return NotebookScreen(self._shell)
        return TerminalScreen() if sys.stdout.isatty() else None

    @property
    def _author(self) -> str:
        return self.author or default_author()

    def _cell_number(self) -> int:
        """The number in ``In [12]``. IPython 9.18 counts on before the cell runs, 9.0 after it; In itself is right."""
        history = self._shell.history_manager
        return len(history.input_hist_parsed) - 1 if history else self._shell.execution_count
