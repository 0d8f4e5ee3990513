"""Lets a process have its long sources compiled by this machine's helper, which it gets to know when it needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livecode.live.compiling import nowhere

if TYPE_CHECKING:
    from livecode.fleet.compiling import CompileHelper
    from livecode.live.process import Process


def compile_elsewhere(process: Process) -> None:
    """From now on the process asks the helper for what is long, unless it asks somebody already."""
    if process.compiling.elsewhere is nowhere:
        process.compiling.elsewhere = _compiled


def _compiled(key: bytes, plain: Mapping[str, Any]) -> bytes | None:
    global _helper
    if _helper is None:
        from livecode.fleet.compiling import CompileHelper

        _helper = CompileHelper()
    return _helper(key, plain)


_helper: CompileHelper | None = None
