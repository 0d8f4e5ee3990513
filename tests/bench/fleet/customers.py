"""Customers in a process of their own: open websockets, and requests at a steady pace; what they noticed, as data.

Each request is a connection of its own, so that all workers are asked, and none is kept.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import websockets

from tests.bench.fleet.service import ROOT

ASKING = 8
PAUSE_S = 0.05
PATIENCE_S = 20.0
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: when it came, how long it took, which process gave it, by which code, with which memory."""

    at: float
    waited_s: float
    pid: int
    version: int
    born: float


@dataclass(frozen=True, slots=True)
class Noticed:
    """What the customers noticed.

    Attributes:
        sockets: How many websockets were opened.
        dropped: How many of them the service closed.
        failed: Requests without a whole answer, as texts of errors.
        answers: All others, in the order in which they came.
    """

    sockets: int
    dropped: int
    failed: tuple[str, ...]
    answers: tuple[Answer, ...]


@dataclass(slots=True)
class _Notes:
    open: bool = True
    dropped: int = 0
    failed: list[str] = field(default_factory=list)
    answers: list[tuple[float, float, int, int, float]] = field(default_factory=list)


class Customers:
    """Customers under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.noticed = Noticed(0, 0, (), ())

    def leave(self) -> None:
        """All go; `noticed` says what they noticed."""
        printed, _ = self._process.communicate("", timeout=PATIENCE_S * 2)
        found = json.loads(printed)
        answers = tuple(Answer(*answer) for answer in sorted(found["answers"]))
        self.noticed = Noticed(found["sockets"], found["dropped"], tuple(found["failed"]), answers)


@contextmanager
def customers(port: int, sockets: int = 50, asking: int = ASKING) -> Iterator[Customers]:
    """Customers of the service at that port, from when all websockets are open."""
    command = [sys.executable, "-m", "tests.bench.fleet.customers", str(port), str(sockets), str(asking)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n", "not all websockets were opened"
        came = Customers(process)
        yield came
        came.leave()
    finally:
        process.kill()
        process.wait()


async def _ask(port: int, notes: _Notes) -> None:
    while notes.open:
        began = time.time()
        try:
            found = await asyncio.wait_for(_get(port), PATIENCE_S)
            now = time.time()
            notes.answers.append((now, now - began, found["pid"], found["version"], found["born"]))
        except (OSError, ValueError, TimeoutError, EOFError) as error:
            notes.failed.append(repr(error))
        await asyncio.sleep(PAUSE_S)


async def _get(port: int) -> dict[str, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(REQUEST)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise ValueError(head[:80] or "no answer")
        found: dict[str, float] = json.loads(body)
        return found
    finally:
        writer.close()


async def _hold(websocket: websockets.ClientConnection, notes: _Notes) -> None:
    try:
        while True:
            await websocket.recv()
    except websockets.ConnectionClosed:
        notes.dropped += notes.open


async def _main(port: int, sockets: int, asking: int) -> None:
    notes, url = _Notes(), f"ws://127.0.0.1:{port}/talk"
    opened = [await websockets.connect(url, ping_interval=None, open_timeout=60) for _ in range(sockets)]
    tasks = [asyncio.create_task(_hold(websocket, notes)) for websocket in opened]
    tasks += [asyncio.create_task(_ask(port, notes)) for _ in range(asking)]
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    notes.open = False
    for task in tasks:
        task.cancel()
    print(json.dumps({"sockets": sockets, "dropped": notes.dropped, "failed": notes.failed, "answers": notes.answers}))


if __name__ == "__main__":
    asyncio.run(_main(*map(int, sys.argv[1:])))
