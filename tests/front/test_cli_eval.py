"""`livecode eval`: values on one worker or all, and what is printed of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livecode.errors import NotAllowedError
from livecode.fleet.client import RemoteWorker
from livecode.fleet.discovery import look
from livecode.fleet.permission import check_evaluation
from livecode.fleet.service import here
from tests.front.typed import PRICING, printed, typed
from tests.services import RunningService, Services, wait_until

WORKERS = 2


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of two workers."""
    with Services(tmp_path_factory.mktemp("cli")) as services:
        running = services.gunicorn("shop", {"pricing_lc.py": PRICING}, "--workers", str(WORKERS))
        wait_until(lambda: len(look("shop").workers) == WORKERS, "both workers listen", running)
        yield running


def test_the_value_alone_is_printed(shop: RunningService) -> None:
    """So that a script can use it; with --module without the module's name, from standard input with a hyphen."""
    assert typed("eval", "shop", "pricing_lc.quote(21)").stdout == "42\n"
    assert typed("eval", "shop", "quote(21)", "-m", "pricing_lc").stdout == "42\n"
    assert typed("eval", "shop", "-", given="pricing_lc.quote(4)\n").stdout == "8\n"


def test_what_is_printed_is_no_value(shop: RunningService) -> None:
    """It comes on standard error, and as a field of its own."""
    done = typed("eval", "shop", "print('looking') or 7")
    assert (done.stdout, done.stderr) == ("7\n", "looking\n")
    (found,) = printed("eval", "shop", "x = 6\nprint('looking')\nx + 1")
    assert (found["text"], found["printed"], found["data"]) == ("7", "looking\n", [])


def test_forms_come_where_they_are_asked_for(shop: RunningService) -> None:
    """Large data is sent to nobody else."""
    shown = "type('Shown', (), {'_repr_html_': lambda self: '<b>x</b>'})()"
    (found,) = printed("eval", "shop", shown, "--rich")
    assert found["data"] == [{"mime": "text/html", "content": "<b>x</b>", "metadata": ""}]
    assert printed("eval", "shop", shown)[0]["data"] == []


def test_workers(shop: RunningService) -> None:
    """The first one, the named one, or all, each behind its name."""
    pids = {
        each["worker"]["name"]: int(each["text"])
        for each in printed("eval", "shop", "__import__('os').getpid()", "--all")
    }
    assert sorted(pids) == ["w1", "w2"]
    assert len(set(pids.values())) == WORKERS
    asked = printed("eval", "shop", "__import__('os').getpid()", "--worker", "w2")
    assert [(each["worker"]["name"], int(each["text"])) for each in asked] == [("w2", pids["w2"])]
    assert typed("eval", "shop", "1 + 1", "--all").stdout == "[w1] 2\n[w2] 2\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("x = 1",), "is a statement"),
        (("1", "--worker", "w9"), "shop has no worker 'w9'; it has w1, w2"),
        (("1", "--worker", "w1", "--all"), "not both"),
        (("1", "--timeout", "-1"), "above 0"),
        (("1", "--rich"), "--rich is what --json prints"),
        (("shop.x = 1\n1",), "line 1: shop.x would be changed in the service"),
        (("1", "-m", "no_such_lc"), "no_such_lc is not loaded"),
    ],
)
def test_misuse(shop: RunningService, arguments: tuple[str, ...], why: str) -> None:
    """With what would be right."""
    done = typed("eval", "shop", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert why in done.stderr


def test_a_failure_shows_where(shop: RunningService) -> None:
    """The line of the service's own module, not livecode's."""
    done = typed("eval", "shop", "pricing_lc.boom()")
    assert done.exit_code == 1
    assert done.stdout.startswith("✖ FAILED  pricing_lc.boom()  ZeroDivisionError: division by zero  w1")
    assert "pricing_lc, line 5, in boom:  return 1 / 0" in done.stdout
    assert "evaluate.py" not in done.stdout
    broken = typed("eval", "shop", "(1 +")
    assert "'(' was never closed" in broken.stdout


def test_what_is_large_is_cut(shop: RunningService) -> None:
    """And that is said."""
    done = typed("eval", "shop", "list(range(10 ** 6))")
    assert done.exit_code == 0
    assert done.stdout.endswith("… and more: ask for less of it\n")
    assert len(done.stdout) < 30_000


def test_agents(shop: RunningService) -> None:
    """An expression can do everything, so an agent that may only read may not evaluate any."""
    door = look("shop").workers[0]
    asks = RemoteWorker(door.worker, door.path)
    asks.agent = "helper"
    with pytest.raises(NotAllowedError, match="an expression could do everything"):
        asks.evaluate("1", "", 1.0)
    check_evaluation("shop", "push", "helper")
    check_evaluation("shop", "none", "")


def test_in_this_process() -> None:
    """The same verb without a service."""
    (found,) = here().evaluate("1 + 1")
    assert (found.text, found.worker.name) == ("2", "here")
