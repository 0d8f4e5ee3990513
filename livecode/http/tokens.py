"""Bearer tokens: who may ask, and for what. Pure.

$LIVECODE_HTTP_TOKENS     ci:push:8f…c1 board:read:27…9e
                          name, role, secret; several are separated by spaces, line ends or commas
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from livecode.errors import UsageError

ENVIRONMENT = "LIVECODE_HTTP_TOKENS"
"""The tokens where none are given."""

FILE_ENVIRONMENT = "LIVECODE_HTTP_TOKENS_FILE"
"""The path of a file that lists them, where that is empty: what a system of secrets mounts."""

MIN_SECRET = 16
"""Characters of a secret at least: shorter ones can be guessed."""

MAKE_ONE = "livecode keygen NAME"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SECRET = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # what a header can carry: RFC 6750, section 2.1
_HEADER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*) *")


class Role(StrEnum):
    """What a token is good for."""

    READ = "read"  # what runs, the log, sources
    PUSH = "push"  # all of that, and what changes the service


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that somebody was given.

    Args:
        name: Whose it is: the author of what is pushed with it. Letters, digits, dots, hyphens, underscores.
        secret: At least `MIN_SECRET` characters of those that a header can carry; it is shown nowhere.
        role: What it is good for.

    Raises:
        UsageError: One of them cannot be; says which, never the secret.
    """

    name: str
    secret: str = field(repr=False)
    role: Role = Role.READ

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError("a token's name is 1 to 40 letters, digits, dots, hyphens or underscores, such as 'ci'")
        if not isinstance(self.secret, str) or not _SECRET.fullmatch(self.secret) or len(self.secret) < MIN_SECRET:
            raise UsageError(
                f"the secret of token {self.name!r} must be {MIN_SECRET} or more of the characters "
                f"A-Z a-z 0-9 . _ ~ + / -; make one: {MAKE_ONE}"
            )
        if self.role not in tuple(Role):
            raise UsageError(f"the role of token {self.name!r} is 'read' or 'push', not {self.role!r}")
        object.__setattr__(self, "role", Role(self.role))


class Keyring:
    """The tokens of one endpoint, as digests: the secrets themselves are not kept.

    Raises:
        UsageError: Two of them have the same name or secret.
    """

    __slots__ = ("_by_digest",)

    def __init__(self, tokens: Iterable[Token]) -> None:
        tokens = tuple(tokens)
        if strange := next((each for each in tokens if not isinstance(each, Token)), None):
            raise UsageError(f"tokens are livecode.http.Token values, not {type(strange).__name__}")
        names = [token.name for token in tokens]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"two tokens are called {twice!r}: the log could not tell them apart")
        if len({token.secret for token in tokens}) < len(tokens):
            raise UsageError("two tokens have the same secret: whose request it is could not be told")
        self._by_digest = tuple((_digest(token.secret.encode()), token.name, token.role) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._by_digest)

    def holder(self, presented: bytes) -> Bearer | None:
        """Who holds this secret; None if nobody does.

        Every token is compared, as digests of one length and in constant time, whether one was found or not: how long
        it takes says nothing about any of them.
        """
        digest, found = _digest(presented), None
        for known, name, role in self._by_digest:
            if hmac.compare_digest(known, digest):
                found = Bearer(name, role)
        return found


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody who has shown a token: its name and its role."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """True for what this role does."""
        return self.role is Role.PUSH or role is Role.READ


def secret_in(header: bytes) -> bytes | None:
    """The secret of an ``Authorization`` header; None if it is of another kind."""
    found = _HEADER.fullmatch(header)
    return found[1] if found else None


def tokens_in(text: str) -> tuple[Token, ...]:
    """The tokens that a text lists, as the environment variable does.

    Raises:
        UsageError: It is not ``name:role:secret``; says which entry by its number, and nothing of what it says.
    """
    tokens = []
    for number, entry in enumerate(re.split(r"[,\s]+", text.strip(", \t\r\n")) if text.strip(", \t\r\n") else (), 1):
        parts = entry.split(":")
        if len(parts) != 3:
            raise UsageError(f"token {number} is not name:role:secret, such as ci:push:… (role: read or push)")
        if parts[1] not in tuple(Role):
            raise UsageError(f"token {number} has another role than read or push: write name:role:secret")
        tokens.append(Token(parts[0], parts[2], Role(parts[1])))
    return tuple(tokens)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
