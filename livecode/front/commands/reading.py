"""What comes in on standard input: one source, or several modules as a JSON object."""

from __future__ import annotations

import json
import sys

import click

from livecode.engine.check import MAX_SOURCE_BYTES
from livecode.live.sourcefile import decode_source
from livecode.model.nouns import ModuleSource

ORIGIN = "standard input"
MAX_BYTES = 8 * MAX_SOURCE_BYTES
"""Of all modules of a push together."""
SHAPE = '{"shop.pricing": "source", "shop.old": null}'


def standard_input(what: str, limit: int = MAX_SOURCE_BYTES) -> str:
    """The text that comes in, decoded as Python decodes its files, with ``\\n`` line ends.

    Args:
        what: For people, who may be asked to type it.
        limit: How many bytes are accepted; no more is read.

    Raises:
        UsageError: It is more than that, or no text.
    """
    if sys.stdin is None:
        raise click.UsageError(f"standard input is closed: {what} was to come from there")
    if sys.stdin.isatty():
        click.echo(f"reading {what} from this terminal, up to Ctrl-D", err=True)
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise click.UsageError(f"standard input is more than the {limit >> 20} MiB that are accepted for {what}")
    try:
        return decode_source(data)
    except ValueError as error:
        raise click.UsageError(f"{ORIGIN}: {error}") from error


def given_source(module: str) -> ModuleSource:
    """The source of one module."""
    return ModuleSource(module, standard_input(f"the source of {module}"), ORIGIN)


def given_modules() -> tuple[ModuleSource, ...]:
    """Several modules, as an object of sources by name; null takes a module out.

    Raises:
        UsageError: It is no such object.
    """
    text = standard_input(f"modules, as {SHAPE},", MAX_BYTES)
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        why = f"this is no JSON ({error})" if text.strip() else "nothing came"
        raise click.UsageError(
            f"without a MODULE, standard input holds modules as {SHAPE}, and {why}: "
            "for the source of one module, name it: livecode push NAME MODULE -"
        ) from error
    if not isinstance(found, dict) or not found:
        raise click.UsageError(f"standard input holds modules as {SHAPE}, not {text.strip()[:60]!r}")
    for module, source in found.items():
        if not isinstance(source, str | None):
            kind = type(source).__name__
            raise click.UsageError(f"the source of {module} is text, or null to take it out, not {kind}: {SHAPE}")
    return tuple(ModuleSource(module, source, ORIGIN) for module, source in found.items())


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if [each for each, _ in pairs].count(name) > 1)
        raise click.UsageError(f"{twice} is named twice in one push")
    return found
