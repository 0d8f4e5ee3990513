"""The OpenAPI 3.1 document, made from the table of routes and from the types that are answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any

from livecode import __version__
from livecode.http import schemas
from livecode.http.actions import ACTIONS
from livecode.http.exchange import JSON, PROBLEM, TEXT
from livecode.http.routes import DOCUMENT, MODULE, Route
from livecode.model.nouns import ProcessStatus
from livecode.model.pushes import LoggedPush
from livecode.model.report import Report
from livecode.model.schema import WHERE, Schema, definitions, schema_of

ABOUT = """\
Edits a running Python service: sources become live together in all of its workers, or nowhere.

Every request needs `Authorization: Bearer …`; a token in the URL is refused. A token of the role `read` may GET, one of
the role `push` may POST, too. What can be expected of a push is a Report, whatever its status; what keeps a request
from being carried out is a problem (RFC 9457), which says where and what to do next. `Accept: text/plain` gives what
people see in a terminal."""

_TOLD = {
    200: "Done: LIVE, SAME, CANARY, or READY for a dry run.",
    409: "Somebody else pushes, or has pushed meanwhile: nothing was changed.",
    422: "NOT SENT, REFUSED, ROLLED BACK or UNDONE: what ran before runs on every worker.",
    500: "HALTED: a worker must be restarted. As a problem: livecode failed, and the server's log says how.",
    504: "UNKNOWN: a worker did not answer.",
}
_PROBLEMS = {
    400: "The request cannot be meant: it says where and what was expected. Also a token in the URL.",
    401: "No valid token.",
    403: "The token is for reading only.",
    404: "There is nothing at this path, or no such module or version.",
    413: "The body is larger than is accepted.",
    415: "The body is not JSON, or compressed.",
    422: "The module's file in the folder cannot be read as source.",
    500: "livecode failed; the server's log says how.",
    502: "A worker runs another version of livecode.",
    503: "The service or its log cannot be reached, or too much is asked at once.",
    504: "A worker did not answer.",
}


def document(routes: Iterable[Route], mount: str, max_body_bytes: int) -> Mapping[str, Any]:
    """The document for an endpoint that is mounted there."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, max_body_bytes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "livecode", "version": __version__, "description": ABOUT},
        "servers": [{"url": mount or "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _components(),
        },
    }


def _operation(route: Route, max_body_bytes: int) -> dict[str, Any]:
    action = ACTIONS.get(route.action)
    operation: dict[str, Any] = {
        "operationId": route.action,
        "summary": cleandoc(action.__doc__ or "") if action else "This document.",
        "description": f"Needs a token of the role `{route.role.value}`.",
        "responses": _responses(route),
    }
    if MODULE in route.path:
        operation["parameters"] = [{"name": "module", "in": "path", "required": True, "schema": schemas.MODULE}]
    if route.query:
        query = [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
        operation["parameters"] = [*operation.get("parameters", ()), *query]
    if route.body is not None:
        operation["requestBody"] = {
            "required": route.needs_body,
            "description": f"At most {max_body_bytes} bytes.",
            "content": {JSON: {"schema": route.body}},
        }
    return operation


def _responses(route: Route) -> dict[str, Any]:
    is_report = route.answer == "Report"
    told = {200: _TOLD[200] if is_report else "What was asked for."}
    if is_report:
        told |= _TOLD
    problems = {status: said for status, said in _PROBLEMS.items() if _can_be(route, status)}
    responses = {}
    for status in sorted({*told, *problems}):
        content: dict[str, Any] = {}
        if status in told:
            content[JSON] = {"schema": {"$ref": WHERE + route.answer}}
            if route.answer != "OpenAPI":
                content[TEXT] = {"schema": {"type": "string"}}
        if status in problems:
            content[PROBLEM] = {"schema": {"$ref": WHERE + "Problem"}}
        responses[str(status)] = {"description": told.get(status) or problems[status], "content": content}
    return responses


def _can_be(route: Route, status: int) -> bool:
    """True if this problem can be the answer of the route."""
    match status:
        case 403:
            return route.method != "GET"
        case 404:
            return True
        case 413 | 415:
            return route.body is not None
        case 422:
            return route.answer == "Diff"
        case 502 | 504:
            return route.action != DOCUMENT
    return True


def _components() -> dict[str, Schema]:
    found = definitions(Report, ProcessStatus, LoggedPush)
    report = found["Report"]
    report["properties"] = {"ok": {"type": "boolean", "description": "As it was wished."}, **report["properties"]}
    report["required"] = ["ok", *report["required"]]
    text: Schema = {"type": "string"}
    return {
        **found,
        "Status": _object(
            service=text, workers={"type": "array", "items": schema_of(ProcessStatus), "description": "One a worker."}
        ),
        "Log": _object(
            service=text, pushes={"type": "array", "items": schema_of(LoggedPush), "description": "Newest first."}
        ),
        "Source": _object(
            module=text,
            version={"type": "integer"},
            checksum={"type": "string", "description": "SHA-256 of the source, in hex."},
            author=text,
            reason=text,
            since={"type": "number", "description": "Seconds since the epoch; 0 for what was imported."},
            source=text,
        ),
        "Diff": _object(
            module=text,
            file={"type": "string", "description": "From the folder on."},
            same={"type": "boolean"},
            diff={
                "type": "array",
                "items": text,
                "description": "A unified diff, from what runs to the file.",
            },
        ),
        "Problem": _object(
            title=text,
            status={"type": "integer"},
            detail={"type": "string", "description": "What happened, and why. Nothing was changed."},
            where={"type": "string", "description": "A JSON pointer into the body, or `query …`, `path …`."},
            next={"type": "string", "description": "What to do."},
        ),
        "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
