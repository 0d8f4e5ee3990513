"""Services of several frameworks that are pushed to, and what they answer: run in a process of its own each.

A history is a list of versions of the service, each a dict of modules; the first one is imported, the others pushed.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import tempfile
import threading
from collections import Counter
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


def told(versions: list[str]) -> list[list[str]]:
    """What the report of the last push says of each statement of `m`."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    lived([{"m": versions[0]}], evaluated, [])
    outcome = this_process().push(Push((ModuleSource("m", versions[1]),), force=True))
    return [[change.name, change.detail] for module in outcome.modules for change in module.changes]


def failing(before: str, after: str, questions: list[str], ask: str) -> dict[str, Any]:
    """What is different after a push that fails at any one of its steps, and how many steps there were."""
    from livecode.live.journal import Journal, Step

    lived([{"m": before}], ASKS[ask], questions)
    original, count, fail_at = Journal.do, [0], [0]

    def interrupted(journal: Journal, *steps: Step) -> None:
        for step in () if journal._staged is not None else steps:
            count[0] += 1
            if count[0] > fail_at[0]:
                raise RuntimeError("injected")
            original(journal, step)
        if journal._staged is not None:
            original(journal, *steps)

    different: list[list[Any]] = []
    verdict = ""
    while verdict != "LIVE" and fail_at[0] < 200:
        count[0], wanted = 0, [ASKS[ask](questions), registered_now()]
        Journal.do = interrupted  # type: ignore[method-assign]
        verdict = _push({"m": after})
        Journal.do = original  # type: ignore[method-assign]
        if verdict != "LIVE" and [ASKS[ask](questions), registered_now()] != wanted:
            different.append([fail_at[0], verdict])
        fail_at[0] += 1
    return {"different": different, "steps": fail_at[0]}


def registered_now() -> list[int]:
    """The identity of every route, rule and view of `m.app`."""
    app: Any = sys.modules["m"].app  # type: ignore[attr-defined]
    if hasattr(app, "url_map"):
        return [*map(id, app.url_map.iter_rules()), *map(id, app.view_functions.values())]
    return [*map(id, app.routes), *(id(route.endpoint) for route in app.routes)]


def unloaded() -> list[Any]:
    """What an app answers before and after the module is unloaded that gave it a route."""
    from fastapi.testclient import TestClient

    app = "from fastapi import FastAPI\napp = FastAPI()\n"
    lived([{"base": app, "extra": "from base import app\n@app.get('/e')\ndef e(): return 1\n"}], evaluated, [])
    client = TestClient(sys.modules["base"].app)  # type: ignore[attr-defined]
    before = [client.get("/e").status_code, list(client.get("/openapi.json").json()["paths"])]
    verdict = _push({"extra": ""})
    return [before, verdict, [client.get("/e").status_code, list(client.get("/openapi.json").json()["paths"])]]


def hammered(before: str, after: str, call: str, pushes: int) -> dict[str, int]:
    """What threads meet that call something all the time while it is registered again and again."""
    lived([{"m": before}], evaluated, [])
    names: dict[str, Any] = {"m": sys.modules["m"]}
    exec(f"def call():\n    {call}", names)
    met: Counter[str] = Counter()
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                names["call"]()
                met["calls"] = 1
            except Exception as error:
                met[repr(error)] += 1

    threads = [threading.Thread(target=loop) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for number in range(pushes):
        met[_push({"m": before if number % 2 else after})] += 1
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    return dict(met)


def _push(sources: Sources) -> str:
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    push = Push(tuple(ModuleSource(name, text or None) for name, text in sources.items()), force=True)
    return this_process().push(push).verdict.value


def sorted_meanwhile() -> list[list[str]]:
    """The rules of a map, asked while a request in another thread sorts them, and again afterwards."""
    from werkzeug.routing import Map, Rule

    from livecode.live.adapters.flask import UrlRules

    inside, go_on = threading.Event(), threading.Event()

    class SlowRule(Rule):
        def build_compare_key(self) -> tuple[int, int, int]:
            inside.set()
            go_on.wait(60)
            return super().build_compare_key()

    url_map = Map([SlowRule("/x", endpoint="x"), SlowRule("/y", endpoint="x")])
    request = threading.Thread(target=url_map.update)
    request.start()
    inside.wait(60)
    threading.Timer(0.2, go_on.set).start()
    meanwhile = [str(rule) for rule in UrlRules(url_map).entries()]
    request.join()
    return [meanwhile, [str(rule) for rule in UrlRules(url_map).entries()]]
