"""The embedded store with pushers that race, with files that are removed or damaged, and on a full disk."""

from __future__ import annotations

import resource
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from livecode.errors import StoreError
from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.agreement import agreed, log_of
from tests.services import RunningService, Services, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
THIRD = "def quote():\n    return 'third'\n"
PUSHERS, PUSHES = 4, 15

RACER = """
import sys
from livecode.fleet.service import attach
number, module, pushes = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for count in range(pushes):
    source = f"def quote():\\n    return ({number}, {count})\\n"
    report = attach("shop").push({module: source})
    print(report.verdict.name, *(refusal.code for refusal in report.refusals), flush=True)
"""
FULL = """
import sqlite3, sys
from livecode.errors import StoreError
from livecode.fleet.log import Log
from livecode.fleet.service import attach
original = getattr(Log, sys.argv[1])
def filling(log, *arguments):
    log.store.head()
    pages, = log.store._connection.execute("PRAGMA page_count").fetchone()
    log.store._connection.execute(f"PRAGMA max_page_count={pages}")
    for size in (3000, 300, 30):
        try:
            while True:
                row = "INSERT INTO heads SELECT 'else', coalesce(max(generation), 0) + 1, hex(zeroblob(?)) FROM heads"
                log.store._connection.execute(row, (size,))
        except sqlite3.Error:
            continue
    return original(log, *arguments)
setattr(Log, sys.argv[1], filling)
try:
    print(attach("shop").push({"pricing": sys.argv[2]}))
except StoreError as error:
    print("StoreError", error)
"""
"""A pusher for whom the disk is full from one call on."""

FULL_FOR_ALL = """
import os, resource, sys
from livecode.errors import StoreError
from livecode.fleet.log import Log
from livecode.fleet.service import attach
import livecode.fleet.log
livecode.fleet.log.PATIENCE_S = 1.0
original = getattr(Log, sys.argv[1])
def filling(log, *arguments):
    for pid in (os.getpid(), *map(int, sys.argv[3:])):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    return original(log, *arguments)
setattr(Log, sys.argv[1], filling)
try:
    print(attach("shop").push({"pricing": sys.argv[2]}))
except StoreError as error:
    print("StoreError", error)
"""
"""A pusher with whose call no process of the service can write to any file any more."""

SOONER = "import livecode.fleet.mending\nlivecode.fleet.mending.UNREACHABLE_TICKS = 3\n"
"""For a worker that takes back by itself what it cannot decide, after so many seconds."""


@pytest.fixture
def shop(services: Services) -> list[RunningService]:
    """Two processes of one name, to which something was pushed; by process id."""
    modules = {"sooner.py": SOONER, "pricing.py": OLD, **{f"m{number}.py": OLD for number in range(PUSHERS)}}
    started = sorted((services.threaded("shop", modules) for _ in range(2)), key=lambda each: each.pid)
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    return started


def intact(services: Services) -> None:
    """The file is whole, and its history has no gap."""
    connection = sqlite3.connect(services.doors / "shop.sqlite")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        numbers = [
            row[0] for row in connection.execute("SELECT generation FROM heads WHERE service = 'shop' ORDER BY 1")
        ]
    finally:
        connection.close()
    assert numbers == [*range(1, len(numbers) + 1)]


@pytest.mark.parametrize("same", [False, True], ids=["different modules", "the same module"])
def test_racing(services: Services, shop: list[RunningService], same: bool) -> None:
    """Who wins is live, who loses is told so, and each generation is made once."""
    modules = ["pricing" if same else f"m{number}" for number in range(PUSHERS)]
    racers = [services.script(RACER, str(number), module, str(PUSHES)) for number, module in enumerate(modules)]
    said = [racer.communicate(timeout=60) for racer in racers]
    assert [errors for _, errors in said] == [""] * PUSHERS
    lines = [line for output, _ in said for line in output.splitlines()]
    assert len(lines) == PUSHERS * PUSHES
    undone = lines.count("UNDONE")  # a worker of a busy machine may still be in another push after a second
    assert set(lines) <= {"LIVE", "REFUSED LC406", "REFUSED LC407", "UNDONE"}
    assert "LIVE" in lines
    log = log_of(services)
    try:
        pushes = [state for state in log.history() if state.action.value == "push"]
    finally:
        log.close()
    assert 0 <= len(pushes) - 1 - lines.count("LIVE") <= undone
    intact(services)
    agreed(services, shop, shop[0].get("pricing.quote()"))


