"""A store's server that is killed, comes back as it was or comes back empty, while pushes go out."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from livecode.errors import StoreError
from livecode.fleet.service import Service, attach
from livecode.model.log import Action
from livecode.model.report import Verdict
from tests.fleet.faults.machines import check_agree, log_of, quoting
from tests.fleet.stores.backends import Backend, answers
from tests.fleet.stores.servers import NATS, REDIS, Server
from tests.services import RunningService, Services, wait_until

Require = Callable[[str | tuple[str, ...], str], str]
FORGETFUL = replace(
    REDIS, keeps=False, command=lambda port, folder: [*REDIS.command(port, folder), "--appendonly", "no"]
)
BACKENDS = {
    "redis": Backend("redis", REDIS),
    "nats": Backend("nats", NATS),
    "forgetful": Backend("redis", FORGETFUL),
}


@dataclass(frozen=True, slots=True)
class Shop:
    """Three workers that follow a server's store."""

    server: Server
    started: tuple[RunningService, ...]
    service: Service


@pytest.fixture
def shop(
    request: pytest.FixtureRequest,
    services: Services,
    require: Require,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """A service over a server of its own; which one is the parameter of the test."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lcs", dir="/tmp")))
        server = stack.enter_context(BACKENDS[request.param].running(require, folder / "data"))
        assert server is not None
        monkeypatch.setenv("LIVECODE_STORE", server.url)
        started = tuple(services.threaded("shop", {"pricing.py": quoting("old")}) for _ in range(3))
        yield Shop(server, started, attach("shop"))


def push_until(service: Service, stop: Callable[[], bool]) -> int:
    """The number that the last push quotes that was said to be live, after pushes with the numbers from 0 up."""
    live, number = -1, 0
    while not stop():
        try:
            if service.push({"pricing": quoting(number)}, force=True).verdict is Verdict.LIVE:
                live = number
        except StoreError:
            pass
        number += 1
    return live


def push_again(service: Service, what: str) -> None:
    """Pushes as soon as the store can be reached."""

    def pushed() -> bool:
        try:
            return service.push({"pricing": quoting(what)}, force=True).ok
        except StoreError:
            return False

    wait_until(pushed, f"{what} is live")


@pytest.mark.parametrize("shop", ["redis", "nats"], indirect=True)
def test_killed_during_pushes(shop: Shop) -> None:
    """A server that keeps what it acknowledges is killed twice while pushes go out: what was live stays so."""
    over = threading.Event()
    found: list[int] = []
    pushing = threading.Thread(target=lambda: found.append(push_until(shop.service, over.is_set)))
    pushing.start()
    for _ in range(2):
        over.wait(0.7)
        shop.server.kill()
        over.wait(0.7)
        shop.server.start()
        answers(shop.server.url)
    over.wait(0.7)
    over.set()
    pushing.join()
    assert found[0] > 0
    wait_until(lambda: log_of(shop.server.url)[0].trial is None, "nothing is on trial any more")
    state = log_of(shop.server.url)[0]
    runs = shop.started[0].get("pricing.quote()")
    check_agree(shop.server.url, shop.started, runs)
    assert int(runs) >= found[0], (found, state)
    push_again(shop.service, "after")
    check_agree(shop.server.url, shop.started, "'after'")


@pytest.mark.parametrize("shop", ["redis"], indirect=True)
def test_away_for_long(shop: Shop) -> None:
    """While the store is away that is reported of each worker, pushes say so, and what runs goes on."""
    push_again(shop.service, "one")
    shop.server.kill()
    with pytest.raises(StoreError, match="the next call tries again"):
        shop.service.push({"pricing": quoting("two")})
    assert [one.get("pricing.quote()") for one in shop.started] == ["'one'"] * 3
    shop.server.start()
    answers(shop.server.url)
    check_agree(shop.server.url, shop.started, "'one'")


@pytest.mark.parametrize("shop", ["forgetful"], indirect=True)
def test_came_back_empty(shop: Shop, services: Services) -> None:
    """A store that forgot is told again what runs; nobody goes back, late joiners and the next push find all."""
    push_again(shop.service, "one")
    push_again(shop.service, "two")
    before = log_of(shop.server.url)[0]
    shop.server.kill()
    shop.server.start()
    answers(shop.server.url)
    state = check_agree(shop.server.url, shop.started, "'two'")
    assert state.action is Action.RESTORE
    assert state.generation > before.generation
    assert "went back" in state.reason
    assert state.patches == before.patches
    late = services.threaded("shop", {"pricing.py": quoting("old")})
    check_agree(shop.server.url, (*shop.started, late), "'two'")
    push_again(shop.service, "three")
    check_agree(shop.server.url, (*shop.started, late), "'three'")
    assert shop.service.undo().ok
    check_agree(shop.server.url, (*shop.started, late), "'two'")


@pytest.mark.parametrize("shop", ["forgetful"], indirect=True)
def test_pushed_to_right_after_it_forgot(shop: Shop) -> None:
    """A push before the workers noticed is not built on nothing: what was live before it is not lost."""
    push_again(shop.service, "one")
    assert shop.service.push({"promo": "def price():\n    return 5\n"}).ok
    shop.server.kill()
    shop.server.start()
    answers(shop.server.url)
    push_again(attach("shop"), "two")
    state = check_agree(shop.server.url, shop.started, "'two'")
    assert set(state.by_module) == {"pricing", "promo"}, "\n".join(map(str, shop.service.log()))
    assert {one.get("promo.price()") for one in shop.started} == {"5"}
