"""What ``%hotlog`` and ``%hotdrop`` take and do: the log of the attached service."""

from __future__ import annotations

import time
from argparse import Namespace

from livecode.fleet.service import Service
from livecode.front.arguments import argument
from livecode.front.views import LogView
from livecode.model.pushes import dropped_words, generations_for, pushes_of

LOG_ARGUMENTS = (
    argument("module", nargs="?", metavar="MODULE", help="Only the pushes of this module."),
    argument("-n", type=int, default=20, metavar="N", dest="number", help="At most so many; 20."),
)


def log_view(args: Namespace, service: Service) -> LogView:
    """Who pushed what, for ``%hotlog``."""
    pushes = pushes_of(service.log(generations_for(args.number, args.module or "")), args.module or "")
    return LogView(pushes[: args.number], service.name, time.time())


def dropped(args: Namespace, service: Service, author: str) -> str:
    """What was removed, in words, for ``%hotdrop``."""
    return dropped_words(service.drop(*args.modules, author=author, reason=args.reason), args.modules)
