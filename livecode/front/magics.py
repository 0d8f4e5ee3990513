"""The magics: ``%load_ext livecode`` brings them, ``%hot<Tab>`` finds every one, each has ``--help`` and ``?``."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from IPython.display import display
from traitlets import Int, Unicode

from livecode.errors import UsageError
from livecode.fleet.discovery import running
from livecode.fleet.service import Service, attach, here
from livecode.front.arguments import argument, verb
from livecode.front.complete import MATCHER_ID, matcher
from livecode.front.disk_magics import DIFF_ARGUMENTS, SAVE_ARGUMENTS, diff_view, saved
from livecode.front.display import STOP, NotebookScreen, WatchLog, ended
from livecode.front.policy import CANARY_HELP, FOR_HELP, MIXED_HELP, NOW_HELP, Typed
from livecode.front.progress import Screen, followed
from livecode.front.push import PushRequest, default_author, push
from livecode.front.sources import file_item, module_items
from livecode.front.terminal import TerminalScreen
from livecode.front.views import AttachedView, DiffView, LogView, StatusView, View
from livecode.front.watching.watch import FILTER_HELP, POLL_HELP, Watch, watch
from livecode.live.tracking import folders, track, untrack_all
from livecode.model.nouns import ModuleSource
from livecode.model.pushes import dropped_words, generations_for, pushes_of
from livecode.model.report import Report
from livecode.model.saving import SaveReport
from livecode.model.sheet import IN_NOTEBOOK

ATTACH_HELP = (
    "Left out: the only one that runs. Elsewhere: ssh://HOST/NAME, docker://CONTAINER/NAME, kubectl://POD/NAME."
)
_MODULE = argument("module", metavar="MODULE", help="Dotted name, such as shop.pricing.")
_ONE_MODULE = argument("module", nargs="?", metavar="MODULE", help="Only the pushes of this module.")
_MODULES = argument("modules", nargs="*", metavar="MODULE", help="Dotted names, such as shop.pricing.")
_REASON = argument("--reason", default="", metavar="TEXT", help="Why, for the history; in quotes.")
_RERUN = argument(
    "--rerun",
    action="append",
    default=[],
    metavar="NAME",
    help="Also make NAME again, though nothing that it reads changed; MODULE.NAME in any module. May be repeated.",
)
_FORCE = argument("--force", action="store_true", help="Also do what is refused for caution only.")
_FILE = argument("--file", metavar="F", help="Read the source of the one MODULE from this file.")
_SAFE_PART = argument("--safe-part", action="store_true", help="Leave out what is refused, and apply the rest.")
_CANARY = argument("--canary", metavar="N", help=CANARY_HELP.replace("%", "%%"))
_FOR = argument("--for", dest="for_s", type=float, metavar="SECONDS", help=FOR_HELP)
_MIXED = argument("--allow-mixed", metavar="REASON", help=MIXED_HELP)
_DRY_RUN = argument("--dry-run", action="store_true", help="Say what would happen; nothing is touched.")


@magics_class
class LivecodeMagics(Magics):
    """Pushes code into running services, or into this process where no service is attached."""

    author = Unicode("", help="Who pushes, for the history. Empty stands for user@host.").tag(config=True)
    context_lines = Int(3, min=0, help="Unchanged lines around each change in %hotdiff.").tag(config=True)

    def __init__(self, shell: InteractiveShell, **traits: Any) -> None:
        super().__init__(shell, **traits)
        self._shell = shell
        self._service: Service | None = None
        self._watch: Watch | None = None
        self._log: WatchLog | None = None
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
    @verb(
        argument("service", nargs="?", metavar="NAME|URL|PID", help=ATTACH_HELP),
        argument("--store", default="", metavar="URL", help="Where its workers report, if none is on this machine."),
    )
    def hotattach(self, args: Namespace) -> AttachedView:
        """Attach this notebook to a running service; from then on the magics act on it."""
        name = args.service and (int(args.service) if args.service.isdigit() else args.service)
        if name is None and not args.store:
            _must_be_one()
        service = attach(name, store=args.store)
        view = AttachedView(service.status(), time.time())
        self._stop_watch()
        self._let_go()
        self._service = service
        return view

    @line_magic
    @verb()
    def hotdetach(self, _args: Namespace) -> None:
        """Leave the attached service; it does not notice, and what was pushed stays."""
        if self._service is None:
            raise UsageError("not attached: the magics act on this process; %hotattach NAME attaches")
        self._stop_watch()
        print(f"detached from {self._service.name}: what was pushed stays live there")
        self._let_go()

    @line_cell_magic
    @verb(
        argument("modules", nargs="*", metavar="MODULE", help="Dotted names; exactly one before a cell."),
        _FILE,
        _REASON,
        _DRY_RUN,
        _SAFE_PART,
        _RERUN,
        _CANARY,
        _FOR,
        _MIXED,
        _FORCE,
    )
    def hotpush(self, args: Namespace, cell: str | None = None) -> Report:
        """Push the cell as the source of MODULE, or modules from their files as one transaction."""
        if not args.modules and (cell is not None or not args.rerun):
            raise UsageError("name a module to push: %hotpush MODULE, or %hotpush --rerun MODULE.NAME")
        items = self._from_cell(args, cell) if cell is not None else self._from_files(args)
        typed = Typed(args.canary, args.for_s, args.allow_mixed)
        magic = "%hotpush" if cell is None else "%%hotpush"
        again = " ".join([magic, *_named(args), *typed.words, *(["--force"] * args.force)])
        request = PushRequest(
            items,
            self._author,
            args.reason,
            args.force,
            args.dry_run,
            args.safe_part,
            again,
            tuple(args.rerun),
            typed.policy,
        )
        return push(request, self.target, self._screen)

    @line_magic
    @verb()
    def hotstatus(self, _args: Namespace) -> StatusView:
        """Show what runs where: module, version, checksum, workers, and whether the file on disk is the same."""
        return StatusView(self.target.status(), time.time())

    @line_magic
    @verb(_ONE_MODULE, argument("-n", type=int, default=20, metavar="N", dest="number", help="At most so many; 20."))
    def hotlog(self, args: Namespace) -> LogView:
        """Show who pushed what, when, why, and what became of it, the newest first."""
        service = self._attached("%hotlog")
        pushes = pushes_of(service.log(generations_for(args.number, args.module or "")), args.module or "")
        return LogView(pushes[: args.number], service.name, time.time())

    @line_magic
    @verb(_MODULES, _REASON)
    def hotdrop(self, args: Namespace) -> None:
        """Remove patches from the log, without MODULE all stale ones; where one runs, its file's source runs again."""
        service = self._attached("%hotdrop")
        dropped = service.drop(*args.modules, author=self._author, reason=args.reason)
        print(dropped_words(dropped, args.modules))

    @line_magic
    @verb(_MODULES, *DIFF_ARGUMENTS)
    def hotdiff(self, args: Namespace) -> DiffView:
        """Show how what runs of MODULE differs from its file, a version or other workers; without, all that differ."""
        return diff_view(args, self.target, self.context_lines)

    @line_magic
    @verb(_MODULES, *SAVE_ARGUMENTS, _REASON)
    def hotsave(self, args: Namespace) -> SaveReport:
        """Write what runs of MODULE to its file, all of them or none."""
        return saved(args, self.target, self._author)

    @line_magic
    @verb(
        _MODULES,
        argument("--to", type=int, metavar="VERSION", help="Go back to this version."),
        argument("--now", action="store_true", help=NOW_HELP),
        _REASON,
        _FORCE,
    )
    def hotundo(self, args: Namespace) -> Report:
        """Bring back the source before the last push of MODULE, or of everything that the last push changed."""
        if args.to is not None and len(args.modules) != 1:
            raise UsageError("--to needs exactly one MODULE: every module counts its own versions")
        with followed(self._screen, args.modules) as progress:
            progress.report = report = self.target.undo(
                *args.modules,
                to=args.to,
                author=self._author,
                reason=args.reason,
                force=args.force,
                now=args.now,
                on_outcome=progress.outcome,
            )
        return report

    @line_magic
    @verb(_MODULE, _FORCE)
    def hotunload(self, args: Namespace) -> Report:
        """Take MODULE out of the process; the answer says who still holds something of it."""
        return self.target.unload(args.module, force=args.force)

    @line_magic
    @verb(
        argument("folder", nargs="?", metavar="FOLDER", help="Left out: says what is watched."),
        argument("--filter", action="append", default=[], metavar="GLOB", help=FILTER_HELP.replace("%", "%%")),
        argument("--poll", type=float, metavar="SECONDS", help=POLL_HELP),
        argument("--stop", action="store_true", help="Stop watching."),
    )
    def hotwatch(self, args: Namespace) -> View | None:
        """Push what is saved under FOLDER, from now on, until %hotwatch --stop."""
        if args.stop or args.folder is None:
            if self._watch is None:
                raise UsageError("nothing is watched: %hotwatch FOLDER starts, such as %hotwatch .")
            if not args.stop:
                return View(self._watch.sheet(STOP))
            self._stop_watch()
            return None
        if self._watch is not None and self._watch.running:
            raise UsageError(f"{self._watch.folder} is watched already: %hotwatch --stop ends it")
        log = WatchLog(self._shell)
        self._watch = watch(
            args.folder,
            self.target,
            log,
            self._author,
            patterns=args.filter,
            poll_s=args.poll,
            commands=IN_NOTEBOOK,
            settled=log.update,
        )
        self._log = log
        log.begin(self._watch)
        return None

    def attach_inside(self, name: str) -> None:
        """In a kernel that lives inside a service: attaches to all of that, and shows it."""
        self._service = attach(name)
        display(AttachedView(self._service.status(), time.time()))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends what the magics started."""
        self._stop_watch()
        self._let_go()

    def _let_go(self) -> None:
        if self._service is not None:
            self._service.close()
        self._service = None

    def _attached(self, magic: str) -> Service:
        if self._service is None:
            raise UsageError(f"{magic} is about the log of a service: %hotattach NAME attaches to one")
        return self._service

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

    def _from_cell(self, args: Namespace, cell: str) -> tuple[ModuleSource, ...]:
        if len(args.modules) != 1 or args.file:
            raise UsageError("a cell is the source of one module: %%hotpush MODULE, without --file")
        return (ModuleSource(args.modules[0], cell, f"cell {self._cell_number()}"),)

    def _cell_number(self) -> int:
        """The number in ``In [12]``. IPython 9.18 counts on before the cell runs, 9.0 after it; In itself is right."""
        history = self._shell.history_manager
        return len(history.input_hist_parsed) - 1 if history else self._shell.execution_count

    def _from_files(self, args: Namespace) -> tuple[ModuleSource, ...]:
        if not args.file:
            return module_items(args.modules, self.target)
        if len(args.modules) != 1:
            raise UsageError(f"--file is the source of one module, not of {len(args.modules)}")
        return (file_item(args.modules[0], args.file),)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            print(ended(self._watch))
            self._watch = None
            if self._log is not None:
                self._log.update()


def _named(args: Namespace) -> list[str]:
    """What says which modules are pushed, and from where."""
    return [*args.modules, *(["--file", args.file] if args.file else [])]


def _must_be_one() -> None:
    """Attaching without a name needs exactly one service; says which ones run."""
    counts: dict[str, int] = {}
    for worker in running():
        counts[worker.service] = counts.get(worker.service, 0) + 1
    if len(counts) > 1:
        listed = ", ".join(f"{name} ({n} worker{'s' * (n != 1)})" for name, n in sorted(counts.items()))
        raise UsageError(f"{len(counts)} services run: {listed}; name one: %hotattach {min(counts)}")


_CLASS = LivecodeMagics.__name__


def load(shell: InteractiveShell) -> None:
    """Registers the magics and their completion, and tracks the working folder. Twice is the same as once."""
    if _CLASS in shell.magics_manager.registry:
        return
    magics = LivecodeMagics(shell)
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(matcher(magics.parsers, lambda: magics.target))
    _track_working_folder(magics)
    if service := getattr(shell, "livecode_service", ""):
        magics.attach_inside(service)


def unload(shell: InteractiveShell) -> None:
    """Takes back everything that `load` did, and ends what the magics started."""
    magics = shell.magics_manager.registry.pop(_CLASS, None)
    if not isinstance(magics, LivecodeMagics):
        return
    magics.close()
    for kind, methods in magics.magics.items():
        for name, method in methods.items():
            if shell.magics_manager.magics[kind].get(name) == method:
                del shell.magics_manager.magics[kind][name]
    configurables: list[Any] = shell.configurables  # IPython annotates it as a list of shells
    configurables[:] = [each for each in configurables if each is not magics]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != MATCHER_ID]
    if magics.tracked and folders() == magics.tracked:
        untrack_all()


def _track_working_folder(magics: LivecodeMagics) -> None:
    """Remembers what imports from the working folder load, as `listen` does in a service, unless it is the root."""
    before = folders()
    working = Path.cwd()
    if working != Path(working.anchor):
        track(working)
    magics.tracked = folders() if not before else ()
