"""What a worker that starts replays, whatever its modules are and whenever they are imported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.agreement import agreed, differences, log_of
from tests.services import ANSWER, RunningService, Services, free_port, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
THIRD = "def quote():\n    return 'third'\n"

SERVE = """
import sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = answer(self.path[1:].replace("%20", " "))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
from answering import answer
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
LISTEN = "import os\nfrom livecode.fleet.listen import listen\nlisten('shop', overlay=os.environ.get('OVERLAY', ''))\n"
LISTENING = f"{LISTEN}{OLD}"
FOUND = "sys.modules['pricing'].quote()"


def start(services: Services, files: Mapping[str, str], begin: str, overlay: str = "") -> RunningService:
    """A service that begins with these statements."""
    folder = services._folder({**files, "serve.py": begin + SERVE, "answering.py": ANSWER})
    port = free_port()
    environment = services.environment(OVERLAY=overlay)
    return services._run([sys.executable, "serve.py", str(port)], folder, port, environment, "shop")


ORDERS = {
    "imported before": ({"pricing.py": OLD}, f"import pricing\n{LISTEN}"),
    "imported after": ({"pricing.py": OLD}, f"{LISTEN}import pricing\n"),
    "imported while it listens": ({"pricing.py": LISTENING}, "import pricing\n"),
    "imported by another that listens": (
        {"pricing.py": OLD, "app.py": f"{LISTEN}import pricing\n"},
        "import app\n",
    ),
    "imports what listens": ({"pricing.py": f"import app\n{OLD}", "app.py": LISTEN}, "import pricing\n"),
    "from-import": (
        {"pricing.py": OLD, "routes.py": "from pricing import quote\n"},
        f"{LISTEN}import routes\n",
    ),
    "from-import before": (
        {"pricing.py": OLD, "routes.py": "from pricing import quote\n"},
        f"import routes\n{LISTEN}",
    ),
    "circular": (
        {"pricing.py": f"import routes\n{OLD}", "routes.py": "import pricing\ndef r():\n    return pricing.quote()\n"},
        f"{LISTEN}import routes\n",
    ),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_order_of_imports(services: Services, order: tuple[dict[str, str], str]) -> None:
    """A worker that starts later runs what was pushed, whether it listens before, after or during the import."""
    files, begin = order
    first = start(services, files, begin)
    source = files["pricing.py"].replace("'old'", "'new'")
    assert attach("shop").push({"pricing": source}).verdict is Verdict.LIVE
    second = start(services, files, begin)
    assert second.get(FOUND) == "'new'", second.printed()
    assert second.get("getattr(sys.modules.get('routes'), 'quote', lambda: 'new')()") == "'new'"
    agreed(services, [first, second], "'new'", FOUND)
    assert attach("shop").push({"pricing": source.replace("'new'", "'third'")}).verdict is Verdict.LIVE
    agreed(services, [first, second], "'third'", FOUND)
    assert attach("shop").undo("pricing", to=1).verdict is Verdict.LIVE
    agreed(services, [first, second], "'old'", FOUND)


def test_package_and_what_has_no_file(services: Services) -> None:
    """A package, a module in it, one that was pushed only, and one that is imported much later are all replayed."""
    files = {"shop/__init__.py": OLD, "shop/tax.py": OLD, "late.py": OLD}
    begin = f"{LISTEN}import shop.tax\n"
    first = start(services, files, begin)
    pushed = {"shop": NEW, "shop.tax": NEW, "promo": NEW, "shop.extra": NEW, "late": NEW}
    assert attach("shop").push(pushed).verdict is Verdict.LIVE
    second = start(services, files, begin)
    names = ["shop", "shop.tax", "promo", "shop.extra", "late"]
    every = f"[__import__('importlib').import_module(name).quote() for name in {names}]"
    assert second.get(every) == str(["new"] * 5), second.printed()
    agreed(services, [first, second], str(["new"] * 5), every)
    assert attach("shop").unload("promo").verdict is Verdict.LIVE
    third = start(services, files, begin)
    agreed(services, [first, second, third], "False", "'promo' in sys.modules")


def test_stale_patch(services: Services) -> None:
    """Where a file has changed since the push was made for it, a new worker runs the file, and says so."""
    begin = f"{LISTEN}import pricing\n"
    first = start(services, {"pricing.py": OLD}, begin)
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    second = start(services, {"pricing.py": THIRD}, begin)
    assert (first.get(FOUND), second.get(FOUND)) == ("'new'", "'third'")

    def stale() -> dict[int, tuple[str, ...]]:
        log = log_of(services)
        try:
            return {report.worker.pid: report.stale for report in log.reports().values() if report.stale}
        finally:
            log.close()

    wait_until(lambda: stale() == {second.pid: ("pricing",)}, "it is reported")
    assert differences(services, [second.pid])
    assert attach("shop").drop() == ("pricing",)
    wait_until(lambda: stale() == {}, "nothing is stale any more")
    wait_until(lambda: not differences(services, [first.pid, second.pid]), "all agree")
    assert (first.get(FOUND), second.get(FOUND)) == ("'old'", "'third'")


@pytest.mark.parametrize("begin", [f"{LISTEN}import pricing\n", f"import pricing\n{LISTEN}"], ids=["after", "before"])
def test_patch_that_raises_at_the_start(services: Services, begin: str) -> None:
    """A worker in which a patch raises starts with what is on disk, and its report says what was raised."""
    first = start(services, {"pricing.py": OLD}, begin)
    source = f"import os\nif os.getpid() != {first.pid}:\n    raise MemoryError('no room')\n{NEW}"
    assert attach("shop").push({"pricing": source}).verdict is Verdict.LIVE
    second = start(services, {"pricing.py": OLD}, begin)
    assert second.get(FOUND) == "'old'"
    wait_until(lambda: any(str(second.pid) in each for each in differences(services, [second.pid])), "it is said")
    assert attach("shop").push({"pricing": THIRD}).verdict is Verdict.LIVE
    agreed(services, [first, second], "'third'", FOUND)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("overlay", "joins", "restarts"), [("", "new", "old"), ("until-deploy", "new", "new"), ("none", "old", "old")]
)
def test_overlay(services: Services, overlay: str, joins: str, restarts: str, number: int) -> None:
    """What a worker that is added runs, and what the service runs after all of it was stopped."""
    begin = f"{LISTEN}import pricing\n"
    first = start(services, {"pricing.py": OLD}, begin, overlay)
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    second = start(services, {"pricing.py": OLD}, begin, overlay)
    assert (first.get(FOUND), second.get(FOUND)) == ("'new'", repr(joins))
    for each in (first, second):
        each.stop(number)
    again = services.again(first)
    assert again.get(FOUND) == repr(restarts), again.printed()
    assert attach("shop").push({"pricing": THIRD}).verdict is Verdict.LIVE
    agreed(services, [again], "'third'", FOUND)


