"""What call statements register with frameworks and buses: changed, removed, moved, new, and back again."""

from __future__ import annotations

import pytest

from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

FASTAPI = """from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = FastAPI()
users = APIRouter(prefix="/users")
items = APIRouter()
PREFIX = "/shop"

class By:
    def __init__(self, app, by="old"):
        self.app, self.by = app, by

    async def __call__(self, scope, receive, send):
        async def tagging(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-by", self.by.encode())]
            await send(message)
        await self.app(scope, receive, tagging)

@users.get("/me")
def me():
    return "me"

@items.get("/i")
def item():
    return "i"

def read(n: int = 1):
    return n

def write(n: int = 2):
    return n * 2

async def wrong(request, error):
    return PlainTextResponse("wrong", status_code=418)

def fails():
    raise ValueError("no")

async def home(request):
    return PlainTextResponse("home")

small = Starlette(routes=[Route("/home", home)])
app.include_router(users)
app.include_router(items, prefix=PREFIX)
app.add_api_route("/read", read)
app.add_api_route("/fails", fails)
app.mount("/small", small)
app.add_middleware(By)
app.add_exception_handler(ValueError, wrong)
"""
ASKED = [
    *("GET /users/me", "GET /v2/users/me", "GET /shop/i", "GET /store/i", "GET /read", "GET /read?n=5", "POST /read"),
    *("GET /write", "GET /small/home", "GET /big/home", "GET /fails", "GET /any/x", "GET /i"),
]


