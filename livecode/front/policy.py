"""How a push goes to many workers, as somebody types it: `--canary N --for SECONDS` or `--allow-mixed REASON`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from livecode.errors import UsageError
from livecode.fleet.rollout import DEFAULT, Policy

CANARY_HELP = "Try it on N workers first, or on a share such as 25%, measure it there, and take it back if it is worse."
FOR_HELP = f"How long the canary takes; {DEFAULT.canary_s:g} if left out."
MIXED_HELP = "Let it be live on some workers only where others fail, for this reason."
NOW_HELP = "For emergencies: on all workers at once; nothing is taken back where it fails."


@dataclass(frozen=True, slots=True)
class Typed:
    """The options of one push; None for what was not typed."""

    canary: str | None = None
    for_s: float | None = None
    mixed: str | None = None

    @property
    def policy(self) -> Policy:
        """What they ask for.

        Raises:
            UsageError: They contradict each other, or say a number that there is not.
        """
        if self.mixed is not None and not self.mixed.strip():
            raise UsageError('--allow-mixed needs a reason: --allow-mixed "w4 has no GPU"')
        if self.canary is None:
            if self.for_s is not None:
                raise UsageError("--for is how long a canary takes: --canary 1 --for 30")
            return Policy(mixed=self.mixed or "")
        if self.mixed is not None:
            raise UsageError("--canary goes to all workers or to none, so there is nothing for --allow-mixed: give one")
        if self.for_s is not None and not self.for_s > 0:
            raise UsageError(f"--for takes a number of seconds above 0, not {self.for_s:g}")
        return Policy(_canary(self.canary), DEFAULT.canary_s if self.for_s is None else self.for_s)

    @property
    def words(self) -> list[str]:
        """The options as they can be typed again."""
        typed = (("--canary", self.canary), ("--for", self.for_s), ("--allow-mixed", self.mixed))
        return [word for name, value in typed if value is not None for word in (name, _word(value))]


def _word(value: str | float) -> str:
    return shlex.quote(value) if isinstance(value, str) else f"{value:g}"


def _canary(text: str) -> float:
    """A number of workers, or a share of them below 1.

    Raises:
        UsageError: It is neither.
    """
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 0.0
    count = text.isdigit() and int(text) > 0
    if count or 0 < share < 1:
        return share
    raise UsageError(
        f"--canary takes a number of workers, such as 2, or a share that is less than all, such as 25% or 0.25; "
        f"not {text}"
    )
