"""The folder that an endpoint is given when it is mounted. What is in it is looked at when somebody asks."""

from __future__ import annotations

import os

from livecode.errors import UsageError


class CodeFolder:
    """The folder that was named when the endpoint was mounted.

    Args:
        named: Its path. It may come later, and it may be a symbolic link that leads elsewhere tomorrow.

    Raises:
        UsageError: It is the root of a file system, a file, or no path at all.
    """

    def __init__(self, named: str | os.PathLike[str]) -> None:
        text = os.fspath(named)
        if not isinstance(text, str) or not text or "\0" in text:
            raise UsageError("folder= is the path of the folder that a reload takes its sources from, as text")
        self._named = os.path.abspath(os.path.expanduser(text))
        real = os.path.realpath(self._named)
        if os.path.dirname(real) == real:
            raise UsageError(f"folder={text!r} is the root of the file system; give the folder of the sources")
        if os.path.exists(real) and not os.path.isdir(real):
            raise UsageError(f"folder={text!r} is a file; give the folder that the sources are in")

    @property
    def name(self) -> str:
        """Its last part, for people."""
        return os.path.basename(self._named)

    @property
    def path(self) -> str:
        """As it was named, absolute."""
        return self._named
