"""The thread behind a panel: looks at the service while somebody looks at the panel, and does what its buttons ask.

    wait ── nobody looks: until somebody does, or a button is pressed
      ├──── a deed: do it, say what became of it, look
      └──── time for a look: look, show what has changed

It has a service of its own, so that it is in nobody's way: neither in that of a cell that pushes meanwhile. A service
that goes away, or a store, is said, and looked for again at the same pace.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from livecode.errors import LivecodeError
from livecode.fleet.service import Service
from livecode.front.panel.deeds import Asked, carried_out
from livecode.front.panel.look import look_at, why_away
from livecode.front.panel.pace import Seen, Viewers, usual_s
from livecode.front.panel.plain import Look
from livecode.model.sheet import Sheet

STOP_S = 5.0


class Screen(Protocol):
    """Where a panel is shown. It is called in the watcher's thread."""

    def show(self, look: Look, at: float) -> None:
        """Shows what was seen, at that time in seconds since the epoch."""

    def say(self, asked: Asked, sheet: Sheet) -> None:
        """Shows what became of a deed."""


class Watcher:
    """Looks at a service from `start` on until `stop`.

    Args:
        service: The one that the notebook is attached to; it is told of what is done here.
        author: Who presses the buttons.
        screen: Where what is seen is shown.
    """

    def __init__(self, service: Service, author: Callable[[], str], screen: Screen) -> None:
        self.viewers = Viewers()
        self._notebooks, self._author, self._screen = service, author, screen
        self._service = service.another()
        self._last = Look(service.name, service.place)
        self._asked, self._takes_s, self._looked_at = deque[Asked](), 0.0, float("-inf")
        self._changed, self._stopped = threading.Condition(), False
        run = contextvars.copy_context().run  # what it shows belongs to the notebook of the cell that opened it
        self._thread = threading.Thread(target=run, args=(self._work,), name="livecode-panel", daemon=True)

    @property
    def running(self) -> bool:
        """True until it has stopped."""
        return self._thread.is_alive()

    def start(self, look: Look) -> None:
        """Goes on from what was seen just now."""
        self._last, self._looked_at = look, time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; what it does at this moment is brought to its end for a while."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(STOP_S)

    def seen(self, view: str, seen: Seen) -> None:
        """A browser says how a view of the panel is seen."""
        with self._changed:
            self.viewers.says(view, seen, time.monotonic())
            self._changed.notify()

    def ask(self, asked: Asked) -> None:
        """Somebody has pressed a button."""
        with self._changed:
            self._asked.append(asked)
            self._changed.notify()

    # in its thread

    def _work(self) -> None:
        try:
            while self._wait():
                if self._asked:
                    self._do(self._asked.popleft())
                self._look()
        finally:
            self._service.close()

    def _wait(self) -> bool:
        """Returns when there is something to do; False if it is to end."""
        with self._changed:
            while not self._stopped and not self._asked:
                now = time.monotonic()
                pace = self.viewers.pace(now, self._takes_s)
                left = None if pace is None else self._looked_at + pace - now
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            return not self._stopped

    def _do(self, asked: Asked) -> None:
        sheet = carried_out(asked, self._service, self._author())
        with suppress(LivecodeError):  # what was done here is no news to a cell that pushes next
            self._notebooks.look_at_log()
        self._screen.say(asked, sheet)

    def _look(self) -> None:
        began = time.monotonic()
        try:
            look = look_at(self._service)
        except LivecodeError as error:
            look = replace(self._last, away=why_away(self._last.service, error))
        self._looked_at = time.monotonic()
        self._takes_s, self._last = usual_s(self._takes_s, self._looked_at - began), look
        self._screen.show(look, time.time())
