"""A link as slow as a far network: it makes things slower, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from livecode.fleet.service import Service
from livecode.model.log import Action
from livecode.model.report import Outcome, Verdict
from tests.fleet.faults.machines import quoting
from tests.fleet.remote.far import WORKERS, Far, gated, wait_for
from tests.fleet.remote.slow_proxy import SlowProxy
from tests.services import wait_until

Attach = Callable[[str], Service]


def test_a_slow_link(far: Far, attached: Attach) -> None:
    """Every verb does what it does, at an eighth of a second a round trip."""
    with SlowProxy(far.port, 0.06, 1e6) as proxy:
        far.host("slow", proxy.port, HostKeyAlias=f"[127.0.0.1]:{far.port}")
        service, arrived = attached("ssh://slow/shop"), list[Outcome]()
        report = service.push({"pricing": quoting("slow")}, on_outcome=arrived.append)
        assert (report.verdict, len(arrived)) == (Verdict.LIVE, WORKERS)
        assert far.answers() == ["slow"] * WORKERS
        assert service.undo().verdict is Verdict.LIVE
        service.close()


def test_a_large_push_holds_up_nobody(far: Far, attached: Attach) -> None:
    """While 20 MB of source are on their way, what others ask over the same link is answered."""
    rows = "".join(f"# {number:07} {'y' * 990}\n" for number in range(4000))
    sources = {f"large{n}_lc": f"def quote(): return {n}\n{rows}" for n in range(5)}
    assert sum(map(len, sources.values())) > 20e6
    answered = list[int]()
    with SlowProxy(far.port, 0.01, 8e6) as proxy:
        far.host("narrow", proxy.port, HostKeyAlias=f"[127.0.0.1]:{far.port}")
        service = attached("ssh://narrow/shop")
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                answered.append(len(service.workers()))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            report = service.push(sources)
            meanwhile = len(answered)
        finally:
            done.set()
            asking.join()
        assert (report.verdict, len(report.outcomes)) == (Verdict.LIVE, WORKERS)
        assert meanwhile >= 2  # the first one may have been asked before, the second one was not
        assert set(answered) == {WORKERS}
        service.close()
    assert far.workers[0].get("__import__('large3_lc').quote()") == "3"


def test_a_network_that_is_cut(far: Far, attached: Attach, tmp_path: Path) -> None:
    """What came of the push is not known at once; the relay there brings it to its end, and the next verb says it."""
    with SlowProxy(far.port, 0.0, 1e9) as proxy:
        far.host("cut", proxy.port, HostKeyAlias=f"[127.0.0.1]:{far.port}")
        service = attached("ssh://cut/shop")
        reports = []
        pushing = threading.Thread(
            target=lambda: reports.append(service.push({"pricing": gated(tmp_path, "whole")}, author="ann"))
        )
        pushing.start()
        wait_for(tmp_path / "begun")
        proxy.cut()
        pushing.join()
        (tmp_path / "gate").touch()
        assert reports[0].verdict is Verdict.UNKNOWN
        assert "ssh://cut broke" in str(reports[0])
        wait_until(lambda: far.answers() == ["whole"] * WORKERS, "all run it")
        assert (service.log(1)[0].action, service.log(1)[0].author) == (Action.PUSH, "ann")
        service.close()
