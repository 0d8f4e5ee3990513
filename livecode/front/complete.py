"""Completion after Tab on lines and cells with a livecode magic.

What a word may be is read off the magic's own parser: options, and by what its help calls a value: a MODULE, a VERSION,
a worker W, … A prompt never waits for a service longer than `PATIENCE_S`; what comes later is there at the next Tab.
"""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from livecode.errors import LivecodeError
from livecode.fleet.discovery import running
from livecode.front.eval_magics import OWN_MODULE
from livecode.front.push import Target

MATCHER_ID = "livecode"
PATIENCE_S = 0.3
REMEMBERED = 32

_LINE = re.compile(r"^\s*(?:[^=%]+=\s*)?%{1,2}(?P<magic>hot\w+)\s+(?P<rest>.*)$")
_CELL = re.compile(r"^\s*%%(?P<magic>hot\w+)(?P<rest>[^\n]*)\n")
_DOTTED = re.compile(r"(?<![\w.\])])[^\W\d][\w.]*$")
_HOST = re.compile(r"^\s*host\s+(.+)$", re.IGNORECASE | re.MULTILINE)


class Source(Target, Protocol):
    """What is asked for names: a target that knows how a dotted name goes on."""

    def names(self, text: str, module: str = "") -> tuple[str, ...]: ...


Matcher = Callable[[CompletionContext], SimpleMatcherResult]
FindTarget = Callable[[], Source]


@dataclass(frozen=True, slots=True)
class Word:
    """What is being typed.

    Attributes:
        parser: Of the magic.
        before: The words in front of it.
        token: It, as far as it was typed.
        target: What the magics act on now.
    """

    parser: argparse.ArgumentParser
    before: tuple[str, ...]
    token: str
    target: FindTarget

    @property
    def options(self) -> dict[str, argparse.Action]:
        """Every way to write an option."""
        return {text: action for action in self.parser._actions for text in action.option_strings}

    @property
    def named(self) -> list[str]:
        """The words before it that are neither options nor their values."""
        values = {at + 1 for at, word in enumerate(self.before) if _takes_value(self.options.get(word))}
        return [word for at, word in enumerate(self.before) if at not in values and not word.startswith("-")]

    def value_of(self, option: str) -> str:
        """What was given for an option; empty if nothing was."""
        pairs = zip(self.before, self.before[1:], strict=False)
        return next((value for word, value in pairs if word == option), "")


def matcher(parsers: Mapping[str, argparse.ArgumentParser], target: FindTarget) -> Matcher:
    """A matcher for IPython's completer.

    Args:
        parsers: The parser of each magic.
        target: What the magics act on now.
    """
    patience = Patience()

    def livecode_matcher(context: CompletionContext) -> SimpleMatcherResult:
        typed = _typed(context)
        if typed is None or typed[0] not in parsers:
            return {"completions": []}
        magic, words, in_cell = typed
        word = Word(parsers[magic], tuple(words[:-1]), words[-1], target)
        lead, kind = ("", "EXPR") if in_cell else _kind(word)
        begun = _fragment(word.token, lead, kind)
        offer = OFFERS.get(kind)
        found = patience.ask((magic, *words), lambda: offer(word, begun)) if offer else ()
        fitting = [SimpleCompletion(text=text, type="param") for text in found if text.startswith(begun)]
        return {"completions": fitting, "suppress": bool(fitting), "matched_fragment": begun, "ordered": True}

    marked: Matcher = context_matcher(identifier=MATCHER_ID, priority=200)(livecode_matcher)
    return marked


def _typed(context: CompletionContext) -> tuple[str, list[str], bool] | None:
    """The magic, its words, the last of which is being typed, and whether that is in the cell below it."""
    if (line := _LINE.match(context.line_with_cursor)) is not None:
        return line["magic"], re.split(r"\s+", line["rest"]), False
    cell = _CELL.match(context.full_text)
    if cell is None or cell["magic"] != "hoteval" or context.cursor_line == 0:
        return None
    last = re.split(r"\s+", context.line_with_cursor)[-1]
    return cell["magic"], [*cell["rest"].split(), last], True


