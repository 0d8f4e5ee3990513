"""An exception from executed code, as a value that people can read: the chunk's own line first."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType

from livecode.engine.check import CONTEXT_LINES, syntax_failure
from livecode.model.nouns import ModuleSource
from livecode.model.report import Failure, Frame

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_FRAMES = 30


def failure_of(
    error: BaseException,
    where: tuple[str, int],
    sources: Mapping[str, ModuleSource],
    chunk_names: Mapping[str, str],
) -> Failure:
    """What went wrong, with the line of the pushed chunk in which it did.

    Args:
        error: The exception.
        where: Module and line of the form that was being executed.
        sources: The modules of the push.
        chunk_names: Chunk name (`co_filename`) → module.
    """
    module, line = where
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename in chunk_names:
        name = chunk_names[error.filename]
        return syntax_failure(sources.get(name, ModuleSource(name, "")), error)
    frames = _frames(error.__traceback__, sources, chunk_names)
    inside = [frame for frame in frames if frame.own]
    if inside:
        module, line = inside[-1].chunk, inside[-1].line
        top = next((frame for frame in frames if frame.own and frame.function == "<module>"), None)
        if top is not None:
            module, line = top.chunk, top.line
    item = sources.get(module)
    lines = (item.source or "").splitlines() if item else []
    first, last = max(1, line - CONTEXT_LINES), min(len(lines), line + CONTEXT_LINES)
    around = tuple((number, lines[number - 1]) for number in range(first, last + 1)) if line else ()
    origin = item.origin if item else ""
    return Failure(
        type(error).__name__, _message(error), module, line, source=around, frames=tuple(frames), origin=origin
    )


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"(its message cannot be shown: {type(broken).__name__})"


def _frames(
    trace: TracebackType | None, sources: Mapping[str, ModuleSource], chunk_names: Mapping[str, str]
) -> list[Frame]:
    frames = []
    for summary in traceback.extract_tb(trace)[-MAX_FRAMES:]:
        if summary.filename.startswith((_OWN, "<frozen importlib", "<livecode")) or _is_import_machinery(
            summary.filename
        ):
            continue
        chunk = chunk_names.get(summary.filename)
        text = summary.line or ""
        number = summary.lineno or 0
        if chunk is not None and chunk in sources:
            lines = (sources[chunk].source or "").splitlines()
            text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
        frames.append(Frame(chunk or summary.filename, number, summary.name, text, chunk is not None))
    return frames


def _is_import_machinery(filename: str) -> bool:
    return filename == getattr(sys.modules.get("importlib"), "__file__", None)
