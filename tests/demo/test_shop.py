"""The shop under uvicorn, and the customers who measure it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import livecode
from livecode.demo.service import ServiceFailedError, running, served, wait_for
from livecode.demo.traffic import Traffic
from livecode.demo.visit import Shop
from livecode.demo.workspace import Workspace, find_notebook, workspace
from livecode.errors import UsageError
from livecode.model.report import Verdict


@pytest.fixture(scope="module")
def space() -> Iterator[Workspace]:
    """A workspace of its own."""
    with workspace(0, alone=True) as made:
        yield made


@pytest.fixture(scope="module")
def process(space: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    """The shop, serving."""
    with served(space) as started:
        yield started


@pytest.mark.usefixtures("process")
def test_prices_follow_demand(space: Workspace) -> None:
    """The notebook's text relies on these numbers."""
    shop = Shop(space.url, space.folder)
    assert {item: shop.price(item) for item in ("coffee", "tea", "cake")} == {"coffee": 4.0, "tea": 2.4, "cake": 3.6}
    assert shop.price("tea", amount=3) == 7.2
    assert shop.get("/health")["answers in cache"] == 3


@pytest.mark.usefixtures("process")
def test_customers_see_counting_sockets_and_answers(space: Workspace) -> None:
    """Open sockets count upward, requests are answered, and closing at the end is no drop."""
    with Traffic(space.url, sockets=3, rate_hz=50) as traffic:
        first, second = traffic.next_round(), traffic.next_round()
    assert (first.opened, second.open) == (3, 3)
    assert second.lowest > first.lowest > 0
    assert second.prices == (4.0,)
    assert second.served > first.served
    assert 0 < second.latency_ms(0.5) <= second.latency_ms(0.99)
    after = traffic.facts()
    assert (after.dropped, after.failed, after.trouble) == (0, 0, ())


def test_customers_notice_a_restart(space: Workspace, process: subprocess.Popen[bytes]) -> None:
    """A service that goes away costs every socket and the requests that follow: what the demo must not miss."""
    with Traffic(space.url, sockets=3, rate_hz=50) as traffic:
        process.kill()
        process.wait()
        facts = traffic.next_round()
        while not facts.failed:
            facts = traffic.next_round()
    assert (facts.open, facts.dropped) == (0, 3)
    assert facts.trouble


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the message."""
    argv = ["python3", "-c", "import sys; sys.exit('no shop today')"]
    log = tmp_path / "log"
    with running(argv, tmp_path, {}, log) as process, pytest.raises(ServiceFailedError, match="no shop today"):
        wait_for(process, "http://127.0.0.1:9/never", log)


def test_a_workspace_leaves_nothing_behind() -> None:
    """The folder is private while it exists, and gone afterwards."""
    with workspace(0, alone=True) as space:
        assert space.root.stat().st_mode & 0o077 == 0
        assert (space.folder / "shop" / "pricing.py").is_file()
        assert space.notebook.is_file()
    assert not space.root.exists()


def test_two_demos_do_not_meet() -> None:
    """Each has sockets of its own, unless it is meant to be found."""
    with workspace(0, alone=True) as one, workspace(0, alone=True) as two:
        assert one.environment()["LIVECODE_DIR"] != two.environment()["LIVECODE_DIR"]


def test_a_served_shop_is_found_where_users_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory of its own, the environment decides as always."""
    monkeypatch.setenv("LIVECODE_DIR", "/where/the/user/says")
    with workspace(0, alone=False) as space:
        assert space.environment()["LIVECODE_DIR"] == "/where/the/user/says"


def test_a_notebook_that_is_not_shipped_is_misuse() -> None:
    """The message names the places that were searched."""
    with pytest.raises(UsageError, match=r"99-none\.ipynb is missing"):
        find_notebook("99-none.ipynb")


def test_no_request_sees_a_push_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a name that `quote` reads comes and goes with pushes, every request sees one version or the other."""
    with workspace(0, alone=True) as space, served(space), Traffic(space.url, 20, rate_hz=150) as traffic:
        monkeypatch.setenv("LIVECODE_DIR", space.environment()["LIVECODE_DIR"])
        plain = (space.folder / "shop" / "pricing.py").read_text("utf-8")
        happy = plain.replace("demand(item), 2)", "demand(item) * HAPPY_HOUR, 2)") + "\n\nHAPPY_HOUR = 0.75\n"
        service = livecode.attach("shop")
        for number in range(20):
            report = service.push({"shop.pricing": plain if number % 2 else happy})
            assert report.verdict is Verdict.LIVE, str(report)
        facts = traffic.next_round()
    assert (facts.failed, facts.dropped, facts.trouble) == (0, 0, ())
