"""An HTTP endpoint for pushes, to mount in the service itself: behind a token, off without one.

    application.mount("/livecode", livecode.http.app(folder="/srv/next"))               # Starlette, FastAPI
    application = livecode.http.app(around=application, at="/livecode", folder="/srv/next")   # any ASGI application
    application = livecode.http.wsgi(around=application, at="/livecode", folder="/srv/next")  # Flask, Django, any WSGI

    LIVECODE_HTTP_TOKENS="ci:push:8f…c1 board:read:27…9e"

    POST /push     {"modules": {"shop.pricing": "…"}, "reason": "…"}
    POST /reload   what the folder holds of the loaded modules, and differs from what runs
    POST /undo     GET /status     GET /log     GET /modules/{module}     GET /openapi.json

Whichever worker answers: every worker of the service changes, or none. The answer is the push's Report as JSON.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from livecode.errors import UsageError
from livecode.fleet.listen import SWITCH
from livecode.fleet.rundir import check_name
from livecode.http.asgi import Asgi, AsgiApp
from livecode.http.attached import Attached
from livecode.http.endpoint import Endpoint
from livecode.http.mounted import CodeFolder
from livecode.http.tokens import ENVIRONMENT, FILE_ENVIRONMENT, Keyring, Role, Token, tokens_in
from livecode.http.wsgi import Wsgi, WsgiApp

__all__ = ["MAX_BODY_BYTES", "AsgiApp", "Role", "Token", "WsgiApp", "app", "wsgi"]

MAX_BODY_BYTES = 10 * 1024 * 1024
"""What a body may have where nothing else is said."""


def app(
    service: str = "",
    *,
    folder: str | os.PathLike[str] | None = None,
    tokens: str | Iterable[Token] | None = None,
    store: str = "",
    max_body_bytes: int = MAX_BODY_BYTES,
    around: Asgi | None = None,
    at: str = "",
) -> AsgiApp:
    """The endpoint as an ASGI application.

    Args:
        service: The name of the service; by default the one that this process listens as when it is asked.
        folder: Where ``POST /reload`` takes its sources from, laid out as they are imported: ``shop/pricing.py`` is
            ``shop.pricing``. It need not be there yet. Without one there is no such route.
        tokens: Who may ask, as values or as text (``"ci:push:SECRET board:read:SECRET"``); by default what
            ``$LIVECODE_HTTP_TOKENS`` says, or the file that ``$LIVECODE_HTTP_TOKENS_FILE`` names. Without any, every
            request is answered with 404.
        store: The URL of the service's store, where no worker of it is on this machine.
        max_body_bytes: A longer body is cut off and refused.
        around: An application that the endpoint is put into: it gets what is not below `at`.
        at: Where the endpoint is in that: ``/livecode``.

    Raises:
        UsageError: One of them cannot be meant; says which. Never repeats a secret.
    """
    at = _place(around is not None, at)
    return AsgiApp(_endpoint(service, folder, tokens, store, max_body_bytes), around, at)


def wsgi(
    service: str = "",
    *,
    folder: str | os.PathLike[str] | None = None,
    tokens: str | Iterable[Token] | None = None,
    store: str = "",
    max_body_bytes: int = MAX_BODY_BYTES,
    around: Wsgi | None = None,
    at: str = "",
) -> WsgiApp:
    """The endpoint as a WSGI application; the arguments are those of `app`."""
    at = _place(around is not None, at)
    return WsgiApp(_endpoint(service, folder, tokens, store, max_body_bytes), around, at)


def _endpoint(
    service: str,
    folder: str | os.PathLike[str] | None,
    tokens: str | Iterable[Token] | None,
    store: str,
    max_body_bytes: int,
) -> Endpoint:
    if service:
        check_name(service)
    if not isinstance(max_body_bytes, int) or max_body_bytes < 1:
        raise UsageError(f"max_body_bytes is a number of bytes above 0, not {max_body_bytes!r}")
    code = CodeFolder(folder) if folder is not None else None
    given = _of_environment() if tokens is None else tokens
    keyring = Keyring(tokens_in(given) if isinstance(given, str) else given)
    if os.environ.get(SWITCH) == "0":
        keyring = Keyring(())
    if not keyring:
        why = f"{SWITCH}=0" if os.environ.get(SWITCH) == "0" else f"no token: give tokens=, or set {ENVIRONMENT}"
        logging.getLogger("livecode.http").warning("the HTTP endpoint is off (%s): every request gets 404", why)

    return Endpoint(Attached(store).service, service, keyring, code, max_body_bytes)


def _of_environment() -> str:
    """The tokens that the environment lists, or the file that it names.

    Raises:
        UsageError: That file cannot be read: an endpoint that is off unseen would help nobody.
    """
    listed, path = os.environ.get(ENVIRONMENT, ""), os.environ.get(FILE_ENVIRONMENT, "")
    if listed.strip() or not path:
        return listed
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{FILE_ENVIRONMENT} names {path}, which cannot be read: {why}") from error


def _place(is_around: bool, at: str) -> str:
    """Where the endpoint is in an application around it.

    Raises:
        UsageError: The one is given without the other, or it is no path.
    """
    if is_around != bool(at):
        raise UsageError('around= and at= belong together: app(around=application, at="/livecode")')
    if at and (not at.startswith("/") or at.endswith("/") or "//" in at):
        raise UsageError(f'at= is a path such as "/livecode", not {at!r}')
    return at
