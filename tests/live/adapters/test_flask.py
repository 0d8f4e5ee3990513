# a line of a table is one case
"""Flask: after each push the app answers as one that was started with the new source."""

from __future__ import annotations

import pytest

from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

APP = """from flask import Blueprint, Flask, g

app = Flask("m")
bp = Blueprint("bp", "m", url_prefix="/ignored")

@app.route("/x")
def x():
    return "x"

@app.route("/user/<name>")
def user(name):
    return name

@bp.route("/i")
def i():
    return "i" + getattr(g, "who", "")

@app.before_request
def before():
    g.who = "ann"

@bp.after_request
def after(reply):
    reply.headers["x-by"] = "bp"
    return reply

@app.errorhandler(404)
def missing(error):
    return "missing", 404

@bp.errorhandler(ValueError)
def wrong(error):
    return "wrong", 418

@bp.route("/wrong")
def fails():
    raise ValueError("no")

@app.template_filter("twice")
def twice(text):
    return text * 2

@app.route("/page")
def page():
    return app.jinja_env.from_string("{{ 'a' | twice }}").render()

app.register_blueprint(bp, url_prefix="/q")
"""
QUESTIONS = [
    *("GET /x", "POST /x", "GET /y", "GET /y?n=1", "GET /user/ann", "GET /user/new", "GET /q/i", "GET /q/j/3"),
    *("GET /q/wrong", "GET /page", "GET /nope"),
]
X = """@app.route("/x")
def x():
    return "x"
"""


@pytest.mark.parametrize(
    "edits",
    [
        [('"/x"', '"/y"')],
        [("def x():", "def x(n=3):"), ('return "x"', 'return f"x{n}"'), ("n=3", "n=4")],
        [('@app.route("/x")', '@app.route("/x", methods=["GET", "POST"])'), ("def x():", "def x(n=3):")],
        [('@app.route("/x")', '@app.route("/x", endpoint="other")'), ('return "x"', 'return "z"')],
        [('@app.route("/x")', '@app.route("/x")\n@app.route("/y")'), ("def x():", "def x(n=3):")],
        [("def x():", "def x2():"), ('return "x"', 'return "z"')],
        [(X, ""), ('"/i"', '"/j/<int:n>"'), ("def i():", "def i(n):")],
        [(X, X + X.replace("x", "y")), ("def y():", "def y(n=5):")],
        [
            (
                '@app.route("/user/<name>")',
                '@app.route("/user/new")\ndef new():\n    return "n"\n\n@app.route("/user/<name>")',
            )
        ],
        [('@bp.route("/i")', '@bp.route("/j/<int:n>")\ndef j(n):\n    return str(n)\n\n@bp.route("/i")')],
        [("def before():", "def before(who='bob'):"), ('"ann"', "who")],
        [("@app.before_request", "@bp.before_request")],
        [('@app.before_request\ndef before():\n    g.who = "ann"\n', "")],
        [("def after(reply):", "def after(reply, by='new'):"), ('"bp"\n', "by\n")],
        [("def missing(error):", "def missing(error, text='gone'):"), ('"missing", 404', "text, 404")],
        [("@app.errorhandler(404)", "@app.errorhandler(405)")],
        [("def wrong(error):", "def wrong(error, code=419):"), ('"wrong", 418', '"wrong", code')],
        [("def twice(text):", "def twice(text, n=3):"), ("text * 2", "text * n")],
    ],
)
def test_as_fresh(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Rules, endpoints, blueprints, hooks, error handlers and filters are those of the source, after requests too."""
    as_fresh(frameworks, "flask", APP, edits, QUESTIONS)
