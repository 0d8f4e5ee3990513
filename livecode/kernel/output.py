"""What cells print, on its way to the notebooks, in bounded memory.

A cell that prints faster than its notebook reads waits for it, instead of filling the service's memory. A notebook that
has stopped reading (its process is suspended) is waited for once; from then on what it cannot take is dropped for it,
and for nobody else, until it reads again.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from typing import Any

import zmq
from ipykernel.iostream import IOPubThread, OutStream

PIECE = 1 << 16
"""Characters in one message."""
UNSENT = 1 << 18
"""Characters that may wait to be sent."""
QUEUED = 64
"""Messages that may wait for one notebook to read them."""
PATIENCE_MS = 2000
"""How long a notebook that does not read holds up a cell."""
STOP_S = 5.0
SULK_S = 5.0
"""How long it is not waited for again."""


class Publisher(IOPubThread):
    """The thread that sends what all front ends of one kernel see.

    Attributes:
        topics: What front ends have subscribed to; empty while none of them listens.
        left: When the last one left, or when it was made; in seconds of `time.monotonic`.
    """

    def __init__(self, socket: zmq.Socket[bytes], session: Any) -> None:
        socket.sndhwm, socket.sndtimeo = QUEUED, PATIENCE_MS
        socket.xpub_nodrop = True
        super().__init__(socket, pipe=False, session=session)
        self.topics: set[bytes] = set()
        self.left = time.monotonic()
        self._impatient_until = 0.0

    def start(self) -> None:
        """Starts the thread; nothing is left to be done when the process ends."""
        super().start()
        atexit.unregister(self.stop)

    def stop(self) -> None:
        """Ends the thread, and first what it does from time to time: else asyncio complains of that."""
        if self.thread.is_alive():
            ended = threading.Event()

            async def end() -> None:
                if (task := self._event_pipe_gc_task) is not None:
                    task.cancel()
                    await asyncio.wait([task])
                ended.set()

            self.io_loop.add_callback(end)
            ended.wait(STOP_S)
        super().stop()

    def _handle_subscription(self, frames: list[bytes]) -> None:
        for frame in frames:
            if frame[:1] == b"\x01":
                self.topics.add(frame[1:])
            elif frame[:1] == b"\x00":
                self.topics.discard(frame[1:])
                self.left = time.monotonic()
        super()._handle_subscription(frames)

    def _really_send(self, msg: list[Any], *args: Any, **options: Any) -> None:
        if self.closed or time.monotonic() < self._impatient_until:
            super()._really_send(msg, *args, **options)
            return
        try:
            self.socket.xpub_nodrop = True
            self.socket.send_multipart(msg, *args, **options)
        except zmq.Again:  # for the one that does not read it is lost, the others get it
            self._impatient_until = time.monotonic() + SULK_S
            self.socket.xpub_nodrop = False
            super()._really_send(msg, *args, **options)


class CellStream(OutStream):
    """``sys.stdout`` or ``sys.stderr`` of the cells of one kernel."""

    def __init__(self, session: Any, publisher: Publisher, name: str) -> None:
        super().__init__(session, publisher, name, watchfd=False)
        self._unsent = 0

    def write(self, string: str) -> int:
        """Sends the text soon; waits where the notebook is behind."""
        if not isinstance(string, str):
            raise TypeError(f"write() argument must be str, not {type(string).__name__}")
        for start in range(0, len(string), PIECE):
            piece = string[start : start + PIECE]
            super().write(piece)
            self._unsent += len(piece)
            if self._unsent >= UNSENT or len(string) > PIECE:
                self._unsent = 0
                self.flush()
        return len(string)
