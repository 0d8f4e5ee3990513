"""The two shells: what they read, how much of it, and what they leave alone."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import livecode
from livecode.errors import UsageError
from livecode.http.asgi import AsgiApp
from livecode.http.wsgi import WsgiApp
from tests.http.asking import PUSH_SECRET, TOKENS
from tests.http.fakes import FakeService, endpoint

PUSH = json.dumps({"modules": {"a": "x = 2\n"}}).encode()
MIB = 1024 * 1024


def scope(method: str = "POST", path: str = "/push", **more: Any) -> dict[str, Any]:
    """An HTTP request with a token."""
    headers = [(b"authorization", b"Bearer " + PUSH_SECRET.encode()), (b"content-type", b"application/json")]
    return {"type": "http", "method": method, "path": path, "headers": headers, "client": ("10.0.0.7", 1), **more}


async def call(app: AsgiApp, asked: dict[str, Any], messages: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an application sends."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asked, receive, send)
    return sent


def body(*pieces: bytes) -> Iterator[dict[str, Any]]:
    """The messages that a body arrives in."""
    for piece in pieces:
        yield {"type": "http.request", "body": piece, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


def test_a_body_may_come_in_pieces() -> None:
    """However small they are."""
    service = FakeService()
    sent = asyncio.run(call(AsgiApp(endpoint(service)), scope(), body(*(PUSH[i : i + 1] for i in range(len(PUSH))))))
    assert sent[0]["status"] == 200
    assert service.calls[0][1] == {"a": "x = 2\n"}


def test_a_body_without_an_end_is_cut_off() -> None:
    """Of a gigabyte in pieces no more is read than the limit and one piece."""
    read = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal read
        for _ in range(1024):
            read += MIB
            yield {"type": "http.request", "body": bytes(MIB), "more_body": True}

    sent = asyncio.run(call(AsgiApp(endpoint(FakeService(), limit=4 * MIB)), scope(), endless()))
    assert (sent[0]["status"], read) == (413, 5 * MIB)


def test_a_body_that_says_its_length_is_not_even_read() -> None:
    """Nor that of somebody without a token."""
    asked = scope()
    asked["headers"].append((b"content-length", str(1024 * MIB).encode()))
    assert asyncio.run(call(AsgiApp(endpoint(FakeService())), asked, iter(())))[0]["status"] == 413
    asked["headers"] = []
    assert asyncio.run(call(AsgiApp(endpoint(FakeService())), asked, iter(())))[0]["status"] == 401


def test_a_client_that_goes_away_before_all_is_there_changes_nothing() -> None:
    """There is nobody to answer."""
    service = FakeService()
    pieces = iter([{"type": "http.request", "body": PUSH, "more_body": True}, {"type": "http.disconnect"}])
    assert asyncio.run(call(AsgiApp(endpoint(service)), scope(), pieces)) == []
    assert service.calls == []


def test_the_loop_goes_on_while_a_push_waits_for_it() -> None:
    """A push needs the loop of the very worker that answers."""

    async def story() -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()

        def needs_loop() -> None:
            had = threading.Event()
            loop.call_soon_threadsafe(had.set)
            assert had.wait(20)

        return await call(AsgiApp(endpoint(FakeService(meanwhile=needs_loop))), scope(), body(PUSH))

    assert asyncio.run(story())[0]["status"] == 200


def test_a_push_ends_although_the_request_was_cancelled() -> None:
    """As a whole, and in the log."""
    began, go, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        assert go.wait(20)
        ended.set()

    async def story() -> None:
        asked = asyncio.create_task(call(AsgiApp(endpoint(FakeService(meanwhile=slow))), scope(), body(PUSH)))
        await asyncio.to_thread(began.wait, 20)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        go.set()
        assert await asyncio.to_thread(ended.wait, 20)

    asyncio.run(story())


def test_what_ends_the_thread_ends_the_request() -> None:
    """Nobody waits for ever for what will not come."""

    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(RuntimeError, match="SystemExit"):
        asyncio.run(call(AsgiApp(endpoint(FakeService(meanwhile=leave))), scope(), body(PUSH)))


@pytest.mark.parametrize(
    ("path", "root"),
    [("/push", ""), ("/livecode/push", "/livecode"), ("/push", "/livecode"), ("/a/livecode/push", "/a/livecode/")],
)
def test_a_mount_is_left_out_of_the_path(path: str, root: str) -> None:
    """Whether a server leaves it in the path or not."""
    asked = scope(path=path, root_path=root)
    assert asyncio.run(call(AsgiApp(endpoint(FakeService())), asked, body(PUSH)))[0]["status"] == 200


def test_what_is_not_below_the_place_goes_to_the_application_around() -> None:
    """Web sockets, the life of the server and other paths do, also near ones."""
    seen: list[Any] = []

    async def around(asked: Any, receive: Any, send: Any) -> None:
        seen.append(asked.get("path", asked["type"]))

    app = AsgiApp(endpoint(FakeService()), around, "/livecode")
    for asked in (
        scope(path="/"),
        scope(path="/livecodes"),
        {"type": "lifespan"},
        {"type": "websocket", "path": "/livecode/x"},
    ):
        asyncio.run(call(app, asked, body()))
    assert seen == ["/", "/livecodes", "lifespan", "/livecode/x"]
    assert asyncio.run(call(app, scope(path="/livecode/push"), body(PUSH)))[0]["status"] == 200


def test_alone_it_lives_and_takes_no_web_socket() -> None:
    """A server starts and stops it, and a web socket is closed."""
    app = AsgiApp(endpoint(FakeService()))
    life = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    assert [m["type"] for m in asyncio.run(call(app, {"type": "lifespan"}, life))] == [
        *("lifespan.startup.complete", "lifespan.shutdown.complete")
    ]
    sent = asyncio.run(call(app, {"type": "websocket", "path": "/push"}, iter([{"type": "websocket.connect"}])))
    assert [m["type"] for m in sent] == ["websocket.close"]


class Endless(io.RawIOBase):
    """A body of a gigabyte, which tells how much of it was read."""

    def __init__(self) -> None:
        self.was_read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert 0 < size <= MIB
        self.was_read += size
        return bytes(size)


def wsgi(app: WsgiApp, stream: Any, **more: Any) -> tuple[str, bytes]:
    """What a WSGI application answers."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/push",
        "CONTENT_TYPE": "application/json",
        "HTTP_AUTHORIZATION": f"Bearer {PUSH_SECRET}",
        "wsgi.input": stream,
        **more,
    }
    started: list[str] = []
    pieces = app(environ, lambda status, headers: started.append(status))
    return started[0], b"".join(pieces)


