"""What somebody may have meant who mistyped a name."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """``. Did you mean 'shop'?`` if one of the words is much like this one; else empty."""
    from difflib import get_close_matches  # only where something was mistyped

    close = get_close_matches(word, [each for each in words if each != word], n=1)
    return f". Did you mean {close[0]!r}?" if close else ""
