"""Frames: what is encoded is decoded, however it arrives, and nobody sends more than was allowed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.errors import ProtocolError
from livecode.fleet.remote.frames import (
    MAGIC,
    MAX_FRAME_BYTES,
    MAX_NOISE_BYTES,
    PIECE_BYTES,
    WINDOW_BYTES,
    Credit,
    Debt,
    Decoder,
    Frame,
    Kind,
    MagicSearch,
    allowed,
    window,
)

frames = st.lists(st.builds(Frame, st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=50)))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut there."""
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(marks)]


@given(frames, st.lists(st.integers(0, 10_000)))
def test_frames_arrive_whole_however_they_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    """A pipe knows no frames."""
    decoder, data = Decoder(), b"".join(frame.encode() for frame in sent)
    assert [frame for piece in pieces(data, cuts) for frame in decoder.feed(piece)] == sent


@given(
    st.binary(max_size=200).filter(lambda noise: MAGIC not in noise),
    st.binary(max_size=50),
    st.lists(st.integers(0, 500)),
)
def test_what_a_login_prints_is_skipped(noise: bytes, frames: bytes, cuts: list[int]) -> None:
    """The magic is found wherever it is cut; what follows it is frames, and what came before is kept for the error."""
    search, after, found = MagicSearch(), b"", False
    for piece in pieces(noise + MAGIC + frames, cuts):
        if found:
            after += piece
        elif (rest := search.feed(piece)) is not None:
            found, after = True, rest
    assert found
    if not (noise + MAGIC).index(MAGIC) < len(noise):  # an end of the noise may be the beginning of the magic
        assert (search.noise, after) == (noise, frames)


def test_endless_noise_is_no_login() -> None:
    """Somebody prints who is no relay."""
    search = MagicSearch()
    with pytest.raises(ProtocolError, match="64 KiB came"):
        search.feed(b"x" * (MAX_NOISE_BYTES + 100))


@pytest.mark.parametrize(
    "garbage", [b"Last login: today on pts/1\n", Frame(Kind.DATA, 1, b"x" * (MAX_FRAME_BYTES + 1)).encode()]
)
def test_garbage_is_no_frame(garbage: bytes) -> None:
    """What is printed in between is found out at once, and quoted."""
    with pytest.raises(ProtocolError, match="no frame begins with"):
        list(Decoder().feed(garbage))


def test_credit_ends_and_comes_back() -> None:
    """Pieces as long as the window lasts; more when the other side has read."""
    credit, sent = Credit(), 0
    while size := credit.take(10 * WINDOW_BYTES):
        assert size <= PIECE_BYTES
        sent += size
    assert sent == WINDOW_BYTES
    credit.add(5)
    assert (credit.take(10), credit.take(10)) == (5, 0)


def test_who_sends_more_than_allowed_is_found_out() -> None:
    """Otherwise the memory of this side would be theirs."""
    debt = Debt()
    debt.arrived(WINDOW_BYTES)
    assert debt.consumed(WINDOW_BYTES // 2 - 1) == 0
    assert debt.consumed(1) == WINDOW_BYTES // 2
    debt.arrived(WINDOW_BYTES // 2)
    with pytest.raises(ProtocolError, match="are allowed"):
        debt.arrived(1)


def test_a_window_says_how_much() -> None:
    """Four bytes, or it is none."""
    assert allowed(window(3, 70_000)) == 70_000
    with pytest.raises(ProtocolError):
        allowed(Frame(Kind.WINDOW, 3, b"abc"))
