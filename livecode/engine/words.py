"""Which words matter to what importing a module does: had from its text alone, without parsing it.

    from prices import RATE, quote, tax
    def show(a=RATE): return tax(1)      RATE is read at import; tax later, unless a statement below uses show
    def total(): return quote()
    TOTAL = total()                      makes something: by TOTAL, total and so quote

If what stands behind a word is another thing now, and importing the module does not come upon that word, then nothing
in it has to run again, and nothing is of the old make. Too many words do no harm: then it is looked at closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_WORDS = re.compile(r"\w+").findall
_PIECES = re.compile(r"\n(?=[^\s)\]}#])").split
"""Statements begin in the first column; what begins there with a bracket ends one."""

_DEFINITION = re.compile(r"(?:async\s+)?def\s+(\w+)|class\s+(\w+)").match
_SIMPLE_HEAD = re.compile(r"\s*\([^()]*\)\s*(?:->[^:()\n]*)?:").match
_IMPORT = re.compile(r"(?:import|from)\s(?!.*;)", re.DOTALL).match
_RENAMES = re.compile(r"\bas\b").search
_STAR = re.compile(r"\bimport\s*\*").search


@dataclass(frozen=True, slots=True)
class ImportWords:
    """The words of one source.

    Attributes:
        makes: Of the statements that make something, and of the definitions that these lead to by name.
        reads: Those, and the words of everything else that an import executes.
        stars: True if it imports all names of some module.
    """

    makes: frozenset[str]
    reads: frozenset[str]
    stars: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """One statement, as far as its text tells.

    Attributes:
        name: Of the function or class that it defines; empty for all else.
        text: All of it.
        executed: What an import executes of it: the head of a function; of a class also its body.
        makes: True if it may make something by calling what it mentions.
    """

    name: str
    text: str
    executed: str
    makes: bool


def import_words(source: str) -> ImportWords:
    """The words that matter to what importing this source does."""
    makes: list[str] = []
    reads: list[str] = []
    definitions: dict[str, list[str]] = {}
    for piece in _pieces(source):
        if piece.name:
            definitions.setdefault(piece.name, []).append(piece.text)
        (makes if piece.makes else reads).append(piece.executed)
    made = _led_to(_WORDS("\n".join(makes)), definitions)
    read = _led_to(_WORDS("\n".join(reads)), definitions)
    return ImportWords(frozenset(made), frozenset(made | read), bool(_STAR(source)))


def _led_to(words: Iterable[str], definitions: Mapping[str, list[str]]) -> set[str]:
    """The words, and those of the definitions that they name, and so on."""
    found, seen = set(words), set[str]()
    waiting = list(definitions.keys() & found)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            inside = {word for text in definitions[name] for word in _WORDS(text)}
            waiting += definitions.keys() & inside
            found |= inside
    return found


def _pieces(source: str) -> Iterator[_Piece]:
    decorated = False
    for text in _PIECES(source):
        found = _DEFINITION(text)
        if found is None:
            yield _Piece("", text, text, _IMPORT(text) is None or _RENAMES(text) is not None)
        elif (decorated and found[2]) or _ends_a_string(text):
            yield _Piece("", text, text, makes=True)
        else:
            rest = text[found.end() :]
            yield _Piece(found[1] or found[2], text, rest if found[2] else _head(rest), decorated)
        decorated = text.startswith("@")


def _head(rest: str) -> str:
    """The parameters of a function and what is said of them."""
    simple = _SIMPLE_HEAD(rest)
    return simple[0] if simple is not None else rest.partition(":\n")[0]


def _ends_a_string(piece: str) -> bool:
    """True if a string that began earlier may end here: what looks like a definition may be text in it."""
    return bool(piece.count('"""') % 2 or piece.count("'''") % 2)
