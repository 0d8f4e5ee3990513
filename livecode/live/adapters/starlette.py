"""Starlette and FastAPI: apps, routers, middleware, exception handlers; what FastAPI derives from endpoints."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from livecode.live.adapters.protocol import Adapter, Step, set_attribute


class StarletteAdapter(Adapter):
    """Routes stay in order; `/openapi.json` and included routers follow."""

    framework = "starlette"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return issubclass(type(thing), _kinds())

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        for name in ("exception_handlers", "user_middleware"):
            if name in owner.__dict__:
                yield owner.__dict__[name]
        router = _router(owner)
        for name in ("routes", "on_startup", "on_shutdown"):
            if name in router.__dict__:
                yield router.__dict__[name]

    def registered(self, owner: Any, entry: Any, /) -> Iterable[object]:
        """See `Adapter.registered`: endpoints, mounted apps, included routers, functions of middleware."""
        found = [getattr(entry, name, None) for name in ("endpoint", "app", "original_router", "cls")]
        given = getattr(entry, "kwargs", None)
        return [item for item in (entry, *found, *(given.values() if isinstance(given, dict) else ())) if item]

    @contextmanager
    def opened(self, owner: Any, /) -> Iterator[None]:
        """See `Adapter.opened`: middleware can be added although the app has been called."""
        stack = owner.__dict__.get("middleware_stack")
        if _router(owner) is owner or stack is None:
            yield
            return
        owner.middleware_stack = None
        try:
            yield
        finally:
            owner.middleware_stack = stack

    def renewed(self, owner: Any, entry: Any, changed: Collection[object], /) -> Any:
        """See `Adapter.renewed`: a FastAPI route knows the parameters of its dependencies and the models in them."""
        if not hasattr(entry, "dependant") or not _mentions(entry, changed):
            return None
        for cache in _caches():
            cache.cache_clear()
        return _again(entry)

    def derived(self, owner: Any, /) -> Iterator[Step]:
        """See `Adapter.derived`: the schema, the stack of middleware, what included routers resolved."""
        if "openapi_schema" in owner.__dict__:
            yield set_attribute(owner, "openapi_schema", None)
        if _router(owner) is not owner:
            yield set_attribute(owner, "middleware_stack", None)
        router = _router(owner)
        if hasattr(router, "_mark_routes_changed"):  # FastAPI that resolves included routers when it is asked
            yield Step(router._mark_routes_changed, router._mark_routes_changed)
        for cache in _caches():
            yield Step(cache.cache_clear, cache.cache_clear)


def _kinds() -> tuple[type, ...]:
    applications, routing = (sys.modules.get(f"starlette.{name}") for name in ("applications", "routing"))
    found = (getattr(applications, "Starlette", None), getattr(routing, "Router", None))
    return tuple(kind for kind in found if kind is not None)


def _router(owner: Any) -> Any:
    return owner.__dict__.get("router", owner)


def _caches() -> list[Any]:
    """What FastAPI remembers of functions: whether they are coroutine functions, generators."""
    models = sys.modules.get("fastapi.dependencies.models")
    return [value for value in vars(models).values() if hasattr(value, "cache_clear")] if models is not None else []


def _again(route: Any) -> Any:
    """The same route, made anew from what it was made from, which it keeps under the same names."""
    wanted: dict[str, None] = {}
    for cls in type(route).__mro__:
        parameters = (
            inspect.signature(cls.__dict__["__init__"]).parameters.values() if "__init__" in cls.__dict__ else ()
        )
        wanted |= {item.name: None for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)}
        if parameters and not any(item.kind is item.VAR_KEYWORD for item in parameters):
            break
    return type(route)(**{name: getattr(route, name) for name in wanted if name != "self"})


def _mentions(route: Any, changed: Collection[object]) -> bool:
    """True if the route was derived from one of these functions or classes."""
    ids = set(map(id, changed))
    methods = {(item.__module__, item.__qualname__) for item in changed if type(item) is FunctionType}
    waiting, annotations = [route.dependant], [getattr(route, "response_model", None)]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        if _is_of(dependant.call, ids, methods):
            return True
        for kind in ("path_params", "query_params", "header_params", "cookie_params", "body_params"):
            annotations += [item.field_info.annotation for item in getattr(dependant, kind)]
    return any(_leads_to(annotation, ids, set()) for annotation in annotations)


def _is_of(call: Any, ids: Collection[int], methods: Collection[tuple[str, str]]) -> bool:
    """True for a changed function, a class that is made by one, an instance that is called by one."""
    if id(call) in ids:
        return True
    cls = call if isinstance(call, type) else type(call)
    called = ("__init__", "__new__") if isinstance(call, type) else ("__call__",)
    return any((base.__module__, f"{base.__qualname__}.{name}") in methods for base in cls.__mro__ for name in called)


def _leads_to(annotation: Any, ids: Collection[int], seen: set[int]) -> bool:
    """True if a type is made of one of these classes: `list[Item]`, a model with such a field."""
    if id(annotation) in ids:
        return True
    if id(annotation) in seen:
        return False
    seen.add(id(annotation))
    inside = list(getattr(annotation, "__args__", None) or ())
    if isinstance(annotation, type):
        inside += annotation.__mro__[1:]
        fields = annotation.__dict__.get("__pydantic_fields__")
        inside += [item.annotation for item in fields.values()] if isinstance(fields, dict) else []
    return any(_leads_to(item, ids, seen) for item in inside)
