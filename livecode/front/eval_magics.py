"""What ``%hoteval`` and ``%%hoteval`` take and do: an expression in the attached service."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from dataclasses import dataclass

from livecode.errors import UsageError
from livecode.fleet.chosen import ALL
from livecode.fleet.service import Service
from livecode.front.arguments import argument, shell_words
from livecode.front.evaluate import RICH_BYTES, EvalRequest, evaluate
from livecode.front.evaluated_view import EvaluatedView

OWN_MODULE = "__main__"
"""Where no service is attached, the names are the notebook's own, too."""

EVAL_ARGUMENTS = (
    argument("expression", nargs="?", default="", metavar="EXPR", help="Python; names stand for loaded modules."),
    argument("--worker", dest="workers", action="append", default=[], metavar="W", help="Ask w3. May be repeated."),
    argument("--all", dest="everywhere", action="store_true", help="Ask every worker."),
    argument("-m", "--module", default="", metavar="MODULE", help="Use its own names, too."),
    argument("--timeout", dest="timeout_s", type=float, metavar="SECONDS", help="Give up then; 10, or as configured."),
)

_VALUED = r"(?:--worker|--module|-m|--timeout)(?:\s+|=)[\w.*-]+"
_OPTION = rf"(?:{_VALUED}|--all|--help|-h)"
_LEADING = re.compile(rf"\s*({_OPTION}(?:\s+{_OPTION})*)(?=\s|$)")
_TRAILING = re.compile(rf"\s((?:{_OPTION}\s+)*{_OPTION})\s*$")
_UNKNOWN = re.compile(r"\s*(--[A-Za-z][\w-]*)(?=[\s=]|$)")


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds where nothing else is typed.

    Attributes:
        workers: Names with spaces or commas between them, ``*`` for all, empty for the first one.
        timeout_s: How long an expression may take.
    """

    workers: str
    timeout_s: float

    def names(self) -> tuple[str, ...]:
        """The workers, each by its name."""
        return tuple(re.split(r"[\s,]+", self.workers.strip())) if self.workers.strip() else ()


def eval_words(line: str) -> list[str]:
    """The options at the beginning and at the end of a line, and all between them as one word: Python is no shell."""
    leading = _LEADING.match(line)
    options = shell_words(leading[1]) if leading else []
    rest = line[leading.end() :] if leading else line
    if trailing := _TRAILING.search(" " + rest):
        options += shell_words(trailing[1])
        rest = rest[: max(trailing.start() - 1, 0)]
    if unknown := _UNKNOWN.match(rest):  # Python would negate it twice, which nobody means
        options.append(unknown[1])
        rest = rest[unknown.end() :]
    rest = rest.strip().removeprefix("-- ")
    return [*options, *(["--", rest] if rest else [])]


def evaluated(args: Namespace, cell: str | None, target: Service, habits: Habits) -> EvaluatedView:
    """What the expression is, for ``%hoteval``; what one worker printed meanwhile is printed.

    Raises:
        UsageError: There is none, or one on the line and one below it; or it is a statement.
    """
    if cell is not None and args.expression:
        raise UsageError("a cell is the expression: %%hoteval takes options alone, and %hoteval EXPR is one line")
    expression = args.expression if cell is None else cell
    workers = tuple(args.workers) or (() if args.everywhere else habits.names())
    everywhere = args.everywhere or ALL in workers
    request = EvalRequest(
        expression,
        () if ALL in workers else workers,
        everywhere,
        args.module or ("" if target.name else OWN_MODULE),
        habits.timeout_s if args.timeout_s is None else args.timeout_s,
        RICH_BYTES,
    )
    view = EvaluatedView(evaluate(request, target), expression.strip())
    if len(view) == 1:
        sys.stdout.write(view[0].printed)
    return view
