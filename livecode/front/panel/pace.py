"""How often a service is looked at: from who looks at its panel, and from what a look costs. Pure.

    seen by somebody      every second, or less often where each look takes long
    page hidden, scrolled every 15 seconds
    nobody                not at all

A browser that goes away without a word is forgotten when it has not said for a while that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

VISIBLE_S = 1.0
HIDDEN_S = 15.0
SHARE = 0.1
"""A look may take this share of the time at most."""
LONGEST_S = 30.0
VISIBLE_LEASE_S = 90.0
"""A browser says every 20 seconds that a panel is seen; where its kernel is busy, it is heard later."""
HIDDEN_LEASE_S = 300.0
"""The timers of hidden pages run once a minute, or less often."""


class Seen(StrEnum):
    """What a browser says of a view of a panel."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    GONE = "gone"


_LEASES = {Seen.VISIBLE: VISIBLE_LEASE_S, Seen.HIDDEN: HIDDEN_LEASE_S, Seen.GONE: 0.0}


def usual_s(usual_s: float, took_s: float) -> float:
    """How long a look takes as a rule, after one took that long: a single slow one, of a service that is busy at that
    moment, counts little, and many in a row count fully."""
    return min(took_s, 2 * usual_s + 0.01)


@dataclass(slots=True)
class Viewers:
    """Who looks at a panel. Times are seconds of one clock that does not go back."""

    _until: dict[str, tuple[Seen, float]] = field(default_factory=dict)

    def says(self, view: str, seen: Seen, now: float) -> None:
        """A browser says how a view of the panel is seen."""
        self._until[view] = seen, now + _LEASES[seen]
        self._until = {name: lease for name, lease in self._until.items() if lease[1] > now}

    def pace(self, now: float, takes_s: float) -> float | None:
        """How long to wait from one look to the next, where each takes that long; None while nobody looks."""
        seen = {kind for kind, until in self._until.values() if until > now}
        if not seen:
            return None
        least = VISIBLE_S if Seen.VISIBLE in seen else HIDDEN_S
        return min(max(least, takes_s / SHARE), LONGEST_S)