def test_stopped_during_pushes(services: Services) -> None:
    """A worker that was frozen while others were pushed to goes on to the newest, or all were taken back."""
    begin = f"{LISTEN}import pricing\n"
    started = [start(services, {"pricing.py": OLD}, begin) for _ in range(2)]
    attach("shop").push({"pricing": NEW})
    frozen = max(started, key=lambda each: each.pid)
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        hasty = attach("shop", answer_s=1)
        verdicts = {hasty.push({"pricing": f"{THIRD}# {number}\n"}).verdict for number in range(2)}
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    assert verdicts == {Verdict.UNKNOWN}
    agreed(services, started, "'new'", FOUND)
    assert attach("shop").push({"pricing": THIRD}).verdict is Verdict.LIVE
    agreed(services, started, "'third'", FOUND)


def test_forked_child_of_a_patched_parent(services: Services) -> None:
    """A child runs what its parent ran, and goes on with the others."""
    begin = f"{LISTEN}import pricing\n"
    parent = start(services, {"pricing.py": OLD}, begin)
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    forked = "(lambda pid: pid or __import__('signal').pause())(os.fork())"
    child = int(parent.get(forked))
    try:
        wait_until(lambda: len(attach("shop").workers()) == 2, "the child listens")
        assert attach("shop").push({"pricing": THIRD}).verdict is Verdict.LIVE
        wait_until(lambda: not differences(services, [parent.pid, child]), "both agree")
    finally:
        os.kill(child, signal.SIGKILL)
