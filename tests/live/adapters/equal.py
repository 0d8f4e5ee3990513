"""Live equals fresh, for services."""

from __future__ import annotations

from tests.live.adapters import services
from tests.live.forker import Forker


def as_fresh(forker: Forker, ask: str, source: str, edits: list[tuple[str, str]], questions: list[str]) -> None:
    """Asserts that after each edit, and after the way back, module `m` answers as in a process started with it."""
    versions = [source]
    for old, new in edits:
        assert old in versions[-1]
        versions.append(versions[-1].replace(old, new))
    versions += [versions[-2], source] if len(versions) > 2 else [source]
    lived = forker.ask(services.live, [{"m": text} for text in versions], ask, questions)
    for entry in lived[1:]:
        assert (entry["verdict"], entry["says"]) == ("LIVE", []), entry
    fresh = {text: forker.ask(services.live, [{"m": text}], ask, questions)[0]["answers"] for text in set(versions)}
    for number, text in enumerate(versions):
        for question, live, wanted in zip(
            [*questions, "(a)", "(b)"], lived[number]["answers"], fresh[text], strict=False
        ):
            assert live == wanted, (number, question)
