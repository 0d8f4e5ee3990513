"""How a command of `livecode` ends: its exit code, and what is said of an error, to people or as JSON.

    0    live or same: what was asked for is so
    1    refused or failed: what was running runs on
    2    misuse: nothing was asked of any worker
    3    unknown: a worker did not answer
    130  interrupted with Ctrl-C

With ``--json`` standard output is JSON whatever happens: an error is ``{"error": {"kind", "message", "exit_code"}}``.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import click

from livecode.errors import LivecodeError, MissingExtraError, ServiceNotFoundError, UsageError, WorkerLostError
from livecode.front.nearest import did_you_mean

REFUSED_OR_FAILED, MISUSE, UNKNOWN, INTERRUPTED = 1, 2, 3, 130
EXIT_CODES = "Exit codes: 0 live or same, 1 refused or failed, 2 misuse, 3 unknown, 130 interrupted."


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command ended without an answer.

    Attributes:
        kind: The class of the error, such as ``ServiceNotFoundError``.
        message: What happened, why, and what to do.
        exit_code: With which the command ended.
    """

    kind: str
    message: str
    exit_code: int


class Interruption(click.ClickException):
    """Somebody pressed Ctrl-C; the message says what became of what was under way."""

    exit_code = INTERRUPTED


def ended(run: Callable[[], object], *, as_json: bool) -> int:
    """The exit code of a command; where it ended with an error, that is said.

    Args:
        run: The command.
        as_json: True where a program reads the answer.
    """
    try:
        run()
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else REFUSED_OR_FAILED if error.code else 0
    except BrokenPipeError:
        leave_quietly()
    except (click.exceptions.ClickException, click.Abort, KeyboardInterrupt, LivecodeError) as error:
        return _told(error, as_json=as_json)
    except Exception as error:
        traceback.print_exc()
        problem = Problem(type(error).__name__, f"livecode itself failed: {error}", REFUSED_OR_FAILED)
        return _as_json(problem) if as_json else REFUSED_OR_FAILED
    return 0


def exit_code(error: LivecodeError) -> int:
    """The exit code of an error that ends a command."""
    if isinstance(error, UsageError | ServiceNotFoundError | MissingExtraError):
        return MISUSE
    return UNKNOWN if isinstance(error, WorkerLostError) else REFUSED_OR_FAILED


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Whoever reads what is printed may have had enough, as in ``livecode push … | head -1``: the exit code stays."""
    try:
        yield
    except BrokenPipeError:
        leave_quietly()


def leave_quietly() -> None:
    """What is printed from now on goes nowhere, so that Python has nothing to complain of at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _told(error: BaseException, *, as_json: bool) -> int:
    """The exit code of an expected error, after it was said."""
    problem = _problem(error)
    if as_json:
        return _as_json(problem)
    if isinstance(error, click.UsageError):
        error.show()  # with the usage of the command
    else:
        click.echo(f"livecode: {problem.message}", err=True)
    return problem.exit_code


def _problem(error: BaseException) -> Problem:
    match error:
        case Interruption():
            return Problem("Interrupted", error.format_message(), error.exit_code)
        case click.ClickException():
            kind = "UsageError" if isinstance(error, click.UsageError) else "Error"
            return Problem(kind, error.format_message(), error.exit_code)
        case LivecodeError():
            return Problem(type(error).__name__, _words(error), exit_code(error))
        case _:
            return Problem("Interrupted", "interrupted", INTERRUPTED)


def _words(error: LivecodeError) -> str:
    if isinstance(error, ServiceNotFoundError) and error.name:
        return f"{error}{did_you_mean(error.name, error.running)}"
    return str(error).replace("%hotstatus", "livecode status")  # workers speak to notebooks


def _as_json(problem: Problem) -> int:
    with reader_may_leave():
        click.echo(json.dumps({"error": asdict(problem)}, ensure_ascii=False))
    return problem.exit_code
