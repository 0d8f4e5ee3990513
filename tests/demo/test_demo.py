"""`livecode demo`, run for real."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

import livecode
from livecode.model.report import Verdict
from tests.demo.running import Demo, running_demo

STORY = ["LIVE", "SAME", "NOT SENT", "ROLLED BACK", "LIVE", "LIVE", "LIVE", "REFUSED", "LIVE", "LIVE"]


def row(demo: Demo, name: str) -> str:
    """The value beside that name in the last table."""
    found = re.search(rf"^ +{name} +(.*?) *$", demo.text(), re.MULTILINE)
    assert found, f"no row {name!r} in:\n{demo.text()}"
    return found[1]


def test_the_demo_ends_well(whole_run: Demo) -> None:
    """Exit code 0: no request failed, no websocket dropped, every verdict was the expected one."""
    assert whole_run.process.returncode == 0, whole_run.text()


def test_customers_notice_nothing(whole_run: Demo) -> None:
    """All 50 websockets stay open and every request is answered while code is pushed."""
    assert row(whole_run, "websockets opened") == "50"
    assert row(whole_run, "websockets dropped") == "0"
    assert row(whole_run, "requests failed") == "0"
    assert int(row(whole_run, "requests served").replace(",", "")) > 100


def test_the_story_is_told_in_order(whole_run: Demo) -> None:
    """Each verdict of the notebook is printed as it happens, its line first."""
    words = "|".join(verdict.value for verdict in Verdict)
    assert re.findall(rf"^  \S ({words})  ", whole_run.text(), re.MULTILINE) == STORY


def test_new_prices_reach_every_open_websocket(whole_run: Demo) -> None:
    """From outside: all sockets say the price of the code that was pushed, and so does a new request."""
    said = re.findall(r"50 of 50 websockets open.*all say (\S+); GET /price/coffee → (\S+);", whole_run.text())
    assert {old for old, _ in said} == {"4.00", "3.00", "2.00"}
    assert [old for old, new in said if old != new] == []


def test_websockets_keep_counting(whole_run: Demo) -> None:
    """No socket starts anew: the counts go upward from one look to the next."""
    steps = re.findall(r"counts (\d+) → (\d+)", whole_run.text())
    counts = [int(count) for step in steps for count in step]
    assert len(counts) > 10
    assert counts == sorted(counts)


def test_a_syntax_error_is_shown_with_its_line_and_caret(whole_run: Demo) -> None:
    """The named chunk, the line, the caret under the bracket."""
    assert re.search(r"shop\.pricing, line \d+ \(cell \d+\)", whole_run.text())
    assert re.search(r"\n.*→ +\d+ │?.*return round\(.*\n +\^", whole_run.text())


def test_serve_can_be_attached(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--serve` leaves a service that a plain attach finds; Ctrl-C ends it and leaves nothing behind."""
    monkeypatch.setenv("LIVECODE_DIR", str(doors))
    with running_demo(doors, "--serve") as demo:
        text = demo.wait_for(lambda text: "Ctrl-C" in text)
        url = re.search(r"serves (http://\S+),", text)[1]  # type: ignore[index]
        report = livecode.attach("shop").push({"shop.promo": "HALF = 0.5\n"})
        assert report.verdict is Verdict.LIVE, str(report)
        assert httpx.get(f"{url}/price/coffee", trust_env=False).json()["price"] == 4.0
        assert demo.end(signal.SIGINT) == 130
        assert demo.survivors() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaving_in_the_middle_cleans_up(doors: Path, number: signal.Signals) -> None:
    """Service, kernel and workspace are gone, whenever the demo is interrupted."""
    with running_demo(doors) as demo:
        text = demo.wait_for(lambda text: "In [2]" in text)
        folder = re.search(r"workspace (/\S+)", text)[1]  # type: ignore[index]
        assert len(demo.family) >= 2, "the service and the kernel"
        assert demo.end(number) == 128 + number
        assert demo.survivors() == []
        assert not Path(folder).exists()


def test_a_taken_port_is_misuse(doors: Path) -> None:
    """The message names the port and the option; nothing was started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running_demo(doors, "--serve", "--port", str(port)) as demo:
            assert demo.process.wait(30) == 2
    assert f"port {port} is not free" in demo.text()
    assert "--port" in demo.text()
