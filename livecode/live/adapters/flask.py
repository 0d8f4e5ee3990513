"""Flask: routes, blueprints, hooks around requests, error handlers, template filters, commands."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from livecode.live.adapters.protocol import Adapter, Step, set_attribute
from livecode.live.locate import SMALL_HEAP_BLOCKS

_OF_REQUESTS = (
    *("before_request_funcs", "after_request_funcs", "teardown_request_funcs"),
    *("template_context_processors", "url_value_preprocessors", "url_default_functions"),
)
_OF_APPS = ("teardown_appcontext_funcs", "shell_context_processors", "deferred_functions")

_REENTRANT = type(threading.RLock())

_views: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()
"""Map of rules → the functions of its endpoints."""

_prefixes: weakref.WeakKeyDictionary[Any, dict[str, str | None]] = weakref.WeakKeyDictionary()
"""Blueprint → what its rules begin with, under each name that it is registered with."""


class FlaskAdapter(Adapter):
    """The map of rules is made anew, as werkzeug has no way to take a rule out of it."""

    framework = "flask"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        scaffold = sys.modules.get("flask.sansio.scaffold")
        return scaffold is not None and issubclass(type(thing), scaffold.Scaffold)

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        for app in _apps_of(owner):
            _note_prefixes(owner, app)
        for each in (owner, *_apps_of(owner)):
            yield from _registries(each)

    def registered(self, owner: Any, entry: Any, /) -> Iterable[object]:
        """See `Adapter.registered`: a rule is there for its endpoint and its function."""
        rules = sys.modules.get("werkzeug.routing.rules")
        if rules is None or not issubclass(type(entry), rules.Rule):
            return (entry,)
        return (_views.get(entry.map, {}).get(entry.endpoint), entry.endpoint)

    def concerns(self, owner: Any, items: Iterable[object], /) -> bool:
        """See `Adapter.concerns`: what an app has under a blueprint's name is the blueprint's."""
        named = [item for item in items if isinstance(item, str) and "." in item]
        if hasattr(owner, "deferred_functions"):
            names = [name for app in _apps_of(owner) for name, found in _blueprints(app) if found is owner]
            return not named or any(item.rpartition(".")[0] in names for item in named)
        return not any(item.rpartition(".")[0] in owner.blueprints for item in named)

    def taken_over(self, owner: Any, thing: object, /) -> Callable[[object], bool] | None:
        """See `Adapter.taken_over`: an app has what a blueprint registers under the blueprint's name."""
        scaffold = sys.modules["flask.sansio.scaffold"].Scaffold
        if not issubclass(type(thing), scaffold) or not hasattr(thing, "deferred_functions"):
            return None
        names = [name for each in (owner, *_apps_of(thing)) for name, found in _blueprints(each) if found is thing]
        return _Of(thing, tuple(names), frozenset(map(id, _told_of(thing))))

    @contextmanager
    def opened(self, owner: Any, /) -> Iterator[None]:
        """See `Adapter.opened`: an app that has answered requests, a blueprint that has been registered."""
        apps = _apps_of(owner)
        with ExitStack() as stack:
            for each in (owner, *apps):
                stack.enter_context(_unlocked(each))
                stack.enter_context(_told_alone(each))
            noted = len(owner.deferred_functions) if apps else 0
            hooks = {kind: len(_hooks(owner, kind)) for kind in _OF_REQUESTS}
            yield
            for app in apps:
                for name in [name for name, each in app.blueprints.items() if each is owner]:
                    _pass_on(owner, app, name, noted, hooks)


@dataclass(frozen=True, slots=True)
class _Of:
    """True for a blueprint, the names below its own, and functions that it registers for the whole app."""

    blueprint: Any
    names: tuple[str, ...]
    functions: frozenset[int]

    def __call__(self, item: object) -> bool:
        if isinstance(item, str):
            return any(item == name or item.startswith(f"{name}.") for name in self.names)
        return item is self.blueprint or id(item) in self.functions


def _blueprints(scaffold: Any) -> list[tuple[str, Any]]:
    return list(scaffold.__dict__.get("blueprints", {}).items())


def _told_of(blueprint: Any) -> Iterator[object]:
    """The functions that a blueprint will tell an app of: what it registered for requests to the app, its filters."""
    for deferred in blueprint.deferred_functions:
        if type(deferred) is FunctionType:
            given = [value for value in inspect.getclosurevars(deferred).nonlocals.values() if callable(value)]
            yield from given
            for inner in given:  # wrapped, so that it is told once
                yield from inspect.getclosurevars(inner).nonlocals.values() if type(inner) is FunctionType else ()


def _pass_on(blueprint: Any, app: Any, name: str, noted: int, hooks: dict[str, int]) -> None:
    """Tells an app what a blueprint, which it has under this name, has been told after it was registered."""
    parent, _, own = name.rpartition(".")
    options = {"name": own, "name_prefix": parent, "url_prefix": _url_prefix(blueprint, app, name, noted)}
    state = blueprint.make_setup_state(app, options, True)
    for deferred in blueprint.deferred_functions[noted:]:
        deferred(state)
    for kind, before in hooks.items():
        getattr(app, kind)[name].extend(_hooks(blueprint, kind)[before:])
    for code, handlers in list(blueprint.error_handler_spec[None].items()):
        app.error_handler_spec[name][code].update(handlers)