def test_a_wsgi_body_is_as_long_as_it_says() -> None:
    """Not a byte more is read: the connection may stay open behind it."""
    service = FakeService()
    status, _ = wsgi(WsgiApp(endpoint(service)), io.BytesIO(PUSH + b"next request"), CONTENT_LENGTH=str(len(PUSH)))
    assert status == "200 OK"
    assert service.calls[0][1] == {"a": "x = 2\n"}


def test_a_wsgi_body_in_pieces_is_cut_off() -> None:
    """Where the server says that it has an end; else none is read."""
    stream = Endless()
    app = WsgiApp(endpoint(FakeService(), limit=4 * MIB))
    assert wsgi(app, stream, **{"wsgi.input_terminated": True})[0].startswith("413")
    assert stream.was_read == 4 * MIB + 1
    stream = Endless()
    assert wsgi(app, stream)[0].startswith("400")
    assert wsgi(app, stream, CONTENT_LENGTH=str(1024 * MIB))[0].startswith("413")
    assert stream.was_read == 0


def test_a_wsgi_path_is_utf8() -> None:
    """What is not is nothing that there is."""
    path = "/modules/é".encode().decode("latin-1")
    status, said = wsgi(WsgiApp(endpoint(FakeService())), io.BytesIO(), REQUEST_METHOD="GET", PATH_INFO=path)
    assert (status, "é" in said.decode()) == ("404 Not Found", True)
    status, _ = wsgi(WsgiApp(endpoint(FakeService())), io.BytesIO(), REQUEST_METHOD="GET", PATH_INFO="/modules/\xe9")
    assert status == "404 Not Found"


def test_what_cannot_be_meant_is_said_when_it_is_mounted() -> None:
    """Not at the first request; no secret is repeated."""
    wrong: list[dict[str, Any]] = [
        {"service": "a/b"},
        {"folder": "/"},
        {"tokens": "ci:push:tooshort"},
        {"tokens": ["x"]},
        {"max_body_bytes": 0},
        {"at": "/livecode"},
        {"around": lambda *_: None},
        {"around": lambda *_: None, "at": "livecode"},
        {"around": lambda *_: None, "at": "/livecode/"},
    ]
    for arguments in wrong:
        for make in (livecode.http.app, livecode.http.wsgi):
            with pytest.raises(UsageError) as raised:
                make(**{"tokens": TOKENS, **arguments})
            assert "tooshort" not in str(raised.value)


def test_it_is_off_where_livecode_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """LIVECODE=0 and no token are off, and each says why, once."""
    monkeypatch.setenv("LIVECODE_HTTP_TOKENS", TOKENS)
    monkeypatch.setenv("LIVECODE", "0")
    off = livecode.http.app()
    monkeypatch.delenv("LIVECODE")
    on = livecode.http.app("shop")
    monkeypatch.delenv("LIVECODE_HTTP_TOKENS")
    also_off = livecode.http.app()
    statuses = [asyncio.run(call(app, scope("GET", "/nothing"), body()))[0]["status"] for app in (off, on, also_off)]
    assert statuses == [404, 404, 404]
    assert [asyncio.run(call(app, scope("GET", "/push"), body()))[0]["status"] for app in (off, on)] == [404, 405]
    assert [record.getMessage().partition("(")[2][:10] for record in caplog.records] == ["LIVECODE=0", "no token: "]
