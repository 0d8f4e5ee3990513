"""Customers of the shop: websockets that stay open and a steady stream of requests, measured from outside.

Everything runs on an event loop in a thread of its own. Only that thread writes; the others read values.

    with Traffic(...)       every socket counts; at the end they are closed by us, which counts as no drop
        .facts()            what was seen so far
        .next_round()       the same, once every socket has said one more thing
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

ITEMS = ("coffee", "tea", "cake")
_KEPT = 200_000  # latencies remembered: more than half an hour at 100 requests a second
_TIMEOUT_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the customers have seen so far.

    Attributes:
        opened: Sockets that were opened.
        dropped: Sockets that ended, or whose count did not go on by one.
        lowest: The smallest count that a socket has reached.
        highest: The largest.
        prices: What a coffee costs, by the last word of every open socket.
        served: Requests answered with 200.
        failed: Requests that were not.
        latencies_ms: Of the served ones, in order of their answers.
        trouble: The first failures, in words.
    """

    opened: int
    dropped: int
    lowest: int
    highest: int
    prices: tuple[float, ...]
    served: int
    failed: int
    latencies_ms: tuple[float, ...]
    trouble: tuple[str, ...]

    @property
    def open(self) -> int:
        """Sockets that are open and count."""
        return self.opened - self.dropped

    def latency_ms(self, share: float) -> float:
        """The latency that `share` of the requests did not exceed: 0.5 is the median."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class _Socket:
    """One websocket, as its reader sees it."""

    connection: ClientConnection
    count: int = 0
    price: float = 0.0
    dropped: bool = False


class Traffic:
    """The customers.

    Args:
        url: Where the shop answers.
        sockets: How many websockets to keep open.
        rate_hz: Requests a second. They start on time whether or not earlier ones were answered, so that a
            pause of the service shows as latency.
    """

    def __init__(self, url: str, sockets: int, rate_hz: float) -> None:
        self.url, self.rate_hz = url, rate_hz
        self._wanted = sockets
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="customers", daemon=True)
        self._sockets: list[_Socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._served = self._failed = 0
        self._latencies_ms: deque[float] = deque(maxlen=_KEPT)
        self._trouble: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._open())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def facts(self) -> Facts:
        """What was seen so far; after the end: what was seen until then."""
        return self._look() if self._loop.is_closed() else self._run(self._look_inside())

    def next_round(self) -> Facts:
        """What was seen, once every open socket has received something that was sent after this call."""
        return self._run(self._await_round())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)  # no request waits for another
        self._client = httpx.AsyncClient(base_url=self.url, timeout=_TIMEOUT_S, limits=limits, trust_env=False)
        self._spawn(self._send_requests())
        await asyncio.gather(*(self._open_socket() for _ in range(self._wanted)))
        await self._await_round()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(socket.connection.close() for socket in self._sockets))
        await self._client.aclose()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_socket(self) -> None:
        address = self.url.replace("http", "ws", 1) + "/ws/count"
        socket = _Socket(await connect(address, proxy=None, open_timeout=_TIMEOUT_S))
        self._sockets.append(socket)
        self._spawn(self._listen(socket))

    async def _listen(self, socket: _Socket) -> None:
        try:
            async for text in socket.connection:
                self._note(socket, json.loads(text))
            self._trouble.append("a websocket was closed by the service")
        except WebSocketException as error:
            self._trouble.append(f"a websocket ended: {error}")
        socket.dropped = True

    def _note(self, socket: _Socket, said: dict[str, float]) -> None:
        if said["count"] != socket.count + 1:
            self._trouble.append(f"a websocket went from {socket.count} to {said['count']:g}")
            socket.dropped = True
        socket.count, socket.price = int(said["count"]), said["price"]

    async def _send_requests(self) -> None:
        due = self._loop.time()
        for item in itertools.cycle(ITEMS):
            self._spawn(self._request(item))
            due += 1 / self.rate_hz
            await asyncio.sleep(due - self._loop.time())

    async def _request(self, item: str) -> None:
        start = time.perf_counter()
        try:
            answer = await self._client.get(f"/price/{item}")
        except httpx.HTTPError as error:
            self._fail(f"GET /price/{item}: {type(error).__name__} {error}".rstrip())
            return
        if answer.status_code != httpx.codes.OK:
            self._fail(f"GET /price/{item}: {answer.status_code} {answer.reason_phrase}")
            return
        self._served += 1
        self._latencies_ms.append((time.perf_counter() - start) * 1000)

    def _fail(self, why: str) -> None:
        self._failed += 1
        self._trouble.append(why)

    async def _await_round(self) -> Facts:
        # Two messages: the first of them may have been on its way already.
        goals = [(socket, socket.count + 2) for socket in self._sockets]
        deadline = self._loop.time() + _TIMEOUT_S
        while any(socket.count < goal and not socket.dropped for socket, goal in goals):
            if self._loop.time() > deadline:
                self._trouble.append(f"a websocket said nothing for {_TIMEOUT_S:g} s")
                break
            await asyncio.sleep(0.01)
        return self._look()

    async def _look_inside(self) -> Facts:
        return self._look()

    def _look(self) -> Facts:
        counts = [socket.count for socket in self._sockets] or [0]
        return Facts(
            opened=len(self._sockets),
            dropped=sum(socket.dropped for socket in self._sockets),
            lowest=min(counts),
            highest=max(counts),
            prices=tuple(sorted({socket.price for socket in self._sockets if not socket.dropped})),
            served=self._served,
            failed=self._failed,
            latencies_ms=tuple(self._latencies_ms),
            trouble=tuple(self._trouble[:5]),
        )
