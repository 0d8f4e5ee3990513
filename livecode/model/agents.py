"""What an agent says of itself when it asks, and what a person said of what it asks. Pure.

Push ── Agent        who asks, and on what the push builds
          └─ Approval  a person's word for exactly this push, for a time, once
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DIGEST_DIGITS = 32
"""128 bits: nobody finds two pushes with the same digest, and it still fits on a line."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word that one push of an agent may be made.

    Attributes:
        digest: Of the push (`change_digest`).
        by: Who approved it, e.g. ``"ann@laptop"``.
        host: The machine where that was done, and where the word is kept.
        until: When it ends, seconds since the epoch.
        claim: By which push it is being used; empty while by none.
    """

    digest: str
    by: str
    host: str
    until: float
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that pushes without a person who typed it.

    Attributes:
        name: What it calls itself; it is only its own word.
        bases: Module → checksums of what it may replace, empty text for a module that is not loaded. A module that
            is not named may run anything.
        approval: What a person said to it.
    """

    name: str
    bases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    approval: Approval | None = None


def change_digest(
    service: str,
    bases: Iterable[tuple[str, tuple[str, ...]]],
    wanted: Mapping[str, str],
    options: Iterable[str] = (),
) -> str:
    """The digest of a change: of what is replaced, by what, in which service, and how.

    Args:
        service: Its name.
        bases: As in an `Agent`.
        wanted: Module → SHA-256 of its new source in hex, empty where it is unloaded.
        options: What else makes a difference, e.g. ``"force"``.
    """
    replaced = sorted((module, sorted(digests)) for module, digests in bases)
    text = json.dumps([service, replaced, sorted(wanted.items()), sorted(options)])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]
