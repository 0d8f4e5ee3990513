"""Edit a running Python service: no restart, no dropped connection, no lost state.

In the service, one line:

    livecode.listen("shop")                         # opens a door: a local socket of this user

In a notebook:

    %load_ext livecode
    %hotattach shop
    %%hotpush shop.pricing                          # the cell is live in every worker, or nowhere

The same in Python:

    shop = livecode.attach("shop")                  # by name or pid
    report = shop.push({"shop.pricing": source})    # many modules are one transaction, None unloads
    report.ok, report.verdict, print(report), report.to_json()
    shop.push({...}, policy=livecode.Policy(canary=2))   # on two workers first, and to all if it is no worse there
    shop.undo("shop.pricing"), shop.unload("shop.old"), shop.status()

And on the own process, without a service:

    livecode.track("src")                           # remember what modules under src are loaded from
    livecode.push({"shop.pricing": source})
    livecode.push_folder("src")                     # what differs from what runs
    livecode.undo(), livecode.unload("shop.old"), livecode.status()
    with livecode.watch("src"): ...                 # what is saved goes live; also of a service: watch("src", shop)

Over HTTP, within the application, behind a token:

    app.mount("/livecode", livecode.http.app(folder="/srv/next"))   # ASGI; livecode.http.wsgi for Flask and Django

A push answers with a Report and does not raise for what a user must expect. What is raised is in `livecode.errors`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from livecode import errors as errors
    from livecode import http as http
    from livecode.fleet.listen import listen as listen
    from livecode.fleet.rollout import Policy as Policy
    from livecode.fleet.service import attach as attach
    from livecode.front.api import push as push
    from livecode.front.api import push_folder as push_folder
    from livecode.front.api import status as status
    from livecode.front.api import undo as undo
    from livecode.front.api import unload as unload
    from livecode.front.api import watch as watch
    from livecode.live.tracking import track as track
    from livecode.model.report import Report as Report
    from livecode.model.report import Verdict as Verdict

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in the order in which they are met
    "listen",
    "attach",
    "track",
    "push",
    "push_folder",
    "unload",
    "undo",
    "status",
    "watch",
    "Policy",
    "Report",
    "Verdict",
    "errors",
    "http",
    "load_ipython_extension",
    "unload_ipython_extension",
    "__version__",
]

_HOMES = {
    "listen": "livecode.fleet.listen",
    "attach": "livecode.fleet.service",
    "track": "livecode.live.tracking",
    "push": "livecode.front.api",
    "push_folder": "livecode.front.api",
    "unload": "livecode.front.api",
    "undo": "livecode.front.api",
    "status": "livecode.front.api",
    "watch": "livecode.front.api",
    "Policy": "livecode.fleet.rollout",
    "Report": "livecode.model.report",
    "Verdict": "livecode.model.report",
}


def __getattr__(name: str) -> object:
    """Imports a name's home when the name is first used, so that a service pays for what it uses only."""
    from importlib import import_module

    if name in ("errors", "http"):
        return import_module(f"livecode.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'livecode' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: object) -> None:
    """``%load_ext livecode``"""
    _extension().load(shell)


def unload_ipython_extension(shell: object) -> None:
    """``%unload_ext livecode``"""
    _extension().unload(shell)


def _extension() -> "ModuleType":
    """Imported by name: lower layers import this package, and must not reach the front through it."""
    from importlib import import_module

    return import_module("livecode.front.extension")
