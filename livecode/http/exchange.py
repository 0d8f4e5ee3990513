"""What comes in and what goes out, whichever protocol carries it. Pure.

Head        all of a request but its body
Response    status, headers, body
problem()   a Response that says what is wrong, where, and what to do next (RFC 9457)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain"

_ALWAYS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body.

    Attributes:
        method: In capitals.
        path: Below the place where the endpoint is mounted, decoded: ``/push``.
        mount: That place: ``/livecode``, or empty.
        query: The raw query string.
        authorization: The values of all ``Authorization`` headers.
        content_type: The ``Content-Type`` header, empty if there is none.
        content_encoding: The ``Content-Encoding`` header, empty if there is none.
        accept: The ``Accept`` header, empty if there is none.
        content_length: What the ``Content-Length`` header says, None if there is none or it is no number.
        client: The address that the request came from, empty if there is none.
    """

    method: str
    path: str
    mount: str = ""
    query: bytes = b""
    authorization: tuple[bytes, ...] = ()
    content_type: str = ""
    content_encoding: str = ""
    accept: str = ""
    content_length: int | None = None
    client: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Problem(Exception):  # noqa: N818 - it is an answer, raised where one is found
    """Why a request is not carried out: nothing was changed by it.

    Args:
        status: Of the response.
        detail: What happened, and why.
        way_out: What to do.
        where: The place in the body as a JSON pointer (``/policy/canary``), or ``query limit``, ``header …``.
        headers: More headers of the response.
    """

    def __init__(
        self, status: int, detail: str, way_out: str = "", where: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.way_out, self.where, self.headers = status, detail, way_out, where, headers


def respond(status: int, plain: Any, kind: str = JSON, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A Response with a JSON body."""
    try:
        body = json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # lone surrogates, which somebody has sent as escapes: they go back as those
        body = json.dumps(plain, allow_nan=False).encode()
    return _response(status, kind, body + b"\n", headers)


def respond_text(status: int, text: str) -> Response:
    """A Response for people."""
    return _response(status, TEXT + "; charset=utf-8", (text + "\n").encode("utf-8", "backslashreplace"))


def respond_problem(problem: Problem) -> Response:
    """The Response that tells of a problem."""
    said: Mapping[str, Any] = {
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "where": problem.where,
        "next": problem.way_out,
    }
    return respond(problem.status, said, PROBLEM, problem.headers)


def _response(status: int, kind: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    own = (("Content-Type", kind), ("Content-Length", str(len(body))))
    return Response(status, (*own, *_ALWAYS, *headers), body)
