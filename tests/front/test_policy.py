"""What is typed of a policy, and what cannot be meant."""

from __future__ import annotations

import pytest

from livecode.errors import UsageError
from livecode.fleet.rollout import DEFAULT, Policy
from livecode.front.policy import Typed


@pytest.mark.parametrize(
    ("typed", "policy", "words"),
    [
        (Typed(), DEFAULT, ""),
        (Typed("2"), Policy(canary=2), "--canary 2"),
        (Typed("25%", 30.0), Policy(canary=0.25, canary_s=30), "--canary 25% --for 30"),
        (Typed("0.25", 0.5), Policy(canary=0.25, canary_s=0.5), "--canary 0.25 --for 0.5"),
        (Typed(mixed="w4 is old"), Policy(mixed="w4 is old"), "--allow-mixed 'w4 is old'"),
    ],
)
def test_what_is_typed_is_a_policy(typed: Typed, policy: Policy, words: str) -> None:
    """A canary is a number or a share of workers; what was typed can be typed again."""
    assert (typed.policy, " ".join(typed.words)) == (policy, words)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (Typed("0"), "a number of workers, such as 2, or a share"),
        (Typed("150%"), "less than all"),
        (Typed("100%"), "less than all"),
        (Typed("1.5"), "not 1.5"),
        (Typed("1.0"), "not 1.0"),
        (Typed("-1"), "not -1"),
        (Typed("nan"), "not nan"),
        (Typed("some"), "not some"),
        (Typed("1", -5.0), "seconds above 0, not -5"),
        (Typed("1", 0.0), "seconds above 0, not 0"),
        (Typed("1", float("nan")), "seconds above 0, not nan"),
        (Typed("1", float("inf")), "seconds above 0, not inf"),
        (Typed(for_s=30.0), "--canary 1 --for 30"),
        (Typed("1", mixed="why not"), "give one"),
        (Typed(mixed=" "), "needs a reason"),
    ],
)
def test_what_cannot_be_meant(typed: Typed, why: str) -> None:
    """It is a usage error that says what can."""
    with pytest.raises(UsageError, match=why):
        typed.policy  # noqa: B018