@pytest.mark.parametrize(
    "edits",
    [
        [
            ("include_router(users)", 'include_router(users, prefix="/v2")'),
            ('prefix="/v2"', 'prefix="/v2", tags=["t"]'),
        ],
        [("app.include_router(users)\n", "")],
        [('PREFIX = "/shop"', 'PREFIX = "/store"')],
        [('prefix="/users"', 'prefix="/v2/users"')],
        [("app.include_router(users)\n", "app.include_router(users)\napp.include_router(items)\n")],
        [
            ('add_api_route("/read", read)', 'add_api_route("/read", read, methods=["POST"])'),
            ("n: int = 1", "n: int = 3"),
        ],
        [('add_api_route("/read", read)', 'add_api_route("/write", write)'), ('"/write"', '"/read"')],
        [('app.add_api_route("/read", read)\n', "")],
        [
            (
                'app.add_api_route("/read", read)',
                'app.add_api_route("/any/{n}", read)\napp.add_api_route("/any/x", home)',
            ),
            (
                'app.add_api_route("/any/{n}", read)\napp.add_api_route("/any/x", home)',
                'app.add_api_route("/any/x", home)\napp.add_api_route("/any/{n}", read)',
            ),
        ],
        [('app.mount("/small", small)', 'app.mount("/big", small)')],
        [('app.mount("/small", small)\n', "")],
        [("add_middleware(By)", 'add_middleware(By, by="new")'), ('by="new"', 'by="newer"')],
        [("app.add_middleware(By)\n", "")],
        [("app.add_middleware(By)\n", 'app.add_middleware(By)\napp.add_middleware(By, by="two")\n')],
        [("add_exception_handler(ValueError, wrong)", "add_exception_handler(KeyError, wrong)")],
        [("app.add_exception_handler(ValueError, wrong)\n", "")],
        [
            ("app.include_router(users)", "for each in (users, items):\n    app.include_router(each)"),
            ("(users, items)", "(items,)"),
        ],
        [
            ("app.include_router(users)", "if PREFIX:\n    app.include_router(users)"),
            ('PREFIX = "/shop"', 'PREFIX = ""'),
        ],
        [
            ('app.add_api_route("/read", read)', 'app.get("/read")(read)'),
            ('get("/read")(read)', 'post("/read")(write)'),
        ],
    ],
)
def test_fastapi(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Routers, routes, mounts, middleware and handlers that calls add are those of the source, in its order."""
    as_fresh(frameworks, "fastapi", FASTAPI, edits, ASKED)


FLASK = """from flask import Blueprint, Flask, g

app = Flask("m")
bp = Blueprint("bp", "m")
other = Blueprint("other", "m", url_prefix="/other")

def x():
    return "x" + getattr(g, "who", "")

def y():
    return "y"

def i():
    return "i" + getattr(g, "who", "")

def who():
    g.who = "ann"

def nobody():
    g.who = "bob"

def missing(error):
    return "missing", 404

def gone(error):
    return "gone", 404

def twice(text):
    return text * 2

def page():
    return app.jinja_env.from_string("{{ 'a' | twice }}").render()

@bp.before_request
def inside():
    g.who = "bp"

bp.add_url_rule("/i", view_func=i)
other.add_url_rule("/o", view_func=y)
app.add_url_rule("/x", "x", x)
app.add_url_rule("/page", view_func=page)
app.before_request(who)
app.register_error_handler(404, missing)
app.add_template_filter(twice)
app.register_blueprint(bp, url_prefix="/q")
app.register_blueprint(other)
"""
BROWSED = [
    *("GET /x", "POST /x", "GET /y", "GET /q/i", "GET /z/i", "GET /q/j", "GET /other/o", "GET /page", "GET /nope"),
]


@pytest.mark.parametrize(
    "edits",
    [
        [('("/x", "x", x)', '("/x", "x", x, methods=["POST"])'), ('"/x", "x", x', '"/x", "x", y')],
        [('("/x", "x", x)', '("/y", "x", x)'), ('"/y", "x", x', '"/y", "y", y')],
        [('app.add_url_rule("/x", "x", x)\n', "")],
        [('app.add_url_rule("/x", "x", x)\n', 'app.add_url_rule("/x", "x", x)\napp.add_url_rule("/y", view_func=y)\n')],
        [("app.before_request(who)", "app.before_request(nobody)"), ("app.before_request(nobody)\n", "")],
        [("register_error_handler(404, missing)", "register_error_handler(404, gone)")],
        [("app.register_error_handler(404, missing)\n", "")],
        [("app.add_template_filter(twice)", "app.add_template_filter(twice, 'twice')")],
        [('url_prefix="/q"', 'url_prefix="/z"')],
        [('app.register_blueprint(bp, url_prefix="/q")\n', "")],
        [
            (
                'app.register_blueprint(bp, url_prefix="/q")\napp.register_blueprint(other)\n',
                "app.register_blueprint(other)\n",
            )
        ],
        [('bp.add_url_rule("/i", view_func=i)', 'bp.add_url_rule("/j", view_func=i)')],
        [("app.register_blueprint(other)\n", "")],
    ],
)
def test_flask(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Rules, functions around requests, handlers, filters and blueprints that calls add are those of the source."""
    as_fresh(frameworks, "flask", FLASK, edits, BROWSED)


CLICK = """import click

@click.group()
def cli():
    pass

@click.command()
def hello():
    click.echo("hello")

@click.command()
def bye():
    click.echo("bye")

cli.add_command(hello)
cli.add_command(bye, "adieu")
"""
TYPER = """import typer

app = typer.Typer()
sub = typer.Typer()

def hello():
    typer.echo("hello")

def bye():
    typer.echo("bye")

@sub.command("inner")
def inner():
    typer.echo("inner")

@sub.command("other")
def other():
    typer.echo("other")

app.command()(hello)
app.command("adieu")(bye)
app.add_typer(sub, name="sub")
"""
COMMANDS = ["hello", "bye", "adieu", "hi", "sub inner", "new inner"]


@pytest.mark.parametrize(
    "edits",
    [
        [("add_command(hello)", 'add_command(hello, "hi")')],
        [("cli.add_command(hello)\n", "")],
        [('add_command(bye, "adieu")', "add_command(bye)"), ("add_command(bye)", "add_command(hello, 'adieu')")],
        [("cli.add_command(hello)\n", "cli.add_command(hello)\ncli.add_command(hello, 'hi')\n")],
    ],
)
def test_click(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Commands that calls add are those of the source."""
    as_fresh(frameworks, "click", CLICK, edits, COMMANDS)


@pytest.mark.parametrize(
    "edits",
    [
        [('name="sub"', 'name="new"')],
        [('app.add_typer(sub, name="sub")\n', "")],
        [('command("adieu")(bye)', 'command("hi")(bye)'), ('command("hi")(bye)', 'command("hi")(hello)')],
    ],
)
def test_typer(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Groups and commands that calls add are those of the source."""
    pytest.importorskip("typer")
    as_fresh(frameworks, "typer", TYPER, edits, COMMANDS)


BUS = """import functools
import weakref
from collections import defaultdict

class Bus:
    def __init__(self):
        self.handlers = []
        self.topics = defaultdict(list)
        self.weak = weakref.WeakSet()

    def subscribe(self, handler, *rest):
        self.handlers.append(handler)

    def on(self, topic, handler):
        self.topics[topic].append(handler)

    def once(self, handler):
        if handler in self.handlers:
            raise ValueError("twice")
        self.handlers.append(handler)

    def wrapped(self, handler):
        self.handlers.append(functools.partial(handler))

bus = Bus()
TABLE = {}

def register(name, handler):
    TABLE[name] = handler

def one(n=1):
    return n

def two():
    return 2

class Handler:
    def run(self):
        return 3

held = Handler()

register("one", one)
register("two", two)
bus.subscribe(one)
bus.subscribe(two)
bus.on("a", one)
bus.on("b", one)
bus.once(held.run)
bus.wrapped(two)
"""
LED = [
    "[each() for each in m.bus.handlers]",
    "{key: [each() for each in found] for key, found in m.bus.topics.items() if found}",
    "{key: each() for key, each in m.TABLE.items()}",
]


@pytest.mark.parametrize(
    "edits",
    [
        [("bus.subscribe(one)", "bus.subscribe(two, 1)"), ("bus.subscribe(two, 1)\n", "")],
        [("bus.subscribe(one)\nbus.subscribe(two)\n", "bus.subscribe(two)\nbus.subscribe(one)\n")],
        [("bus.subscribe(one)\n", "")],
        [
            ("bus.subscribe(one)", "bus.subscribe(lambda: 7)"),
            ("lambda: 7", "lambda: 8"),
            ("bus.subscribe(lambda: 8)\n", ""),
        ],
        [('bus.on("b", one)', 'bus.on("b", two)'), ('bus.on("b", two)\n', "")],
        [('bus.on("a", one)\n', "")],
        [("bus.once(held.run)", "bus.once((held.run))"), ("bus.once((held.run))\n", "")],
        [("bus.wrapped(two)", "bus.wrapped(one)"), ("bus.wrapped(one)\n", "")],
        [('register("two", two)', 'register("three", two)'), ('register("three", two)\n', "")],
        [("def one(n=1)", "def one(n=5)")],
        [
            ("bus.subscribe(two)\n", "bus.subscribe(two)\nbus.subscribe(one)\n"),
            ("bus.subscribe(one)\nbus.on", "bus.on"),
        ],
    ],
)
def test_buses(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What a method or a function of the project's own puts into a list or dict is taken back and put again."""
    as_fresh(frameworks, "evaluate", BUS, edits, LED)


TABLE = """from fastapi import FastAPI

app = FastAPI()

def a(n: int = 1):
    return n

def b():
    return "b"

ROUTES = [("/a", a), ("/b", b)]
for path, function in ROUTES:
    app.add_api_route(path, function)
"""


@pytest.mark.parametrize(
    "edits",
    [
        [('("/b", b)', '("/c", b)'), (', ("/c", b)', ""), ("n: int = 1", "n: int = 7")],
    ],
)
def test_a_loop_over_a_table(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What a loop registers for each line of a table is that of the table."""
    as_fresh(frameworks, "fastapi", TABLE, edits, ["GET /a", "GET /b", "GET /c"])


STANDARD = """import copyreg
import functools
import signal
import sys
import weakref

class Point:
    def __init__(self, x):
        self.x = x

def reduce(point):
    return Point, (point.x,)

def other(point):
    return Point, (point.x + 1,)

@functools.singledispatch
def show(thing):
    return "thing"

def number(thing):
    return "number"

CALLS = []

def gone(what):
    CALLS.append(what)

def stop(*_):
    return "stop"

def end(*_):
    return "end"

held = Point(1)
copyreg.pickle(Point, reduce)
show.register(int, number)
weakref.finalize(held, gone, "held")
sys.path.append("/nowhere/one")
sys.path.insert(0, "/nowhere/two")
signal.signal(signal.SIGUSR1, stop)
"""
STOOD = [
    "__import__('copy').copy(m.Point(1)).x",
    "[m.show(1), m.show('a')]",
    "[path for path in sys.path if path.startswith('/nowhere')]",
    "len([1 for i in m.weakref.finalize._registry.values() if i.func is m.gone])",
    "getattr(m.signal.getsignal(m.signal.SIGUSR1), '__name__', 'none')",
]


@pytest.mark.parametrize(
    "edits",
    [
        [("copyreg.pickle(Point, reduce)", "copyreg.pickle(Point, other)"), ("copyreg.pickle(Point, other)\n", "")],
        [("show.register(int, number)", "show.register(str, number)"), ("show.register(str, number)\n", "")],
        [
            ('finalize(held, gone, "held")', 'finalize(held, gone, "other")'),
            ('weakref.finalize(held, gone, "other")\n', ""),
        ],
        [
            ('sys.path.append("/nowhere/one")', 'sys.path.append("/nowhere/three")'),
            ('sys.path.append("/nowhere/three")\n', ""),
        ],
        [('insert(0, "/nowhere/two")', 'insert(0, "/nowhere/four")'), ('sys.path.insert(0, "/nowhere/four")\n', "")],
        [("signal.SIGUSR1, stop", "signal.SIGUSR1, end"), ("signal.signal(signal.SIGUSR1, end)\n", "")],
    ],
)
def test_standard_library(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What calls register with the standard library is that of the source."""
    as_fresh(frameworks, "evaluate", STANDARD, edits, STOOD)


HOOKED = """import sys

def hook(*_):
    return 1

def other(*_):
    return 2

sys.excepthook = hook
"""


@pytest.mark.parametrize("edits", [[("= hook", "= other"), ("sys.excepthook = other\n", "")]])
def test_hooks_of_the_interpreter(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What a statement set in `sys` is what Python keeps beside it when the statement goes."""
    as_fresh(frameworks, "evaluate", HOOKED, edits, ["m.sys.excepthook.__name__"])
