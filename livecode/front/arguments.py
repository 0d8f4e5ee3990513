"""What every magic of livecode does with its line: parse, help, and users' mistakes as one line of UsageError."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument as described_argument
from IPython.core.magic_arguments import magic_arguments
from IPython.utils.process import arg_split  # type: ignore[attr-defined]

from livecode.errors import LivecodeError

Magic = Callable[..., Any]

Describe = Callable[[Any], Any]


def argument(*names: str, **options: Any) -> Describe:
    """One argument of a magic, described as for `argparse.ArgumentParser.add_argument`."""
    describe: Describe = described_argument(*names, **options)  # type: ignore[no-untyped-call]
    return describe


def shell_words(line: str) -> list[str]:
    """The words of a line, as a shell would see them.

    Raises:
        IPython.core.error.UsageError: A quote is not closed.
    """
    try:
        words: list[str] = arg_split(line, posix=True)
    except ValueError as error:
        raise UsageError(f"{error} in {line!r}: put text with spaces or quotes between double quotes") from error
    return words


_HELP = argument("-h", "--help", action="store_true", help="Show this help and do nothing.")


def verb(*arguments: Describe, split: Callable[[str], list[str]] = shell_words) -> Callable[[Magic], Magic]:
    """Makes a magic of a method that takes parsed arguments, and the cell where there is one.

    Help is generated from the docstring and the arguments, for ``--help`` and ``?`` alike. A semicolon does not
    silence the output: IPython looks for one by tokenizing the cell, and fails with a TokenError where the cell has
    the very mistake that a Report would show.

    Args:
        arguments: What it takes.
        split: Makes words of a line.
    """

    def decorate(method: Magic) -> Magic:
        described: Any = method
        for describe in reversed((*arguments, _HELP)):
            described = describe(described)
        described = magic_arguments()(described)  # type: ignore[no-untyped-call]

        @functools.wraps(described)
        def magic(self: Any, line: str, cell: str | None = None) -> Any:
            words = split(line)
            if not {"--help", "-h"}.isdisjoint(words):
                print(described.parser.format_help().removeprefix("::\n\n").strip("\n"))
                return None
            try:
                return method(self, described.parser.parse_args(words), *(() if cell is None else (cell,)))
            except LivecodeError as error:
                raise UsageError(str(error)) from error

        return magic

    return decorate
