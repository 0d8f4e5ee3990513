"""What somebody else pushed meanwhile, beside what was to be pushed. Pure."""

from __future__ import annotations

from difflib import unified_diff

from livecode.model.log import Patch


def conflict_diff(patch: Patch, theirs: str | None, yours: str | None) -> tuple[str, ...]:
    """Lines of a unified diff from their source to yours; an unloaded module (None) has no lines.

    Args:
        patch: What they pushed.
        theirs: Its source.
        yours: The source that was to be pushed.
    """
    who = f" ({patch.author})" if patch.author else ""
    names = (f"{patch.module} v{patch.version}{who}", f"{patch.module} (yours)")
    before, after = ((source or "").splitlines() for source in (theirs, yours))
    return tuple(unified_diff(before, after, *names, lineterm=""))
