"""Tokens: what they are, how they are compared, what is said of bad ones."""

from __future__ import annotations

import hmac

import pytest

from livecode.errors import UsageError
from livecode.http import tokens
from livecode.http.tokens import Keyring, Role, Token, secret_in, tokens_in

ONE, OTHER = "0123456789abcdef", "fedcba9876543210"


def test_the_environment_lists_names_roles_and_secrets() -> None:
    """Several are separated by spaces or commas."""
    assert tokens_in(f"ci:push:{ONE}, board:read:{OTHER}") == (
        Token("ci", ONE, Role.PUSH),
        Token("board", OTHER, Role.READ),
    )
    assert tokens_in("  ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "ci",
        f"ci:{ONE}",
        f"ci:admin:{ONE}",
        "ci:push:short-secret",
        f"ci:push:{ONE}:more",
        f"c i:push:{ONE}",
        f":read:{ONE}",
    ],
)
def test_what_is_no_token_is_refused_without_being_repeated(text: str) -> None:
    """The message tells the number or the name of the token, never a secret."""
    with pytest.raises(UsageError) as raised:
        tokens_in(text)
    assert ONE not in str(raised.value)
    assert "short-secret" not in str(raised.value)


def test_two_of_the_same_name_or_secret_are_refused() -> None:
    """The log could not tell whose push it was."""
    for pair in ((Token("a", ONE), Token("a", OTHER)), (Token("a", ONE), Token("b", ONE))):
        with pytest.raises(UsageError):
            Keyring(pair)


def test_a_secret_is_shown_nowhere() -> None:
    """Not by the token, and not by what holds it."""
    token = Token("ci", ONE, Role.PUSH)
    keyring = Keyring([token])
    held = [getattr(keyring, name) for name in keyring.__slots__]
    assert ONE not in repr(token) + repr(keyring) + repr(held)


def test_every_token_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is the same for the first one, the last one, a wrong one, a short one and none."""
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counted(known: bytes, given: bytes) -> bool:
        compared.append((len(known), len(given)))
        return real(known, given)

    monkeypatch.setattr(tokens.hmac, "compare_digest", counted)
    keyring = Keyring([Token("a", ONE, Role.PUSH), Token("b", OTHER)])
    found = [
        keyring.holder(secret) for secret in (ONE.encode(), OTHER.encode(), b"x", b"", ONE.encode()[:-1], b"y" * 5000)
    ]
    assert [bearer.name if bearer else None for bearer in found] == ["a", "b", None, None, None, None]
    assert compared == [(32, 32)] * 12


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer  abc== ", b"abc=="),
        (b"Basic abc", None),
        (b"Bearer", None),
        (b"Bearer a b", None),
        (b"Bearer \xff", None),
        (b"Bearer abc\n", None),
    ],
)
def test_the_header(header: bytes, secret: bytes | None) -> None:
    """One secret of the kind Bearer, of characters that RFC 6750 allows."""
    assert secret_in(header) == secret


def test_who_may_push_may_read() -> None:
    """And not the other way round."""
    keyring = Keyring([Token("a", ONE, Role.PUSH), Token("b", OTHER)])
    pusher, reader = keyring.holder(ONE.encode()), keyring.holder(OTHER.encode())
    assert pusher is not None
    assert reader is not None
    assert [pusher.may(Role.PUSH), pusher.may(Role.READ), reader.may(Role.PUSH), reader.may(Role.READ)] == [
        *(True, True, False, True)
    ]
