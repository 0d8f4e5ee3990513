"""What ``%hotdiff`` and ``%hotsave`` take and do: the running source and the files."""

from __future__ import annotations

from argparse import Namespace

from livecode.errors import UsageError
from livecode.front.arguments import argument
from livecode.front.differences import DiffRequest, differences
from livecode.front.saving import FilesTarget, SaveRequest, save
from livecode.front.views import DiffView
from livecode.model.saving import SaveReport

DIFF_ARGUMENTS = (
    argument("--from", dest="older", type=int, metavar="VERSION", help="Compare this version of the one MODULE …"),
    argument("--to", dest="newer", type=int, metavar="VERSION", help="… with this one; either alone with what runs."),
    argument("--workers", action="store_true", help="What some workers run, against what others do."),
)
SAVE_ARGUMENTS = (
    argument("--all", dest="every", action="store_true", help="All modules that differ from disk."),
    argument("--file", default="", metavar="F", help="Where the one MODULE belongs, if it could be in several places."),
    argument("--force", action="store_true", help="Also write over a file that somebody else changed or removed."),
)


def diff_view(args: Namespace, target: FilesTarget, context_lines: int) -> DiffView:
    """What differs, for ``%hotdiff``."""
    if args.workers and not target.name:
        raise UsageError("--workers compares the workers of a service: %hotattach NAME attaches to one")
    request = DiffRequest(tuple(args.modules), args.older, args.newer, args.workers, context_lines)
    nothing = "all workers run the same" if args.workers else "nothing differs from disk"
    return DiffView(differences(request, target), nothing)


def saved(args: Namespace, target: FilesTarget, author: str) -> SaveReport:
    """What became of it, for ``%hotsave``."""
    request = SaveRequest(tuple(args.modules), args.every, args.file, args.force, author, args.reason)
    return save(request, target, "%hotsave --all")
