"""Code of modules that a push is about to import, compiled before: it waits here until a loader takes it, once."""

from __future__ import annotations

from types import CodeType

_ready: dict[str, tuple[str, CodeType]] = {}


def put(module: str, source: str, code: CodeType) -> None:
    """Keeps the code that an import of the module is to execute, if it finds this source."""
    _ready[module] = source, code


def is_there(module: str) -> bool:
    """True if code of the module waits."""
    return module in _ready


def take(module: str, source: str, filename: str) -> CodeType | None:
    """The code of this source under this chunk name, which is not kept any longer; None if there is none."""
    known, code = _ready.pop(module, ("", None))
    return code if code is not None and known == source and code.co_filename == filename else None


def forget(module: str) -> None:
    """Drops what nobody has taken."""
    _ready.pop(module, None)
