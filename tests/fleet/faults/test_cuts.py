"""A network that is cut for seconds at a time while many pushes go out."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from livecode.errors import StoreError
from livecode.fleet.service import Service, attach
from livecode.model.log import Action
from livecode.model.nouns import checksum
from livecode.model.report import Verdict
from tests.fleet.faults.machines import check_agree, log_of, quoting
from tests.fleet.stores.backends import Backend
from tests.fleet.stores.cutting_proxy import CuttingProxy
from tests.fleet.stores.servers import REDIS
from tests.services import Services, wait_until

PUSHES = 400
CUTS_S = (0.5, 1.0, 2.0, 0.2, 0.0)
EVERY_S = 2.0
NUMBERS = {checksum(quoting(number)): number for number in range(PUSHES)}


def test_cuts_during_pushes(
    services: Services, require: Callable[[str | tuple[str, ...], str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said to be live is live afterwards, in that order; what was not, is nowhere or everywhere."""
    with (
        tempfile.TemporaryDirectory(prefix="lcs", dir="/tmp") as folder,
        Backend("redis", REDIS).running(require, Path(folder) / "data") as server,
        CuttingProxy(server.port if server else 0) as proxy,
    ):
        assert server is not None
        monkeypatch.setenv("LIVECODE_STORE", server.url.replace(str(server.port), str(proxy.port)))
        started = [services.threaded("shop", {"pricing.py": quoting("old")}) for _ in range(3)]
        live, failed = list[int](), list[int]()
        cutting, service = threading.Thread(target=cut_now_and_then, args=(proxy,)), attach("shop")
        cutting.start()
        for number in range(PUSHES):
            (live if is_live(service, number) else failed).append(number)
        cutting.join()
        assert proxy.cuts == len(CUTS_S)
        wait_until(lambda: log_of(server.url)[0].trial is None, "nothing is on trial")
        runs = started[0].get("pricing.quote()")
        check_agree(server.url, started, runs)
        last = live[-1]
        assert int(runs) == last or (int(runs) in failed and int(runs) > last)
        pushes = [state for state in service.log(5 * PUSHES) if state.action is Action.PUSH]
        logged = [NUMBERS[state.by_module["pricing"].digest] for state in reversed(pushes)]
        assert logged == sorted(logged)
        assert {number for number in live if number >= logged[0]} <= set(logged)
        assert service.push({"pricing": quoting("after")}, force=True).verdict is Verdict.LIVE
        check_agree(server.url, started, "'after'")


def cut_now_and_then(proxy: CuttingProxy) -> None:
    """Cuts the connections for some seconds, again and again."""
    for refuse_s in CUTS_S:
        time.sleep(EVERY_S)
        proxy.cut(refuse_s)


def is_live(service: Service, number: int) -> bool:
    """True if a push that quotes that number is said to be live; who is refused takes a breath."""
    with suppress(StoreError):
        if service.push({"pricing": quoting(number)}, force=True).verdict is Verdict.LIVE:
            return True
    time.sleep(0.02)
    return False
