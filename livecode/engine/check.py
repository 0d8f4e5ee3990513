"""What can be said of a push before any process is asked: names, text, syntax."""

from __future__ import annotations

import keyword
import warnings
from collections.abc import Callable

from livecode.engine.forms import source_lines
from livecode.engine.refusals import refusal
from livecode.model.nouns import ModuleSource
from livecode.model.report import Failure, Refusal

MAX_SOURCE_BYTES = 4 * 1024 * 1024
"""Longer sources are refused: nobody wrote them, and compiling them would stall the service."""

CONTEXT_LINES = 1
"""Lines shown before and after the one that does not compile."""


def refuse_name(module: str) -> Refusal | None:
    """Why `module` cannot be pushed under this name, or None."""
    if module == "__main__":
        return refusal("LC502", module=module)
    parts = module.split(".")
    bad = next((part for part in parts if not part.isidentifier() or keyword.iskeyword(part)), None)
    if bad is None:
        return None
    what = "an empty part" if not bad else f"{bad!r} is a keyword" if keyword.iskeyword(bad) else f"{bad!r}"
    return refusal("LC501", f"{module!r} is not a module name: {what}", module=module)


def refuse_source(item: ModuleSource) -> Refusal | None:
    """Why this source cannot be sent at all, or None."""
    source = item.source
    if source is None:
        return None
    if "\0" in source:
        line = source[: source.index("\0")].count("\n") + 1
        return refusal("LC505", f"null byte in line {line}", module=item.module, line=line)
    if source.isascii() and len(source) <= MAX_SOURCE_BYTES:
        return None
    if len(source) > MAX_SOURCE_BYTES or len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        size = len(source.encode("utf-8", "surrogatepass"))
        limit = MAX_SOURCE_BYTES // 1024 // 1024
        return refusal("LC505", f"{size / 1048576:.1f} MiB of source; at most {limit} MiB", module=item.module)
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as error:
        line = source[: error.start].count("\n") + 1
        what = f"line {line} holds a character that is no text (a lone surrogate)"
        return refusal("LC505", what, module=item.module, line=line)
    return None


def _compiled(source: str, filename: str) -> object:
    return compile(source, filename, "exec", dont_inherit=True)


def compile_failure(item: ModuleSource, compiled: Callable[[str, str], object] = _compiled) -> Failure | None:
    """How the source fails to compile, or None if it compiles (on the Python that asks).

    Args:
        item: Name and source.
        compiled: Compiles a source under a chunk name.
    """
    if item.source is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled(item.source, item.module)
    except SyntaxError as error:
        return syntax_failure(item, error)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Failure(type(error).__name__, str(error) or "too deeply nested", item.module, origin=item.origin)
    return None


def syntax_failure(item: ModuleSource, error: SyntaxError) -> Failure:
    """A syntax error with its place in the named chunk."""
    line, column = error.lineno or 0, max(0, error.offset or 0)
    same_line = error.end_lineno in (None, error.lineno)
    end_column = max(0, error.end_offset or 0) if same_line else 0
    lines = [text.rstrip("\n") for text in source_lines(item.source or "")]
    first, last = max(1, line - CONTEXT_LINES), min(len(lines), line + CONTEXT_LINES)
    around = tuple((number, lines[number - 1]) for number in range(first, last + 1)) if line else ()
    return Failure(
        type(error).__name__,
        error.msg,
        item.module,
        line,
        column,
        end_column,
        around,
        origin=item.origin,
    )
