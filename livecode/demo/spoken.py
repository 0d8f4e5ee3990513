"""The verdicts that a cell's outputs speak, read as a person reads them: line 1 is the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livecode.model.report import Verdict

_WORDS = "|".join(re.escape(verdict.value) for verdict in Verdict)
_VERDICT = re.compile(rf"^\S +(?P<word>{_WORDS})  ", re.MULTILINE)
_DURATION = re.compile(r"  (?P<number>[\d.]+) (?P<unit>ms|s)\b")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One verdict as a reader finds it.

    Attributes:
        verdict: The word.
        duration_ms: The time that its line names; None if it names none.
    """

    verdict: Verdict
    duration_ms: float | None


def text_of(output: Mapping[str, Any]) -> str:
    """The plain text of one output of a cell; empty where it has none."""
    match output["output_type"]:
        case "stream":
            return str(output["text"])
        case "error":
            return "\n".join(output["traceback"])
        case _:
            return str(output["data"].get("text/plain", ""))


def spoken(outputs: Iterable[Mapping[str, Any]]) -> tuple[Spoken, ...]:
    """All verdicts in the outputs of a cell, in order."""
    found = []
    for output in outputs:
        text = _COLOUR.sub("", text_of(output))
        for match in _VERDICT.finditer(text):
            line = text[match.start() :].split("\n", 1)[0]
            found.append(Spoken(Verdict(match["word"]), _duration_ms(line)))
    return tuple(found)


def _duration_ms(line: str) -> float | None:
    match = _DURATION.search(line)
    if match is None:
        return None
    return float(match["number"]) * (1000 if match["unit"] == "s" else 1)
