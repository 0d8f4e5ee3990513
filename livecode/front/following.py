"""What is pushed to a service from now on, for as long as somebody wants to know.

The store's notice tells at once; where there is none, the log is asked every half second. A service that goes away, or
a store, is said once and waited for: what was pushed meanwhile is told when it is there again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from livecode.errors import DoorError, LivecodeError, ProtocolError, ServiceNotFoundError, StoreError
from livecode.fleet.service import Service
from livecode.fleet.store import Watch
from livecode.model.log import State
from livecode.model.pushes import LoggedPush, generations_for, pushes_of

ASK_S = 0.5
"""How often the log is asked, where nothing tells."""
NOTICE_S = 5.0
"""How often it is asked all the same, where something tells: a notice may be missing."""
SLICE_S = 0.5
SEEN_AT_ONCE = 50
"""How many of the newest pushes are looked at for new ones."""


class NewPushes:
    """An endless iterator over pushes as they are decided, oldest first.

    Args:
        service: To which.
        module: Only those of this one; empty for all.
        known: Generations of pushes that are not told again.
        say: Told what is in the way, and that it no longer is.
    """

    def __init__(self, service: Service, module: str, known: set[int], say: Callable[[str], None]) -> None:
        self._service, self._module, self._known, self._say = service, module, known, say
        self._watch: Watch | None = None
        self._away = ""
        self._newest = max(known, default=0)

    def __iter__(self) -> Iterator[LoggedPush]:
        while True:
            for push in reversed(pushes_of(self._states(), self._module)):
                if push.generation not in self._known and not push.is_open:
                    self._known.add(push.generation)
                    yield push
            self._wait()

    def _states(self) -> tuple[State, ...]:
        """The newest generations; none while they cannot be read."""
        try:
            states = self._service.log(generations_for(SEEN_AT_ONCE))
        except ProtocolError:
            raise  # another livecode: waiting does not help
        except (DoorError, StoreError) as error:
            if not self._away:
                self._say(f"{self._words(error)}; waiting for it")
                self._let_go()
            self._away = str(error)
            return ()
        if self._away:
            self._say(f"{self._service.name} is there again")
            self._away = ""
        newest = max((state.generation for state in states), default=0)
        if newest < self._newest:  # another log: it begins anew
            self._known.clear()
        self._newest = newest
        return states

    def _words(self, error: LivecodeError) -> str:
        if isinstance(error, ServiceNotFoundError):
            return f"{self._service.name} has no worker at this moment"
        return str(error)

    def _wait(self) -> None:
        """Returns when there is a reason to look again."""
        if self._away:
            time.sleep(ASK_S)
            return
        if self._watch is None:
            with suppress(LivecodeError):
                self._watch = self._service.watch_log()
            if self._watch is None:
                time.sleep(ASK_S)
            return  # look once more: what was pushed before the watch was made goes unheard
        until = time.monotonic() + NOTICE_S
        while time.monotonic() < until and not self._watch.wait(SLICE_S):
            pass

    def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
