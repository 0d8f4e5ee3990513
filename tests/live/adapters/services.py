"""Services of several frameworks that are pushed to, and what they answer: run in a process of its own each.

A history is a list of versions of the service, each a dict of modules; the first one is imported, the others pushed.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Sources = dict[str, str]
History = list[Sources]


def lived(history: History, ask: Callable[[list[str]], Any], questions: list[str]) -> list[dict[str, Any]]:
    """The verdict of every push and what the service answers after it; the first entry is before all pushes."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    folder = Path(tempfile.mkdtemp(prefix="adapters"))
    this_process().track(folder)
    sys.path.insert(0, str(folder))
    for name, text in history[0].items():
        (folder / f"{name}.py").write_text(text)
    for name in history[0]:
        __import__(name)
    said = [{"verdict": "", "says": [], "answers": ask(questions)}]
    for sources in history[1:]:
        push = Push(tuple(ModuleSource(name, text or None) for name, text in sources.items()), force=True)
        outcome = this_process().push(push)
        says = [f"{item.code} line {item.line}: {item.what}" for item in outcome.refusals]
        says += [f"{outcome.failure.type}: {outcome.failure.message}"] if outcome.failure else []
        said.append({"verdict": outcome.verdict.value, "says": says, "answers": ask(questions)})
    return said


def evaluated(questions: list[str]) -> list[Any]:
    """Expressions over the loaded modules; an exception is an answer too."""
    answers = []
    for question in questions:
        try:
            value = eval(question, dict(sys.modules))
        except BaseException as error:
            value = f"{type(error).__name__}: {error}"
        answers.append(value if isinstance(value, int | str | list | dict | bool | None) else repr(value))
    return answers


def requested(questions: list[str]) -> list[Any]:
    """What the FastAPI app `m.app` answers to `GET /path`, its schema and the paths of its routes in order."""
    from fastapi.testclient import TestClient

    app: Any = sys.modules["m"].app  # type: ignore[attr-defined]
    client = TestClient(app, raise_server_exceptions=False)
    answers: list[Any] = [_answer(client, question) for question in questions]
    schema = client.get("/openapi.json").json()
    return [*answers, schema, [getattr(route, "path", "included") for route in app.routes]]


def _answer(client: Any, question: str) -> list[Any]:
    method, _, path = question.partition(" ")
    if method == "WS":
        with client.websocket_connect(path) as socket:
            return [socket.receive_text()]
    body = {"json": {"name": "n", "price": 2}} if method in ("POST", "PUT") else {}
    reply = client.request(method, path, **body)
    return [reply.status_code, reply.text, reply.headers.get("x-by", "")]


def browsed(questions: list[str]) -> list[Any]:
    """What the Flask app `m.app` answers, and its rules."""
    app: Any = sys.modules["m"].app  # type: ignore[attr-defined]
    client = app.test_client()
    replies = [client.open(path, method=method) for method, _, path in (item.partition(" ") for item in questions)]
    rules = [f"{rule} {rule.endpoint} {sorted(rule.methods)}" for rule in app.url_map.iter_rules()]
    return [*([reply.status_code, reply.text] for reply in replies), sorted(rules), sorted(app.view_functions)]


def ran(questions: list[str]) -> list[Any]:
    """What the click group `m.cli` or the Typer app `m.app` prints."""
    module: Any = sys.modules["m"]
    if hasattr(module, "cli"):
        from click.testing import CliRunner

        replies: list[Any] = [CliRunner().invoke(module.cli, question.split()) for question in questions]
    else:
        from typer.testing import CliRunner as TyperRunner

        replies = [TyperRunner().invoke(module.app, question.split()) for question in questions]
    return [[reply.exit_code, reply.output.splitlines()[-1:] if reply.exit_code == 0 else ""] for reply in replies]


def ended(questions: list[str]) -> list[Any]:
    """What `m.CALLS` says after the exit functions ran, in a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        atexit._run_exitfuncs()
        os.write(writing, json.dumps(sorted(sys.modules["m"].CALLS)).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return [json.loads(os.read(reading, 10_000))]


ASKS: dict[str, Callable[[list[str]], Any]] = {
    "evaluate": evaluated,
    "fastapi": requested,
    "flask": browsed,
    "click": ran,
    "typer": ran,
    "exit": ended,
}


def live(history: History, ask: str, questions: list[str]) -> list[dict[str, Any]]:
    """See `lived`."""
    return lived(history, ASKS[ask], questions)
