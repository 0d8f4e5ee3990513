"""A service that answers requests on an event loop while versions of a module are pushed into it."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import socket
import threading
import time
from collections import Counter
from typing import Any

from tests.live.processes import push, tracked

SOURCE = "def first(): return {n}\ndef second(x={n}): return x\n"


class Served:
    """An ASGI application whose every answer calls two functions of one module; some handlers push."""

    def __init__(self) -> None:
        self.process, _ = tracked({"pair.py": SOURCE.format(n=1)})
        self.pair: Any = importlib.import_module("pair")
        self.verdicts: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.stop = threading.Event()
        self._numbers = iter(range(2, 10**9))
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(100)
        self.port = self.socket.getsockname()[1]

    def push(self) -> None:
        """Pushes the next version."""
        outcome = push(self.process, {"pair": SOURCE.format(n=next(self._numbers))})
        self.verdicts[outcome.verdict.value] += 1

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        match scope["path"]:
            case "/push":
                self.push()
            case "/push-in-thread":
                await asyncio.to_thread(self.push)
            case "/block":
                time.sleep(0.3)
        body = f"{self.pair.first()} {self.pair.second()}".encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def ask(self, path: str) -> None:
        """Sends requests until it is told to stop, and counts the answers that are whole."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            connection.request("GET", path)
            response = connection.getresponse()
            one, two = response.read().split()
            self.answers["whole" if response.status == 200 and one == two else "mixed or failed"] += 1
        connection.close()


def served(loop: str, number_of_pushes: int) -> dict[str, Any]:
    """What became of pushes and requests under load, on the event loop `loop` of uvicorn."""
    import uvicorn

    service = Served()
    config = uvicorn.Config(service, loop=loop, log_level="error", lifespan="off")  # type: ignore[arg-type]
    server = uvicorn.Server(config)

    def drive() -> None:
        paths = ("/", "/", "/push", "/push-in-thread", "/block")
        threads = [threading.Thread(target=service.ask, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        while service.verdicts.total() < number_of_pushes:
            service.push()
        service.stop.set()
        for thread in threads:
            thread.join()
        server.should_exit = True

    driver = threading.Thread(target=drive)
    driver.start()
    server.run([service.socket])
    driver.join()
    service.socket.close()
    return {"verdicts": service.verdicts, "answers": service.answers}


def two_loops(number_of_pushes: int) -> dict[str, Any]:
    """Coroutines on the loops of two threads look, and one of them pushes, while another thread pushes too."""
    service = Served()
    seen: Counter[bool] = Counter()

    async def look(pushes: int) -> None:
        while not service.stop.is_set():
            one, two = service.pair.first(), service.pair.second()
            seen[one == two] += 1
            if pushes:
                service.push()
            await asyncio.sleep(0)

    threads = [threading.Thread(target=asyncio.run, args=(look(pushes),)) for pushes in (0, 1)]
    for thread in threads:
        thread.start()
    while service.verdicts.total() < number_of_pushes:
        service.push()
    service.stop.set()
    for thread in threads:
        thread.join()
    service.socket.close()
    return {"verdicts": service.verdicts, "whole": seen[True]}


def loop_that_ends() -> list[str]:
    """Where work is done that was given to a loop which ends before it comes to it."""
    from livecode.live.safepoint import at_safe_point

    done: list[str] = []
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        done.append(at_safe_point(lambda: done.append("worked")))

    async def serve() -> None:
        threading.Thread(target=ask).start()
        asked.wait()
        asyncio.get_running_loop().stop()

    loop = asyncio.new_event_loop()
    serving = loop.create_task(serve())
    loop.run_forever()
    assert serving.done()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()
    loop.close()
    return done
