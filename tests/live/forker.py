"""A small process that forks for every question: quick, because it is small, and clean, because it forks."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class Forker:
    """Asks functions of test modules, each in a process of its own."""

    def __init__(self, *modules: str) -> None:
        """Imports `modules` before it forks."""
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.live.forker", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )

    def ask(self, function: Any, *args: Any) -> Any:
        """What `function(*args)` returns in a forked process; all of it is JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"module": function.__module__, "name": function.__name__, "args": args}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the forker died"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def answer(question: dict[str, Any]) -> str:
    """The answer to one question, from a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            work = getattr(importlib.import_module(question["module"]), question["name"])
            said: dict[str, Any] = {"value": work(*question["args"])}
        except BaseException as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(said, default=repr))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text or '{"error": "the child died"}'


if __name__ == "__main__":
    import livecode.live.process  # noqa: F401  # once, before the forks

    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        print(answer(json.loads(line)), flush=True)
