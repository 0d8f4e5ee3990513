"""Real servers with an endpoint in them: whichever worker answers, every worker changes."""

from __future__ import annotations

import json
import select
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import livecode
from livecode.fleet.service import Service
from livecode.model.nouns import checksum
from livecode.model.pushes import pushes_of
from tests.fleet.stores.servers import REDIS, Server
from tests.http import applications
from tests.http.asking import PUSH_SECRET, READ_SECRET, Said, ask
from tests.services import RunningService, Services, required_program, wait_until

PRICING = "RATE = 2\n\n\ndef quote(x):\n    return x * RATE\n"
NEW = "RATE = 3\n\n\ndef quote(x):\n    return x * RATE\n"
FOLDER = {"shop_h/__init__.py": "", "shop_h/pricing.py": PRICING}

Start = Callable[[Services], RunningService]

SERVERS: dict[str, tuple[int, Start]] = {
    "uvicorn, 3 workers": (3, lambda s: s.uvicorn("shop", FOLDER, "--workers", "3", app=applications.STARLETTE)),
    "uvicorn, FastAPI": (1, lambda s: s.uvicorn("shop", FOLDER, app=applications.FASTAPI)),
    "gunicorn sync, 1 worker": (1, lambda s: s.gunicorn("shop", FOLDER, app=applications.WSGI_AROUND)),
    "gunicorn sync, 2 workers, Django": (
        2,
        lambda s: s.gunicorn("shop", FOLDER, "--workers", "2", app=applications.DJANGO),
    ),
    "gunicorn gthread, preloaded": (
        2,
        lambda s: s.gunicorn("shop", FOLDER, "--workers", "2", "--threads", "4", "--preload", app=applications.FLASK),
    ),
    "gunicorn, uvicorn workers": (
        2,
        lambda s: s.gunicorn(
            "shop", FOLDER, "--workers", "2", "-k", "uvicorn_worker.UvicornWorker", app=applications.ASGI_AROUND
        ),
    ),
    "flask run": (1, lambda s: s.flask("shop", FOLDER, applications.FLASK)),
}


@pytest.mark.parametrize("name", SERVERS)
def test_every_worker_changes(services: Services, name: str) -> None:
    """A push, an undo and a reload through any one worker are live in all of them, and no worker waits for itself."""
    number, start = SERVERS[name]
    service = start(services)
    shop = livecode.attach("shop")
    wait_until(lambda: len(shop.workers()) == number, f"{number} workers listen", service)

    pushed = ask(service, "POST", "/push", {"modules": {"shop_h.pricing": NEW}, "reason": "more"})
    assert (pushed.status, pushed.plain["verdict"], len(pushed.plain["outcomes"])) == (200, "LIVE", number), pushed.text
    assert {service.get("sys.modules['shop_h.pricing'].quote(10)") for _ in range(6)} == {"30"}
    assert running(shop) == {NEW}

    undone = ask(service, "POST", "/undo")
    assert (undone.status, undone.plain["verdict"]) == (200, "LIVE"), undone.text
    assert running(shop) == {PRICING}

    lay_out(service.folder / "next", {"shop_h/pricing.py": NEW})
    reloaded = ask(service, "POST", "/reload", {"reason": "a new folder"})
    assert (reloaded.status, reloaded.plain["modules"]) == (200, ["shop_h.pricing"]), reloaded.text
    assert running(shop) == {NEW}
    assert {push.author for push in shop.log()} == {"ci@127.0.0.1"}
    assert service.stop(signal.SIGTERM) in (0, -signal.SIGTERM)


def running(shop: Service) -> set[str]:
    """The sources of the module that its workers run."""
    digests = {m.checksum for status in shop.status() for m in status.modules if m.module == "shop_h.pricing"}
    known = {checksum(text): text for text in (PRICING, NEW)}
    return {known.get(digest, digest) for digest in digests}


