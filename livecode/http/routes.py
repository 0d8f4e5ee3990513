"""The routes as one table: what is asked, who may, what must be sent, what is answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livecode.http import schemas
from livecode.http.exchange import Problem
from livecode.http.tokens import Role

if TYPE_CHECKING:
    from livecode.model.schema import Schema

DOCUMENT = "openapi"

MODULE = "{module}"
"""Stands in a path for the name of a module."""

DEFAULT_PUSHES = 20
"""Of the log, where a request does not say how many."""

VERSION: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": 1000000000,
    "description": "An earlier version; what runs if it is left out.",
}
LIMIT: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": 200,
    "description": f"At most so many; {DEFAULT_PUSHES} if it is left out.",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked.

    Attributes:
        method: GET changes nothing, POST does.
        path: Its steps; `MODULE` stands for a name.
        action: What is done, by its name in `livecode.http.actions`, and in the document; `DOCUMENT` is the document.
        answer: The name of the schema of what is said.
        body: The schema of what must be sent; None where nothing is read.
        needs_body: False if an empty body stands for an empty object.
        query: The schemas of the query parameters.
        needs_folder: True if it is there only where a folder was named.
    """

    method: str
    path: str
    action: str
    answer: str
    body: Schema | None = None
    needs_body: bool = False
    query: Mapping[str, Schema] = field(default_factory=dict)
    needs_folder: bool = False

    @property
    def role(self) -> Role:
        """Who may: what changes nothing can be read, and all else needs the role for pushes."""
        return Role.READ if self.method == "GET" else Role.PUSH


ROUTES = (
    Route("POST", "/push", "push", "Report", schemas.PUSH, needs_body=True),
    Route("POST", "/reload", "reload", "Report", schemas.RELOAD, needs_folder=True),
    Route("POST", "/undo", "undo", "Report", schemas.UNDO),
    Route("GET", "/status", "status", "Status"),
    Route("GET", "/log", "log", "Log", query={"limit": LIMIT, "module": schemas.MODULE}),
    Route("GET", "/modules/{module}", "source", "Source", query={"version": VERSION}),
    Route("GET", "/modules/{module}/diff", "diff", "Diff", needs_folder=True),
    Route("GET", "/openapi.json", DOCUMENT, "OpenAPI"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and the module that the path names."""

    route: Route
    module: str = ""


def there(has_folder: bool) -> tuple[Route, ...]:
    """The routes of an endpoint, with a folder or without one."""
    return tuple(route for route in ROUTES if has_folder or not route.needs_folder)


def match(routes: Iterable[Route], method: str, path: str) -> Match:
    """The route for a request.

    Raises:
        Problem: There is nothing at this path (404), nothing for this method (405), or what stands in the path for a
            module cannot be the name of one (400).
    """
    at_path = [(route, module) for route in routes if (module := _module_in(route.path, path)) is not None]
    if not at_path:
        known = ", ".join(f"{route.method} {route.path}" for route in routes)
        raise Problem(404, "there is nothing at this path", f"there is: {known}")
    for route, module in at_path:
        if route.method == method:
            if module:
                schemas.check_module(module)
            return Match(route, module)
    allowed = ", ".join(sorted({route.method for route, _ in at_path}))
    raise Problem(405, f"this path takes {allowed}", f"use {allowed}", headers=(("Allow", allowed),))


def _module_in(template: str, path: str) -> str | None:
    """What stands in a path for the module, empty where the template has none; None if the path is another one."""
    wanted, found = template.split("/"), path.split("/")
    if len(wanted) != len(found):
        return None
    if any(step not in (MODULE, there) for step, there in zip(wanted, found, strict=True)):
        return None
    module = next((there for step, there in zip(wanted, found, strict=True) if step == MODULE), "")
    return None if MODULE in wanted and not module else module
