"""Registrations are part of the transaction: all of a push holds, or nothing of it, and nobody sees half of it."""

from __future__ import annotations

import pytest

from tests.live.adapters import services
from tests.live.forker import Forker

FASTAPI = """from fastapi import Depends, FastAPI
app = FastAPI()
def dep(a: int = 1): return a
@app.get('/x')
def x(): return 1
@app.get('/d')
def d(v=Depends(dep)): return v
@app.get('/g')
def g(): return 1
"""
FASTAPI_AFTER = (
    FASTAPI.replace("def x()", "def x(q: int)")
    .replace("a: int = 1): return a", "b: int): return b")
    .replace("/g", "/n")
)
FLASK = """from flask import Flask
app = Flask('m')
@app.route('/x')
def x(): return '1'
@app.route('/g')
def g(): return '2'
@app.before_request
def before(): pass
"""
FLASK_AFTER = (
    FLASK.replace("'/x'", "'/y'").replace("def before()", "def before(k=1)").replace("/g')\ndef g", "/n')\ndef n")
)


@pytest.mark.parametrize(
    ("ask", "before", "after", "questions"),
    [
        ("fastapi", FASTAPI, FASTAPI_AFTER, ["GET /x", "GET /d?a=3", "GET /g", "GET /n"]),
        ("flask", FLASK, FLASK_AFTER, ["GET /x", "GET /y", "GET /g", "GET /n"]),
    ],
)
def test_a_push_that_fails_at_any_step_leaves_the_very_same_registrations(
    ask: str, before: str, after: str, questions: list[str], frameworks: Forker
) -> None:
    """An exception at each step of the journal, one after the other."""
    said = frameworks.ask(services.failing, before, after, questions, ask)
    assert said["different"] == []
    assert 5 < said["steps"] < 200


def test_what_an_unloaded_module_registered_goes_with_it(frameworks: Forker) -> None:
    """Its route answers 404 and is gone from the schema."""
    assert frameworks.ask(services.unloaded) == [[200, ["/e"]], "LIVE", [404, []]]


@pytest.mark.parametrize(
    ("before", "change", "call"),
    [
        ("R = {}\ndef on(f):\n R[f.__name__] = f\n return f\n@on\ndef a(): pass\n", ("a()", "a(x=2)"), "m.R['a']()"),
        (FLASK, ("def x()", "def x(z=2)"), "assert m.app.test_client().get('/x').status_code == 200"),
        (FASTAPI, ("def x()", "def x(z: int = 2)"), "assert any(r.path == '/x' for r in list(m.app.routes))"),
    ],
)
def test_nobody_finds_nothing(before: str, change: tuple[str, str], call: str, frameworks: Forker) -> None:
    """Who looks meanwhile finds the old registration or the new one, never none."""
    said = frameworks.ask(services.hammered, before, before.replace(*change), call, 20)
    assert said == {"calls": 1, "LIVE": 20}


def test_rules_that_a_request_is_sorting_are_all_seen(frameworks: Forker) -> None:
    """A list that is being sorted looks empty to other threads: what is read of it then would lose its routes."""
    assert frameworks.ask(services.sorted_meanwhile) == [["/x", "/y"]] * 2
