"""Celery: an app has the tasks of the source, whether it is complete already or not."""

from __future__ import annotations

import pytest

from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

pytest.importorskip("celery")

APP = """from celery import Celery, shared_task

app = Celery("m", broker="memory://", set_as_current=True)
app.conf.task_always_eager = True

@app.task
def add(x, y):
    return x + y

@app.task(name="other", bind=True)
def named(self, x):
    return [self.name, x]

@shared_task
def shared(x):
    return ["shared", x]
"""
QUESTIONS = [
    *("m.add.delay(1, 2).get()", "m.add(1, 2)", "m.named.delay(3).get()", "m.shared.delay(1).get()", "m.add.name"),
    "sorted(name for name in m.app.tasks if not name.startswith('celery.'))",
    *("m.app.tasks['other'](3)", "m.app.tasks['third'](3)", "m.app.tasks['m.shared'](3)", "m.app.tasks['m.add'](5, 1)"),
]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    "edits",
    [
        [("def add(x, y):", "def add(x, y=9):"), ("x + y", "x * y"), ("y=9", "y=8")],
        [('name="other"', 'name="third"'), ("self.name, x]", "self.name, x, x]")],
        [("@app.task\ndef add(x, y):\n    return x + y\n", "")],
        [("@shared_task", "@app.task\ndef new(x):\n    return x\n\n@shared_task")],
        [("def shared(x):", "def shared(x, y=1):"), ('"shared", x]', '"shared", x, y]')],
        [("def add(x, y):", "def plus(x, y):")],
    ],
)
def test_as_fresh(edits: list[tuple[str, str]], complete: bool, frameworks: Forker) -> None:
    """A task is replaced under its name, also before the app has looked at its tasks for the first time."""
    questions = QUESTIONS if complete else ["'not asked'"]
    as_fresh(frameworks, "evaluate", APP, edits, questions)
