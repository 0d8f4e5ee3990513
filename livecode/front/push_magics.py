"""What ``%hotpush``, ``%%hotpush``, ``%hotundo`` and ``%hotunload`` take and do."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from livecode.errors import UsageError
from livecode.front.arguments import argument
from livecode.front.policy import CANARY_HELP, FOR_HELP, MIXED_HELP, NOW_HELP, Typed
from livecode.front.progress import Screen, followed
from livecode.front.push import PushRequest, Target, push
from livecode.front.sources import file_item, module_items
from livecode.model.nouns import ModuleSource
from livecode.model.report import Report

MODULES = argument("modules", nargs="*", metavar="MODULE", help="Dotted names, such as shop.pricing.")
REASON = argument("--reason", default="", metavar="TEXT", help="Why, for the history; in quotes.")
_FORCE = argument("--force", action="store_true", help="Also do what is refused for caution only.")
_RERUN_HELP = "Also make NAME again, though nothing that it reads changed; MODULE.NAME in any module. May be repeated."

PUSH_ARGUMENTS = (
    argument("modules", nargs="*", metavar="MODULE", help="Dotted names; exactly one before a cell."),
    argument("--file", metavar="F", help="Read the source of the one MODULE from this file."),
    REASON,
    argument("--dry-run", action="store_true", help="Say what would happen; nothing is touched."),
    argument("--safe-part", action="store_true", help="Leave out what is refused, and apply the rest."),
    argument("--rerun", action="append", default=[], metavar="NAME", help=_RERUN_HELP),
    argument("--canary", metavar="N", help=CANARY_HELP.replace("%", "%%")),
    argument("--for", dest="for_s", type=float, metavar="SECONDS", help=FOR_HELP),
    argument("--allow-mixed", metavar="REASON", help=MIXED_HELP),
    _FORCE,
)
UNDO_ARGUMENTS = (
    MODULES,
    argument("--to", type=int, metavar="VERSION", help="Go back to this version."),
    argument("--now", action="store_true", help=NOW_HELP),
    REASON,
    _FORCE,
)
UNLOAD_ARGUMENTS = (argument("module", metavar="MODULE", help="Dotted name, such as shop.pricing."), _FORCE)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a push goes from here.

    Attributes:
        target: The attached service, else this process.
        author: Who pushes.
        screen: Where progress is shown; None where nobody looks.
    """

    target: Target
    author: str
    screen: Screen | None


@dataclass(frozen=True, slots=True)
class Cell:
    """The source in a cell, and its number in ``In [12]``."""

    source: str
    number: int


def pushed(args: Namespace, cell: Cell | None, desk: Desk) -> Report:
    """What became of the cell, or without one of files, for ``%hotpush``.

    Raises:
        UsageError: What was typed contradicts itself, or names no module, or no file.
    """
    if not args.modules and (cell is not None or not args.rerun):
        raise UsageError("name a module to push: %hotpush MODULE, or %hotpush --rerun MODULE.NAME")
    items = _from_files(args, desk.target) if cell is None else _from_cell(args, cell)
    typed = Typed(args.canary, args.for_s, args.allow_mixed)
    magic = "%hotpush" if cell is None else "%%hotpush"
    request = PushRequest(
        items,
        desk.author,
        args.reason,
        args.force,
        args.dry_run,
        args.safe_part,
        " ".join([magic, *_named(args), *typed.words, *(["--force"] * args.force)]),
        tuple(args.rerun),
        typed.policy,
    )
    return push(request, desk.target, desk.screen)


def undone(args: Namespace, desk: Desk) -> Report:
    """What became of the undo, for ``%hotundo``.

    Raises:
        UsageError: A version without exactly one module.
    """
    if args.to is not None and len(args.modules) != 1:
        raise UsageError("--to needs exactly one MODULE: every module counts its own versions")
    with followed(desk.screen, args.modules) as progress:
        progress.report = report = desk.target.undo(
            *args.modules,
            to=args.to,
            author=desk.author,
            reason=args.reason,
            force=args.force,
            now=args.now,
            on_outcome=progress.outcome,
        )
    return report


def _from_cell(args: Namespace, cell: Cell) -> tuple[ModuleSource, ...]:
    if len(args.modules) != 1 or args.file:
        raise UsageError("a cell is the source of one module: %%hotpush MODULE, without --file")
    return (ModuleSource(args.modules[0], cell.source, f"cell {cell.number}"),)


def _from_files(args: Namespace, target: Target) -> tuple[ModuleSource, ...]:
    if not args.file:
        return module_items(args.modules, target)
    if len(args.modules) != 1:
        raise UsageError(f"--file is the source of one module, not of {len(args.modules)}")
    return (file_item(args.modules[0], args.file),)


def _named(args: Namespace) -> list[str]:
    """What says which modules are pushed, and from where."""
    return [*args.modules, *(["--file", args.file] if args.file else [])]
