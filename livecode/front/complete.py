"""Completion after Tab on lines with a livecode magic: options, modules, services, versions, folders."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from livecode.errors import LivecodeError
from livecode.fleet.discovery import running
from livecode.front.push import Target

Matcher = Callable[[CompletionContext], SimpleMatcherResult]

MATCHER_ID = "livecode"

_LINE = re.compile(r"^\s*(?:[^=%]+=\s*)?%{1,2}(?P<magic>hot\w+)\s+(?P<rest>.*)$")


def matcher(parsers: dict[str, argparse.ArgumentParser], target: Callable[[], Target]) -> Matcher:
    """A matcher for IPython's completer.

    Args:
        parsers: The parser of each magic.
        target: What the magics act on now.
    """

    def livecode_matcher(context: CompletionContext) -> SimpleMatcherResult:
        found = _LINE.match(context.line_with_cursor)
        if found is None or found["magic"] not in parsers:
            return {"completions": []}
        words = re.split(r"\s+", found["rest"])
        token = words[-1]
        try:
            offered = sorted(set(_offers(found["magic"], parsers[found["magic"]], words[:-1], token, target)))
        except LivecodeError:  # a service that does not answer has nothing to complete with
            return {"completions": []}
        fitting = [SimpleCompletion(text=text, type="param") for text in offered if text.startswith(token)]
        return {"completions": fitting, "suppress": bool(fitting), "matched_fragment": token, "ordered": True}

    marked: Matcher = context_matcher(identifier=MATCHER_ID, priority=200)(livecode_matcher)
    return marked


def _offers(
    magic: str, parser: argparse.ArgumentParser, before: list[str], token: str, target: Callable[[], Target]
) -> Iterator[str]:
    previous = before[-1] if before else ""
    if token.startswith("-"):
        yield from (option for action in parser._actions for option in action.option_strings)
    elif previous in ("--to", "--from"):
        yield from (str(v.number) for name in _names(before) for v in target().history(name).versions)
    elif previous in ("--file", "-f"):
        yield from _paths(token, (".py",))
    elif previous in ("--reason", "--canary", "--for", "--allow-mixed", "--store"):
        return
    elif magic == "hotattach":
        yield from (worker.service for worker in running())
    elif magic == "hotwatch":
        yield from _paths(token, ())
    elif magic not in ("hotstatus", "hotdetach"):
        yield from (m.module for status in target().peek() for m in status.modules if m.module not in before)


def _names(words: Iterable[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _paths(token: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Folders below the one typed so far, and files with these suffixes."""
    lead, slash, _ = token.rpartition("/")
    folder = Path(lead + slash).expanduser() if slash else Path()
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield f"{lead}{slash}{entry.name}/"
        elif entry.suffix in suffixes:
            yield f"{lead}{slash}{entry.name}"
