"""What a service lets agents do."""

from __future__ import annotations

from enum import StrEnum


class Access(StrEnum):
    """What agents may do to a service, from nothing to all. People may do all of it anyway."""

    NONE = "none"  # nothing at all
    READ = "read"  # sources, status, log, and dry runs
    APPROVED = "approved"  # also a push that a person has approved
    PUSH = "push"  # also pushes of their own

    @property
    def may_push(self) -> bool:
        """True if some push of an agent can be accepted."""
        return self in (Access.APPROVED, Access.PUSH)

    @property
    def words(self) -> str:
        """What the service lets agents do, as the end of a sentence."""
        return _WORDS[self]


_WORDS = {
    Access.NONE: "do nothing",
    Access.READ: "read only",
    Access.APPROVED: "push what a person approved",
    Access.PUSH: "push",
}