def lay_out(folder: Path, files: dict[str, str]) -> None:
    """Writes files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


SLOW = f"{NEW}\nimport time\nfor _ in range(200):\n    if os.path.exists('go'):\n        break\n    time.sleep(0.1)\n"
"""Is loaded when somebody has made a file, at the latest after 20 seconds."""


@pytest.fixture
def slow(services: Services) -> RunningService:
    """A service of two workers, which can be kept busy with a push."""
    service = services.gunicorn("shop", FOLDER, "--workers", "2", "--threads", "4", app=applications.FLASK)
    wait_until(lambda: len(livecode.attach("shop").workers()) == 2, "2 workers listen", service)
    return service


def test_of_two_pushes_at_once_one_is_a_conflict(slow: RunningService) -> None:
    """It says who is first and what to do, and the first one goes on to its end."""
    said: list[Said] = []
    body = {"modules": {"shop_h.pricing": "import os\n" + SLOW}, "reason": "takes long"}
    first = threading.Thread(target=lambda: said.append(ask(slow, "POST", "/push", body)))
    first.start()
    wait_until(lambda: is_on_trial(slow), "the first one is on trial", slow)
    second = ask(slow, "POST", "/push", {"modules": {"shop_h.pricing": NEW}})
    (slow.folder / "go").touch()
    first.join(60)
    assert (second.status, second.plain["verdict"]) == (409, "REFUSED"), second.text
    (refusal,) = second.plain["refusals"]
    assert (refusal["code"], refusal["way_out"]) == ("LC406", "try again when it is done")
    assert "shop_h.pricing by ci@127.0.0.1" in refusal["what"]
    assert [(each.status, each.plain["verdict"]) for each in said] == [(200, "LIVE")], said[0].text


def test_a_client_that_hangs_up_leaves_no_push_half_way(slow: RunningService) -> None:
    """Nobody waits for the answer any more: all workers change all the same, and the log says who did it."""
    content = json.dumps({"modules": {"shop_h.pricing": "import os\n" + SLOW}, "reason": "gone"}).encode()
    lines = ["POST /livecode/push HTTP/1.1", "Host: x", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", f"Authorization: Bearer {PUSH_SECRET}", "", ""]
    with socket.create_connection(("127.0.0.1", slow.port)) as connection:
        connection.sendall("\r\n".join(lines).encode() + content)
        wait_until(lambda: is_on_trial(slow), "it is on trial", slow)
    (slow.folder / "go").touch()
    shop = livecode.attach("shop")
    new = {checksum("import os\n" + SLOW)}
    wait_until(lambda: running(shop) == new, "all workers run it", slow)
    (push, *_) = pushes_of(shop.log())
    assert (push.live, push.author, push.reason) == (True, "ci@127.0.0.1", "gone")


def is_on_trial(service: RunningService) -> bool:
    """True while a push is not decided yet."""
    said = ask(service, "GET", "/log", secret=READ_SECRET)
    assert said.status == 200, said.text + service.printed()
    pushes = said.plain["pushes"]
    return bool(pushes) and pushes[0]["is_open"]


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn sync", "flask run"])
def test_a_body_of_a_gigabyte_is_cut_off(services: Services, kind: str) -> None:
    """In chunks, without a length: it is answered after ten mebibytes, and the worker has not grown by many more."""
    if kind == "uvicorn":
        service = services.uvicorn("shop", FOLDER, app=applications.ASGI_AROUND)
    elif kind == "flask run":
        service = services.flask("shop", FOLDER, applications.FLASK)
    else:
        service = services.gunicorn("shop", FOLDER, app=applications.WSGI_AROUND)
    peak = "__import__('resource').getrusage(0).ru_maxrss // (1 if sys.platform == 'linux' else 1024)"
    before = int(service.get(peak))
    status, sent = send_chunks(service, 1024)
    assert status == 413
    assert sent < 200
    assert int(service.get(peak)) - before < 64 * 1024
    assert running(livecode.attach("shop")) == {PRICING}


def send_chunks(service: RunningService, mebibytes: int) -> tuple[int, int]:
    """The status that was answered, and how many chunks of a mebibyte could be sent before that."""
    lines = ["POST /livecode/push HTTP/1.1", "Host: x", "Content-Type: application/json", "Transfer-Encoding: chunked"]
    chunk, sent = b"100000\r\n" + b" " * 0x100000 + b"\r\n", 0
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, f"Authorization: Bearer {PUSH_SECRET}", "", ""]).encode())
        with suppress(ConnectionError):
            for _ in range(mebibytes):
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(chunk)
                sent += 1
        answered = connection.recv(65536)
    return int(answered.split()[1]), sent


ELSEWHERE = f"import socket\nsocket.gethostname = lambda: 'elsewhere'\n{applications.WSGI_AROUND}"
"""An application on another machine, as far as livecode can tell."""


def test_workers_of_other_machines_change_too(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a store is what the workers share: those behind other doors are reached through it."""
    pytest.importorskip("redis", reason="pip install redis")
    program = required_program(REDIS.programs, REDIS.how_to_get)
    with Server(REDIS, program, services.folder) as redis:
        monkeypatch.setenv("LIVECODE_STORE", redis.url)
        near = services.uvicorn("shop", FOLDER, app=applications.ASGI_AROUND)
        with Services(services.folder) as elsewhere:
            far = elsewhere.gunicorn("shop", FOLDER, app=ELSEWHERE)
            pushed = ask(near, "POST", "/push", {"modules": {"shop_h.pricing": NEW}})
            assert (pushed.status, len(pushed.plain["outcomes"])) == (200, 2), pushed.text
            assert far.get("sys.modules['shop_h.pricing'].RATE") == "3"
            undone = ask(far, "POST", "/undo", {"modules": ["shop_h.pricing"]})  # at once, and from the other machine
            assert (undone.status, len(undone.plain["outcomes"])) == (200, 2), undone.text
            assert near.get("sys.modules['shop_h.pricing'].RATE") == "2"
