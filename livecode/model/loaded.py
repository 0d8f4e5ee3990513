"""Which modules a process has loaded from which files: what a save is compared with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that somebody asks about.

    Attributes:
        path: Its real path where the asker is.
        tail: Its path below the folder that its package is in, with ``/``: what a copy of it elsewhere ends in.
    """

    path: str
    tail: str


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A module that was loaded from a file that was asked about, or from one that may be a copy of it.

    Attributes:
        path: The path that was asked about.
        module: Dotted name.
        file: The real path that the module was loaded from, in the process that has it.
        checksum: SHA-256 of the source that runs, in hex; empty where that is not known.
    """

    path: str
    module: str
    file: str
    checksum: str = ""

    @property
    def is_copy(self) -> bool:
        """True if the module was loaded from another path with the same end."""
        return self.path != self.file
