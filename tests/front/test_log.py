"""The log of a service in the terminal and the notebook, and a patch that a deploy made stale."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from livecode.fleet.service import attach
from livecode.front.views import LogView
from livecode.model.log import Action
from livecode.model.pushes import LoggedModule, LoggedPush, push_words
from livecode.model.report import Verdict
from tests.services import RunningService, Services, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
DEPLOYED = "def quote():\n    return 'deployed'\n"
RUN = "from livecode.front.cli import main; main()"

Run = Callable[..., str]


@pytest.fixture
def run(services: Services) -> Run:
    """Runs the command in a process of its own; what it prints."""

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", RUN, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=services.environment(), check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def shop(services: Services) -> RunningService:
    """A service that was pushed to twice; the second push failed."""
    started = services.threaded("shop", {"pricing.py": OLD})
    service = attach("shop")
    assert service.push({"pricing": NEW}, author="ann", reason="prices up").verdict is Verdict.LIVE
    assert service.push({"pricing": f"1 / 0\n{NEW}"}, author="bob").verdict is Verdict.ROLLED_BACK
    return started


def test_log(run: Run, shop: RunningService) -> None:
    """One row a push: version, checksum, author, reason, outcome, and what went wrong where."""
    lines = run("log", "shop").splitlines()
    assert lines[0].startswith("● LOG  shop  generation 4")
    assert [line.split()[:2] for line in lines[2:4]] == [["4", "pricing"], ["2", "pricing"]]
    assert "bob" in lines[2]
    assert lines[2].endswith("taken back: it could not be applied")
    assert "v2" in lines[3]
    assert "prices up" in lines[3]
    assert lines[3].rstrip().endswith("live on 1 worker")
    assert lines[4].endswith(f":{shop.pid} ROLLED BACK: ZeroDivisionError: division by zero")


def test_log_as_json(run: Run, shop: RunningService) -> None:
    """The same for programs; fewer, or of one module."""
    (push,) = json.loads(run("log", "shop", "-n", "1", "--json"))
    assert (push["author"], push["live"], push["generation"], push["modules"][0]["module"]) == (
        "bob",
        False,
        4,
        "pricing",
    )
    assert json.loads(run("log", "shop", "no.such", "--json")) == []


def test_follow(services: Services, shop: RunningService) -> None:
    """--follow prints what there is, then each push when it is decided, and ends well with Ctrl-C."""
    command = [sys.executable, "-c", RUN, "log", "shop", "--follow", "--json"]
    following = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=services.environment())
    assert following.stdout is not None
    assert [json.loads(following.stdout.readline())["generation"] for _ in range(2)] == [2, 4]
    attach("shop").push({"pricing": OLD}, author="cat")
    assert json.loads(following.stdout.readline())["author"] == "cat"
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=20)[0] == ""
    assert following.returncode == 0


def test_follow_tells_nothing_old_as_new(services: Services, shop: RunningService) -> None:
    """With -n 1, what was before the last push is not printed when the next one comes."""
    command = [sys.executable, "-c", RUN, "log", "shop", "-n", "1", "--follow", "--json"]
    process = services.program(command)
    try:
        assert process.stdout is not None
        last = json.loads(process.stdout.readline())
        attach("shop").undo(author="cy")
        come = json.loads(process.stdout.readline())
        assert (come["author"], come["generation"] > last["generation"]) == ("cy", True)
    finally:
        process.kill()
        process.communicate()


def test_follow_through_an_outage(services: Services) -> None:
    """A service that goes away is said once, and waited for; what is pushed after that is told."""
    shop = services.threaded("shop", {"pricing.py": OLD})
    attach("shop").push({"pricing": NEW}, author="ann")
    following = services.program([sys.executable, "-c", RUN, "log", "shop", "--follow", "--json"])
    assert following.stdout is not None
    assert following.stderr is not None
    try:
        assert json.loads(following.stdout.readline())["author"] == "ann"
        shop.stop()
        assert following.stderr.readline() == "livecode: shop has no worker at this moment; waiting for it\n"
        again = services.again(shop)
        assert following.stderr.readline() == "livecode: shop is there again\n"
        assert attach("shop").push({"pricing": "x = 1\n"}, author="bea", reason="later").verdict is Verdict.LIVE
        pushed = json.loads(following.stdout.readline())
        while pushed["author"] != "bea":  # that it was stopped is in the log, too
            pushed = json.loads(following.stdout.readline())
        assert (pushed["reason"], pushed["workers"], again.process.poll()) == ("later", 1, None)
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=20)
    assert following.returncode == 0


def test_a_canary_in_the_log() -> None:
    """Its row says on how many of how many workers it ran first."""
    push = LoggedPush(4, 1, Action.PUSH, (LoggedModule("m", 2, "ab" * 32),), "", "", 0.0, "live", True)
    assert push_words(replace(push, workers=8, canary=2)) == "#4 m v2 abababa: live on 8 workers after a canary on 2"
    assert push_words(replace(push, workers=1)) == "#4 m v2 abababa: live on 1 worker"
    taken = replace(push, workers=8, canary=2, live=False, outcome="taken back: the canary: slower")
    assert push_words(taken) == "#4 m v2 abababa: taken back: the canary: slower (after a canary on 2)"


def test_in_a_notebook(shell: InteractiveShell, shop: RunningService) -> None:
    """%hotlog is a sequence, a table and JSON; it needs a service."""
    with pytest.raises(UsageError, match="%hotattach NAME"):
        shell.run_line_magic("hotlog", "")
    shell.run_line_magic("hotattach", "shop")
    log = shell.run_line_magic("hotlog", "-n 1 pricing")
    assert isinstance(log, LogView)
    assert [push.author for push in log] == ["bob"]
    assert "taken back" in log._repr_html_()
    shell.run_line_magic("hotdetach", "")


def test_stale(run: Run, services: Services) -> None:
    """A worker that starts after a deploy runs the file: the status names the patch as stale, and drop removes it."""
    server = services.gunicorn("shop", {"pricing.py": OLD}, "--workers", "2")
    service = attach("shop")
    wait_until(lambda: len(service.workers()) == 2, "both workers listen", server)
    assert service.push({"pricing": NEW}).verdict is Verdict.LIVE
    (server.folder / "pricing.py").write_text(DEPLOYED)
    os.kill(service.workers()[0].pid, signal.SIGKILL)
    wait_until(lambda: any(status.stale for status in service.status()), "a worker found a patch stale", server)
    printed = run("status", "shop")
    assert "pricing: the patch is stale on w" in printed
    assert "remove it: livecode drop shop pricing" in printed
    assert run("drop", "shop") == "removed from the log: pricing\n"
    assert run("drop", "shop") == "no patch is stale\n"
    deadline = time.monotonic() + 20
    while any(status.stale for status in service.status()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "stale" not in run("status", "shop")
    assert {server.get("pricing.quote()") for _ in range(20)} == {"'old'", "'deployed'"}
