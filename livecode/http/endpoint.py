"""The endpoint itself, without any protocol: what is admitted, and what is answered.

    Head ── admit() ──▶ Response              refused: the body is not even read
                  └───▶ Admitted ── body ── answer() ──▶ Response

`admit` decides by the head alone, at once. `answer` takes as long as a push does, and never raises: it must be called
where nothing waits for it but the caller.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livecode.errors import LivecodeError
from livecode.fleet.listen import listening
from livecode.http.exchange import (
    JSON,
    TEXT,
    Head,
    Problem,
    Response,
    respond,
    respond_problem,
    respond_text,
)
from livecode.http.parsing import parameters, parse_json, parse_query
from livecode.http.routes import DOCUMENT, Match, match, there
from livecode.http.schemas import check
from livecode.http.tokens import Bearer, Keyring, Role, secret_in

if TYPE_CHECKING:
    from livecode.fleet.service import Service
    from livecode.http.answers import Answer
    from livecode.http.mounted import CodeFolder

logger = logging.getLogger("livecode.http")

MAX_AT_ONCE = 16
"""Requests that are carried out at the same time in one process; more are told to come again."""

QUIET_S = 10.0
"""Wrong tokens are told in the log at most so often: nobody can fill it."""

_IN_URL = frozenset({"token", "access_token", "auth_token", "api_key", "apikey", "key", "bearer", "authorization"})

FAULT = Problem(500, "livecode failed", "the server's log says how; please report it")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be carried out once its body is there.

    Attributes:
        head: All but the body.
        match: What is asked for.
        bearer: Who asks.
        query: The query parameters.
    """

    head: Head
    match: Match
    bearer: Bearer
    query: Mapping[str, Any]

    @property
    def reads_body(self) -> bool:
        """True if what was sent is of interest."""
        return self.match.route.body is not None


