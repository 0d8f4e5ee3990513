"""Frames: what goes in comes out, and everything else is refused in clear words."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from livecode.errors import ProtocolError
from livecode.fleet import wire


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected ends."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.mark.parametrize("message", [{}, {"text": "é\ud800\0\n"}, {"numbers": [1, -2.5, None, True]}])
def test_round_trip(pair: tuple[socket.socket, socket.socket], message: dict[str, object]) -> None:
    """What is sent is received, lone surrogates and null bytes included."""
    wire.send(pair[0], message, 1)
    assert wire.receive(pair[1], 1, 1) == message


def test_several_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    """Messages that come in together are given one after the other, also where one comes in pieces."""
    wire.send(pair[0], {"number": 1}, 1)
    second = wire.encode({"number": 2})
    pair[0].sendall(second[:7])
    frames = wire.Frames(pair[1])
    assert frames.next(1, 1) == {"number": 1}
    pair[0].sendall(second[7:] + second)
    assert [frames.next(1, 1), frames.next(1, 1)] == [{"number": 2}] * 2
    with pytest.raises(TimeoutError):
        frames.next(0.01, 1)
    pair[0].close()
    assert frames.next(1, 1) is None


def test_end_between_frames(pair: tuple[socket.socket, socket.socket]) -> None:
    """A clean end is no error."""
    pair[0].close()
    assert wire.receive(pair[1], 1, 1) is None


@pytest.mark.parametrize("half", [b"\0", b"\0\0\0\5", b"\0\0\0\5{}"])
def test_end_within_a_frame(pair: tuple[socket.socket, socket.socket], half: bytes) -> None:
    """An end within a frame says how much had come."""
    pair[0].sendall(half)
    pair[0].close()
    with pytest.raises(ConnectionResetError, match=r"closed after \d of \d bytes"):
        wire.receive(pair[1], 1, 1)


def test_too_slow(pair: tuple[socket.socket, socket.socket]) -> None:
    """The deadline is for the whole frame."""
    pair[0].sendall(b"\0\0\0\5{}")
    with pytest.raises(TimeoutError):
        wire.receive(pair[1], 1, 0.01)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b"\4\0\0\1", "at most 64 MiB"),
        (b"\xff\xff\xff\xff", "at most 64 MiB"),
        (b"\0\0\0\0", "not JSON"),
        (b"\0\0\0\1{", "not JSON"),
        (b"\0\0\0\2\xff\xfe", "not JSON"),
        (b"\0\0\0\2[]", "JSON object"),
        (b"\0\0\0\4null", "JSON object"),
        ((200_000).to_bytes(4, "big") + b"[" * 200_000, "not JSON"),
        ((9_000).to_bytes(4, "big") + b"1" * 9_000, "not JSON"),
    ],
)
def test_no_message(pair: tuple[socket.socket, socket.socket], frame: bytes, message: str) -> None:
    """Whatever is no JSON object within the limit is a ProtocolError that says what it is."""
    pair[0].settimeout(1)
    pair[0].sendall(frame)
    with pytest.raises(ProtocolError, match=message):
        wire.receive(pair[1], 1, 1)


def test_too_large_to_send() -> None:
    """The limit holds for who sends, too, before anything is sent."""
    with pytest.raises(ProtocolError, match="at most 64 MiB"):
        wire.encode({"source": "x" * wire.MAX_FRAME_BYTES})


def test_no_json_to_send() -> None:
    """What JSON cannot carry is refused with the reason."""
    with pytest.raises(ProtocolError, match="bytes is not JSON serializable"):
        wire.encode({"source": b"x"})