def _kind(word: Word) -> tuple[str, str]:
    """What the word is, as its help calls it, behind what of it is an option already."""
    name, equals, _ = word.token.partition("=")
    previous = word.options.get(word.before[-1]) if word.before else None
    if previous is not None and _takes_value(previous):
        return "", str(previous.metavar or "")
    if equals and _takes_value(word.options.get(name)):
        return name + equals, str(word.options[name].metavar or "")
    if word.token.startswith("-"):
        return "", "OPTION"
    positional = [action for action in word.parser._actions if not action.option_strings]
    return "", str(positional[0].metavar or "") if positional else ""


def _takes_value(action: argparse.Action | None) -> bool:
    return action is not None and action.nargs != 0


def _fragment(token: str, lead: str, kind: str) -> str:
    """What of the token is completed: of an expression the dotted name at its end."""
    if kind != "EXPR":
        return token.removeprefix(lead)
    dotted = _DOTTED.search(token)
    return dotted[0] if dotted else ""


def _options(word: Word, _begun: str) -> Iterable[str]:
    return word.options


def _modules(word: Word, _begun: str) -> Iterable[str]:
    return (m.module for status in word.target().peek() for m in status.modules if m.module not in word.named)


def _versions(word: Word, _begun: str) -> Iterable[str]:
    return (str(v.number) for name in word.named for v in word.target().history(name).versions)


def _workers(word: Word, _begun: str) -> Iterable[str]:
    return (worker.name for worker in word.target().workers())


def _made_names(word: Word, begun: str) -> Iterable[str]:
    """What `--rerun` takes: names of the modules that were named, and dotted ones of any."""
    yield from (name for module in word.named for name in word.target().names(begun, module))
    yield from word.target().names(begun)


def _expression(word: Word, begun: str) -> Iterable[str]:
    if not begun and word.token:  # behind a bracket or a quote, where anything may stand
        return ()
    target = word.target()
    module = word.value_of("--module") or word.value_of("-m") or ("" if target.name else OWN_MODULE)
    return target.names(begun, module)


def _services(_word: Word, begun: str) -> Iterable[str]:
    workers = running()
    yield from (worker.service for worker in workers)
    yield from (str(worker.pid) for worker in workers if begun)
    if begun and (begun.startswith("ssh://") or "ssh://".startswith(begun)):
        yield from (f"ssh://{host}/" for host in _ssh_hosts())
    yield from (f"{scheme}://" for scheme in ("ssh", "docker", "kubectl") if begun)


def _ssh_hosts() -> Iterator[str]:
    """Those that the user has a configuration for."""
    file = Path("~/.ssh/config").expanduser()
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return
    for names in _HOST.findall(text):
        yield from (name for name in names.split() if not set("*?!") & set(name))


def _files(_word: Word, begun: str) -> Iterable[str]:
    return _paths(begun, (".py",))


def _folders(_word: Word, begun: str) -> Iterable[str]:
    return _paths(begun, ())


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


OFFERS: Mapping[str, Callable[[Word, str], Iterable[str]]] = {
    "OPTION": _options,
    "MODULE": _modules,
    "VERSION": _versions,
    "W": _workers,
    "NAME": _made_names,
    "EXPR": _expression,
    "NAME|URL|PID": _services,
    "F": _files,
    "FOLDER": _folders,
}
"""What the help of a magic calls a value → what it may be."""


class Patience:
    """Questions that are asked in a thread of their own, one at a time, and waited for a moment only."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._asking = threading.Lock()
        self._late: dict[tuple[str, ...], tuple[str, ...]] = {}

    def ask(self, key: tuple[str, ...], question: Callable[[], Iterable[str]]) -> tuple[str, ...]:
        """The answer, sorted; nothing where none comes in time, or the one before is still awaited.

        Args:
            key: What is asked: an answer that came too late is there the next time.
            question: Asks; a `LivecodeError` or `OSError` of it is no answer.
        """
        if key in self._late:
            return self._late.pop(key)
        if not self._asking.acquire(blocking=False):
            return ()
        answered = threading.Event()

        def answer() -> None:
            try:
                found = tuple(sorted(set(question())))
                self._late[key] = found
                while len(self._late) > REMEMBERED:
                    del self._late[next(iter(self._late))]
            except (LivecodeError, OSError):  # a service that does not answer has nothing to complete with
                self._late.pop(key, None)
            finally:
                self._asking.release()
                answered.set()

        threading.Thread(target=answer, name="livecode-complete", daemon=True).start()
        answered.wait(self._patience_s)
        return self._late.pop(key, ())
