"""Whether git is in the middle of changing files: it holds `index.lock` meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path

LEFT_BEHIND_S = 60.0
"""A lock that is older was left by a git that crashed, and nobody will remove it."""


class Repository:
    """The repository that a folder is in, if there is one."""

    def __init__(self, folder: str) -> None:
        self._lock = lock_of(Path(folder))

    @property
    def is_busy(self) -> bool:
        """True while git changes files."""
        if self._lock is None:
            return False
        try:
            return time.time() - os.stat(self._lock).st_mtime < LEFT_BEHIND_S
        except OSError:
            return False


def lock_of(folder: Path) -> str | None:
    """Where git's lock is while there is one; a worktree's `.git` is a file that names its directory."""
    for place in (folder, *folder.parents):
        mark = place / ".git"
        if mark.is_dir():
            return str(mark / "index.lock")
        if mark.is_file():
            try:
                named = mark.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
            except (OSError, UnicodeDecodeError):
                return None
            return str(place / named / "index.lock")
    return None
