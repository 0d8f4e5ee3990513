"""What ``%hotwatch`` takes and does, and the watch that a notebook has."""

from __future__ import annotations

from argparse import Namespace

from IPython.core.interactiveshell import InteractiveShell

from livecode.errors import UsageError
from livecode.front.arguments import argument
from livecode.front.display import STOP, WatchLog, ended
from livecode.front.push import Target
from livecode.front.views import View
from livecode.front.watching.watch import FILTER_HELP, POLL_HELP, Watch, watch
from livecode.model.sheet import IN_NOTEBOOK

WATCH_ARGUMENTS = (
    argument("folder", nargs="?", metavar="FOLDER", help="Left out: says what is watched."),
    argument("--filter", action="append", default=[], metavar="GLOB", help=FILTER_HELP.replace("%", "%%")),
    argument("--poll", type=float, metavar="SECONDS", help=POLL_HELP),
    argument("--stop", action="store_true", help="Stop watching."),
)


class Watching:
    """The one watch of a shell, or none.

    Args:
        shell: Where it says what it does.

    Attributes:
        watch: The one that was started last and not stopped.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._log: WatchLog | None = None
        self.watch: Watch | None = None

    def take(self, args: Namespace, target: Target, author: str) -> View | None:
        """Starts, stops, or answers with what is watched, for ``%hotwatch``.

        Raises:
            UsageError: There is a watch already, or none; or the folder is none.
        """
        if args.stop or args.folder is None:
            if self.watch is None:
                raise UsageError("nothing is watched: %hotwatch FOLDER starts, such as %hotwatch .")
            if not args.stop:
                return View(self.watch.sheet(STOP))
            self.stop()
            return None
        if self.watch is not None and self.watch.running:
            raise UsageError(f"{self.watch.folder} is watched already: %hotwatch --stop ends it")
        self._start(args, target, author)
        return None

    def stop(self) -> None:
        """Ends the watch, if there is one, and says so."""
        if self.watch is None:
            return
        self.watch.stop()
        print(ended(self.watch))
        self.watch = None
        if self._log is not None:
            self._log.update()

    def _start(self, args: Namespace, target: Target, author: str) -> None:
        log = WatchLog(self._shell)
        self.watch = watch(
            args.folder,
            target,
            log,
            author,
            patterns=args.filter,
            poll_s=args.poll,
            commands=IN_NOTEBOOK,
            settled=log.update,
        )
        self._log = log
        log.begin(self.watch)
