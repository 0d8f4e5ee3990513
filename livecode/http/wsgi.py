"""The endpoint as a WSGI application: for Flask, Django, or a server alone.

A push is carried out within the request. The worker that answers is asked through its own door like the others, whose
thread does what is to be done there: so it does not matter how many threads the server has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeAlias

from livecode.http.endpoint import Admitted, Endpoint
from livecode.http.exchange import Head, Response

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Wsgi: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

PIECE = 64 * 1024


class WsgiApp:
    """What a server or a framework calls.

    Args:
        endpoint: What answers.
        around: The application that answers everything that is not below `at`; None if all is for the endpoint.
        at: Where the endpoint is, within `around`: ``/livecode``.
    """

    def __init__(self, endpoint: Endpoint, around: Wsgi | None = None, at: str = "") -> None:
        self._endpoint, self._around, self._at = endpoint, around, at

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if self._around is not None and path != self._at and not path.startswith(self._at + "/"):
            return self._around(environ, start_response)
        admitted = self._endpoint.admit(_head(environ, self._at))
        response = admitted if isinstance(admitted, Response) else self._answer(admitted, environ)
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(response.headers))
        return [response.body]

    def _answer(self, admitted: Admitted, environ: Environ) -> Response:
        limit = self._endpoint.max_body_bytes
        body = _read(environ, admitted.head.content_length, limit) if admitted.reads_body else b""
        if len(body) > limit:
            return self._endpoint.too_large(admitted)
        return self._endpoint.answer(admitted, body)


def _head(environ: Environ, at: str) -> Head:
    length = environ.get("CONTENT_LENGTH") or ""
    path = _text(environ.get("PATH_INFO", ""))
    authorization = environ.get("HTTP_AUTHORIZATION")
    return Head(
        environ["REQUEST_METHOD"].upper(),
        path[len(at) :],
        _text(environ.get("SCRIPT_NAME", "")).rstrip("/") + at,
        environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        () if authorization is None else (authorization.encode("latin-1", "replace"),),
        environ.get("CONTENT_TYPE") or "",
        environ.get("HTTP_CONTENT_ENCODING", ""),
        environ.get("HTTP_ACCEPT", ""),
        int(length) if length.isascii() and length.isdigit() else None,
        environ.get("REMOTE_ADDR") or "",
    )


def _text(native: str) -> str:
    """What WSGI hands on as Latin-1 (PEP 3333); what is not UTF-8 becomes a character that fits nowhere."""
    return native.encode("latin-1", "replace").decode("utf-8", "replace")


def _read(environ: Environ, length: int | None, limit: int) -> bytes:
    """The body; more than `limit` bytes of one that is too long, and no more of it.

    Without a length it is read to its end where the server says that there is one: of any other, reading would wait
    for what never comes.
    """
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    stream, body = environ["wsgi.input"], bytearray()
    wanted = limit + 1 if length is None else min(length, limit + 1)
    while len(body) < wanted:
        piece = stream.read(min(PIECE, wanted - len(body)))
        if not piece:
            break
        body += piece
    return bytes(body)