def test_killed_at_random(services: Services, shop: list[RunningService]) -> None:
    """Pushers that are killed at any time leave a whole file and workers that agree."""
    for number in range(15):
        racer = services.script(RACER, str(number), "pricing", "20")
        assert racer.stdout is not None
        racer.stdout.readline()
        time.sleep(number * 0.007)
        racer.send_signal(signal.SIGKILL)
        racer.communicate()
    wait_until(lambda: attach("shop").push({"pricing": THIRD}).verdict in (Verdict.LIVE, Verdict.SAME), "a push works")
    agreed(services, shop, "'third'")
    intact(services)


def test_file_is_removed(services: Services, shop: list[RunningService]) -> None:
    """Where the file is removed under everybody, the workers tell a new one what they run, and the next push works."""
    for path in services.doors.glob("shop.sqlite*"):
        path.unlink()
    pushed_in_the_end(services, shop)


def pushed_in_the_end(services: Services, shop: list[RunningService]) -> None:
    """Pushes until it is said to be live: while the workers tell the store what it forgot, it is said not to be."""

    def is_live() -> bool:
        try:
            return attach("shop").push({"pricing": THIRD}).verdict in (Verdict.LIVE, Verdict.SAME)
        except StoreError:
            return False

    wait_until(is_live, "the push is live")
    agreed(services, shop, "'third'")


@pytest.mark.parametrize("what", ["damaged", "another format"])
def test_unreadable_file(services: Services, shop: list[RunningService], what: str) -> None:
    """A file that cannot be read is a StoreError that says the way out; nothing changes, and the way out works."""
    path: Path = services.doors / "shop.sqlite"
    for each in services.doors.glob("shop.sqlite*"):
        each.unlink()
    if what == "damaged":
        path.write_bytes(b"no database at all " * 1000)
    else:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version=77")
        connection.close()
    with pytest.raises(StoreError, match="remove"):
        attach("shop").push({"pricing": THIRD})
    assert {each.get("pricing.quote()") for each in shop} == {"'new'"}
    for each in services.doors.glob("shop.sqlite*"):
        each.unlink()
    pushed_in_the_end(services, shop)


def test_full_disk(services: Services, shop: list[RunningService]) -> None:
    """Where the disk is full before anything is on trial, the pusher is told, and nothing has changed."""
    pusher = services.script(FULL, "attempt", THIRD + "# long\n" * 3000)
    said, errors = pusher.communicate(timeout=60)
    assert said.startswith("StoreError"), (said, errors)
    assert "make room" in said
    agreed(services, shop, "'new'")
    intact(services)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of another process can be set on Linux only")
@pytest.mark.parametrize(("when", "source"), [("settle", THIRD), ("take_back", "1 / 0\n")])
def test_disk_is_full_in_the_middle(services: Services, shop: list[RunningService], when: str, source: str) -> None:
    """Where nobody can write any more that a push is decided, all run the old code; with room again all agree."""
    before = [resource.prlimit(each.pid, resource.RLIMIT_FSIZE) for each in shop]
    pusher = services.script(FULL_FOR_ALL, when, source, *(str(each.pid) for each in shop))
    said, errors = pusher.communicate(timeout=60)
    assert said.startswith("StoreError"), (said, errors)
    wait_until(
        lambda: {each.get("pricing.quote()") for each in shop} == {"'new'"}, "all run the old code", timeout_s=60
    )
    for each, limits in zip(shop, before, strict=True):
        resource.prlimit(each.pid, resource.RLIMIT_FSIZE, limits)
    agreed(services, shop, "'new'")
    intact(services)
    pushed_in_the_end(services, shop)
