"""`livecode keygen`: a token that the HTTP endpoint takes, and where it goes."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

import livecode.http
from livecode.errors import UsageError
from livecode.http.tokens import Role, tokens_in
from tests.front.typed import printed, typed


def test_in_a_pipe_it_is_what_the_service_is_told() -> None:
    """Nothing else is printed, so that a shell can put it into the environment."""
    (token,) = tokens_in(typed("keygen", "ci", "--role", "push").stdout)
    assert (token.name, token.role) == ("ci", Role.PUSH)
    assert len(token.secret) >= 43  # 256 bits
    assert printed("keygen", "ci")["secret"] != printed("keygen", "ci")["secret"]


def test_it_reads_only_unless_asked() -> None:
    """The lesser right is the default."""
    (token,) = tokens_in(printed("keygen", "board")["entry"])
    assert token.role is Role.READ


def test_a_file_of_them_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It is made so, grows, and nothing of it is printed."""
    file = tmp_path / "tokens"
    shown = typed("keygen", "ci", "--role", "push", "--file", str(file)).stdout
    shown += typed("keygen", "board", "--file", str(file), "--json").stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tokens = tokens_in(file.read_text())
    assert [(token.name, token.role) for token in tokens] == [("ci", Role.PUSH), ("board", Role.READ)]
    assert not any(token.secret in shown for token in tokens)


@pytest.mark.parametrize(
    ("before", "mode", "why"),
    [
        (b"ci:push:0123456789abcdef", 0o600, "two tokens are called 'ci'"),
        (b"ci:push:0123456789abcdef", 0o640, "others can read or write"),
        (b"[section]\n", 0o600, "not name:role:secret"),
        (b"\xff\xfe", 0o600, "is no text"),
    ],
)
def test_a_file_that_cannot_take_it_is_as_it_was(tmp_path: Path, before: bytes, mode: int, why: str) -> None:
    """Nobody's secrets are spoilt, and none is given away."""
    file = tmp_path / "tokens"
    file.write_bytes(before)
    file.chmod(mode)
    done = typed("keygen", "ci", "--file", str(file))
    assert (done.exit_code, done.stdout, file.read_bytes()) == (2, "", before)
    assert why in done.stderr
    assert "0123456789abcdef" not in done.stderr


@pytest.mark.parametrize("arguments", [("a b",), ("ci", "--role", "admin"), ("ci", "--file", "/no/such/folder/tokens")])
def test_what_cannot_be_meant(arguments: tuple[str, ...]) -> None:
    """Misuse, and no token."""
    done = typed("keygen", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")


async def _status(app: livecode.http.AsgiApp) -> int:
    """What it answers to somebody without a token."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/status", "raw_path": b"/status", "headers": []}
    await app({**scope, "query_string": b"", "root_path": ""}, receive, send)  # type: ignore[arg-type]
    return int(str(sent[0]["status"]))


def test_the_endpoint_takes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for a token then, where it would be off; a file that cannot be read is no endpoint that is off unseen."""
    file = tmp_path / "tokens"
    monkeypatch.delenv("LIVECODE_HTTP_TOKENS", raising=False)
    monkeypatch.setenv("LIVECODE_HTTP_TOKENS_FILE", str(file))
    with pytest.raises(UsageError, match="cannot be read"):
        livecode.http.app("shop")
    typed("keygen", "ci", "--file", str(file))
    assert asyncio.run(_status(livecode.http.app("shop"))) == 401
    (tmp_path / "tokens").write_text("")
    assert asyncio.run(_status(livecode.http.app("shop"))) == 404
