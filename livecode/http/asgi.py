"""The endpoint as an ASGI application: for Starlette, FastAPI, or a server alone.

What is asked is carried out in a thread of its own: the event loop goes on, and a push that waits for it, to commit
between two of its callbacks, gets its turn. Such a thread ends its push also when the client has gone, or the
framework has given up on the request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

from livecode.http.endpoint import Admitted, Endpoint
from livecode.http.exchange import Head, Response

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiApp:
    """What a server or a framework calls.

    Args:
        endpoint: What answers.
        around: The application that answers everything that is not below `at`; None if all is for the endpoint.
        at: Where the endpoint is, within `around`: ``/livecode``.
    """

    def __init__(self, endpoint: Endpoint, around: Asgi | None = None, at: str = "") -> None:
        self._endpoint, self._around, self._at = endpoint, around, at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._around is not None and not (scope["type"] == "http" and self._is_ours(scope)):
            await self._around(scope, receive, send)
            return
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = self._endpoint.admit(_head(scope, self._at))
        response = admitted if isinstance(admitted, Response) else await self._answer(admitted, receive)
        if response is not None:
            await _send(response, send)

    async def _answer(self, admitted: Admitted, receive: Receive) -> Response | None:
        """The response; None if the client went away before all was there."""
        body: bytearray | None = bytearray()
        if admitted.reads_body:
            body = await _read(receive, self._endpoint.max_body_bytes)
            if body is None:
                return None
            if len(body) > self._endpoint.max_body_bytes:
                return self._endpoint.too_large(admitted)
        return await _in_thread(lambda: self._endpoint.answer(admitted, bytes(body or b"")))

    def _is_ours(self, scope: Scope) -> bool:
        path = _below(scope["path"], scope.get("root_path", ""))
        return path == self._at or path.startswith(self._at + "/")


def _head(scope: Scope, at: str) -> Head:
    root = scope.get("root_path", "").rstrip("/") + at
    headers = list(scope["headers"])
    length = _first(headers, b"content-length")
    client = scope.get("client")
    return Head(
        scope["method"].upper(),
        _below(scope["path"], root),
        root,
        scope.get("query_string", b""),
        tuple(value for name, value in headers if name.lower() == b"authorization"),
        _first(headers, b"content-type"),
        _first(headers, b"content-encoding"),
        _first(headers, b"accept"),
        int(length) if length.isascii() and length.isdigit() else None,
        str(client[0]) if client else "",
    )


def _below(path: str, root: str) -> str:
    """A path from the mount on; servers and frameworks differ in whether they leave the mount in it."""
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :]
    return path


def _first(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == wanted), "")


async def _read(receive: Receive, limit: int) -> bytearray | None:
    """The body; more than `limit` bytes of one that is too long, and no more of it; None if the client has gone."""
    body = bytearray()
    while len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


async def _send(response: Response, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _live(receive: Receive, send: Send) -> None:
    """Nothing is to be done at the start and at the end."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _in_thread(work: Callable[[], Response]) -> Response:
    """What the work comes to, done in a thread of its own, which nobody can interrupt.

    It is no thread of the loop's executor: that may be full of requests that wait for this very push.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Response] = loop.create_future()

    def tell(response: Response | None, error: BaseException | None) -> None:
        if not done.done() and response is not None:
            done.set_result(response)
        elif not done.done():
            done.set_exception(RuntimeError(f"the thread was ended by {error!r}"))

    def run() -> None:
        response, fatal = None, None
        try:
            response = work()
        except BaseException as error:  # the request would wait for ever
            fatal = error
        with suppress(RuntimeError):  # it is closed: the server has ended meanwhile
            loop.call_soon_threadsafe(tell, response, fatal)

    threading.Thread(target=run, name="livecode-http").start()
    return await done