class Endpoint:
    """What is mounted: tokens, the folder, limits.

    Args:
        service_of: Gives a request the service of that name.
        service: Its name; empty for the one that this process listens as.
        keyring: Who may ask. Without a token everything is answered as if nothing were there.
        folder: Where a reload takes its sources from.
        max_body_bytes: A longer body is refused.
    """

    def __init__(
        self,
        service_of: Callable[[str], AbstractContextManager[Service]],
        service: str,
        keyring: Keyring,
        folder: CodeFolder | None,
        max_body_bytes: int,
    ) -> None:
        self.max_body_bytes = max_body_bytes
        self._service_of, self._service, self._keyring, self._folder = service_of, service, keyring, folder
        self._routes = there(folder is not None)
        self._free = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._wrong, self._told_at = 0, -QUIET_S

    def admit(self, head: Head) -> Admitted | Response:
        """Whether a request may be carried out, by its head."""
        try:
            return self._admitted(head)
        except Problem as problem:
            return respond_problem(problem)

    def too_large(self, admitted: Admitted) -> Response:
        """What is said of a body that was cut off."""
        logger.warning("%s: a body over %d bytes was cut off", _author(admitted), self.max_body_bytes)
        return respond_problem(self._too_large())

    def answer(self, admitted: Admitted, body: bytes) -> Response:
        """Carries out a request. There is always a response, and a line in the log if something may have changed."""
        if not self._free.acquire(blocking=False):
            what = f"{MAX_AT_ONCE} requests are being carried out already"
            return respond_problem(Problem(503, what, "try again in a moment", headers=(("Retry-After", "1"),)))
        began = time.perf_counter()
        try:
            response, said = self._answered(admitted, body)
        finally:
            self._free.release()
        if admitted.match.route.role is Role.PUSH:
            _audit(admitted, said, time.perf_counter() - began)
        return response

    def _answered(self, admitted: Admitted, body: bytes) -> tuple[Response, str]:
        """The response, and what is said of it in the log."""
        try:
            answer = self._carry_out(admitted, body)
            if answer.text is not None and _prefers_text(admitted.head.accept):
                return respond_text(answer.status, answer.text()), answer.said
            return respond(answer.status, answer.plain), answer.said
        except Problem as problem:
            return respond_problem(problem), f"{problem.status} {problem.detail}"
        except LivecodeError as error:
            from livecode.http.answers import problem_of

            logger.warning("%s: %s", type(error).__name__, error)
            return respond_problem(problem_of(error)), type(error).__name__
        except Exception:
            logger.exception("livecode failed in %s %s", admitted.head.method, admitted.match.route.path)
            return respond_problem(FAULT), "livecode failed"

    def _admitted(self, head: Head) -> Admitted:
        if not self._keyring:
            raise Problem(404, "there is nothing at this path")
        self._must_not_be_in_url(head)
        bearer = self._bearer(head)
        found = match(self._routes, head.method, head.path)
        if not bearer.may(found.route.role):
            logger.warning("%s may only read, and asked for %s %s", bearer.name, head.method, found.route.path)
            what = f"the token {bearer.name!r} is for reading only"
            raise Problem(403, what, "ask whoever runs the service for one of the role push")
        query = parse_query(head.query, found.route.query)
        if found.route.body is not None:
            self._must_be_acceptable(head)
        return Admitted(head, found, bearer, query)

    def _must_not_be_in_url(self, head: Head) -> None:
        """A token in a URL ends up in logs and histories: it is refused even where the header has a good one."""
        pairs = parameters(head.query)
        shown = [text.encode("utf-8", "replace") for text in (*(value for _, value in pairs), *head.path.split("/"))]
        holders = [holder.name for each in shown if (holder := self._keyring.holder(each)) is not None]
        if holders:
            logger.warning("the token %r was sent in a URL from %s: make a new one", holders[0], head.client or "?")
        if holders or any(name.lower().replace("-", "_") in _IN_URL for name, _ in pairs):
            what = "a token does not belong into a URL, which ends up in logs and histories: it was not used"
            way = "send the header Authorization: Bearer …, and make a new token if this was a good one"
            raise Problem(400, what, way, "query")

    def _bearer(self, head: Head) -> Bearer:
        said = head.authorization
        secret = secret_in(said[0]) if len(said) == 1 else None
        bearer = self._keyring.holder(secret or b"")
        if bearer is not None:
            return bearer
        if not said:
            wanted = 'Bearer realm="livecode"'
            what = "this needs a token"
        else:
            self._count_wrong(head.client)
            wanted = 'Bearer realm="livecode", error="invalid_token"'
            what = "the token is not valid"
        raise Problem(401, what, "send the header Authorization: Bearer …", headers=(("WWW-Authenticate", wanted),))

    def _count_wrong(self, client: str) -> None:
        self._wrong += 1
        now = time.monotonic()
        if now - self._told_at >= QUIET_S:
            logger.warning("a wrong token from %s (%d since the last line)", client or "?", self._wrong)
            self._wrong, self._told_at = 0, now

    def _must_be_acceptable(self, head: Head) -> None:
        if head.content_encoding not in ("", "identity"):
            raise Problem(415, "a compressed body is not read", "send it as it is", "header Content-Encoding")
        kind, _, options = head.content_type.partition(";")
        is_json = kind.strip().lower() == JSON and ("charset" not in options.lower() or "utf-8" in options.lower())
        if not is_json and not (head.content_type == "" and head.content_length in (0, None)):
            raise Problem(415, "the body is not JSON", f"send the header Content-Type: {JSON}", "header Content-Type")
        if head.content_length is not None and head.content_length > self.max_body_bytes:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(413, f"the body is larger than {self.max_body_bytes} bytes", "push fewer modules at once", "/")

    def _carry_out(self, admitted: Admitted, body: bytes) -> Answer:
        # a service that nobody asks goes without all of it
        from livecode.http.actions import ACTIONS, Call
        from livecode.http.answers import Answer

        route = admitted.match.route
        if route.action == DOCUMENT:
            from livecode.http.openapi import document

            return Answer(200, document(self._routes, admitted.head.mount, self.max_body_bytes))
        plain: Any = {}
        if route.body is not None:
            plain = parse_json(body)
            check(route.body, plain)
        with self._service_of(self._name()) as service:
            call = Call(service, _author(admitted), plain, admitted.query, admitted.match.module, self._folder)
            return ACTIONS[route.action](call)

    def _name(self) -> str:
        listener = listening()
        name = self._service or (listener.name if listener is not None else "")
        if not name:
            what = "this process listens under no name, so it is not known which service is meant"
            raise Problem(503, what, "call livecode.listen(name) in it, or give the endpoint service=")
        return name


def _author(admitted: Admitted) -> str:
    """``ci@10.0.0.7``: the token and where it was used."""
    return f"{admitted.bearer.name}@{admitted.head.client or 'socket'}"


def _audit(admitted: Admitted, said: str, took_s: float) -> None:
    path = admitted.match.route.path
    logger.info(
        "%s POST %s: %s (%.0f ms)", _author(admitted), path, said.encode("unicode_escape").decode(), took_s * 1000
    )


def _prefers_text(accept: str) -> bool:
    """True if the first kind that is accepted is plain text; programs that do not care get JSON."""
    return accept.partition(",")[0].partition(";")[0].strip().lower() == TEXT