def _url_prefix(blueprint: Any, app: Any, name: str, noted: int) -> str | None:
    """What the rules of a registered blueprint begin with: its rules and those of the app tell."""
    for deferred in blueprint.deferred_functions[:noted]:
        told: Any = inspect.getclosurevars(deferred).nonlocals if type(deferred) is FunctionType else {}
        path, view = told.get("rule"), told.get("view_func")
        endpoint = told.get("endpoint") or getattr(view, "__name__", None)
        for rule in app.url_map._rules_by_endpoint.get(f"{name}.{endpoint}", ()) if path else ():
            ending = "/" + path.lstrip("/")
            if rule.rule.endswith(ending):
                return str(rule.rule[: -len(ending)])
    prefix: str | None = _prefixes.get(blueprint, {}).get(name, blueprint.url_prefix)
    return prefix


def _note_prefixes(blueprint: Any, app: Any) -> None:
    """Remembers what the rules begin with: when its only rule is told again, nothing else tells."""
    for name, found in _blueprints(app):
        if found is blueprint:
            prefix = _url_prefix(blueprint, app, name, len(blueprint.deferred_functions))
            _prefixes.setdefault(blueprint, {})[name] = prefix


@dataclass(frozen=True, slots=True)
class UrlRules:
    """The rules of a werkzeug `Map`; other rules mean another state machine, which is made first and set then."""

    url_map: Any

    def entries(self) -> Sequence[Any]:
        """See `Registry.entries`."""
        with _sorted(self.url_map):
            return [rule for rules in list(self.url_map._rules_by_endpoint.values()) for rule in rules]

    def filled(self, entries: Sequence[Any], /) -> Iterator[Step]:
        """See `Registry.filled`."""
        matcher = type(self.url_map._matcher)(self.url_map._matcher.merge_slashes)
        by_endpoint: dict[Any, list[Any]] = {}
        for rule in entries:
            if not rule.build_only:
                matcher.add(rule)
            by_endpoint.setdefault(rule.endpoint, []).append(rule)
        matcher.update()
        for rules in by_endpoint.values():
            rules.sort(key=lambda rule: rule.build_compare_key())
        yield set_attribute(self.url_map, "_rules_by_endpoint", by_endpoint)
        yield set_attribute(self.url_map, "_matcher", matcher)
        yield set_attribute(self.url_map, "_remap", False)


@contextmanager
def _sorted(url_map: Any) -> Iterator[None]:
    """While this is entered no request sorts the rules: a list that is being sorted looks empty to everybody else."""
    if not isinstance(url_map._remap_lock, _REENTRANT):  # rules are registered, which may sort them, while it is held
        url_map.update()  # who waits for the lock that goes finds nothing to do
        url_map._remap_lock = threading.RLock()
    with url_map._remap_lock:
        url_map.update()
        yield


@contextmanager
def _told_alone(scaffold: Any) -> Iterator[None]:
    """What is registered meanwhile is not sorted by requests; it leaves the map again before they could."""
    if "url_map" not in scaffold.__dict__:
        yield
        return
    with _sorted(scaffold.url_map):
        yield
        scaffold.url_map._remap = False


class _Lenient(dict[str, Any]):
    """Views of an app that is told again: `get` finds none, so that Flask takes another one for the same endpoint."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """Nothing, whatever there is."""
        return default


@contextmanager
def _unlocked(scaffold: Any) -> Iterator[None]:
    """An app or blueprint can be told something although it thinks that its setup is finished."""
    if scaffold.__dict__.get("_check_setup_finished") is _allow:
        yield  # it is open already: a blueprint of it is, too
        return
    views = scaffold.view_functions
    lenient = _Lenient(views)
    scaffold._check_setup_finished = _allow
    scaffold.view_functions = lenient
    try:
        yield
    finally:
        del scaffold._check_setup_finished
        views.update(lenient)
        scaffold.view_functions = views


def _allow(f_name: str) -> None:
    """In place of Flask's check."""


def _registries(scaffold: Any) -> Iterator[Any]:
    yield scaffold.view_functions
    if "url_map" in scaffold.__dict__:
        _views[scaffold.url_map] = scaffold.view_functions
        yield UrlRules(scaffold.url_map)
    for name in _OF_REQUESTS:
        yield getattr(scaffold, name)
        yield from list(getattr(scaffold, name).values())
    if "blueprints" in scaffold.__dict__:
        yield scaffold.blueprints
    yield scaffold.error_handler_spec
    for of_blueprint in list(scaffold.error_handler_spec.values()):
        yield of_blueprint
        yield from list(of_blueprint.values())
    for name in _OF_APPS:
        if name in scaffold.__dict__:
            yield scaffold.__dict__[name]
    environment = scaffold.__dict__.get("jinja_env")
    for name in ("filters", "tests", "globals") if environment is not None else ():
        yield getattr(environment, name)


def _hooks(scaffold: Any, kind: str) -> list[Any]:
    found = getattr(scaffold, kind)
    return list(found[None]) if None in found else []


def _apps_of(scaffold: Any) -> list[Any]:
    """The apps in which a blueprint is registered."""
    if not hasattr(scaffold, "deferred_functions"):
        return []
    kind = sys.modules["flask.sansio.app"].App
    things = (
        value for module in list(sys.modules.values()) for value in list(getattr(module, "__dict__", {}).values())
    )
    apps = {id(thing): thing for thing in things if issubclass(type(thing), kind)}
    if not apps and sys.getallocatedblocks() <= SMALL_HEAP_BLOCKS:  # made by a factory, held by a server
        apps = {id(thing): thing for thing in gc.get_objects() if issubclass(type(thing), kind)}
    return [app for app in apps.values() if any(each is scaffold for each in app.blueprints.values())]
