"""A relay that is kept: started when it is needed, asked until it is closed or lost, then started anew.

read    what touches nothing: asked once more where the relay was lost meanwhile
act     what changes something: asked once more only if the relay cannot have heard all of it
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from livecode.errors import ProtocolError, RelayError
from livecode.fleet.interrupts import interrupts_deferred
from livecode.fleet.remote.address import Address
from livecode.fleet.remote.dial import Call, dial
from livecode.fleet.remote.link import LinkLostError, Stream
from livecode.fleet.remote.verbs import raised

Told: TypeAlias = Callable[[Mapping[str, Any]], None]

LOOK_S = 0.2
"""How often who waits for a push looks whether somebody pressed Ctrl-C."""


def nothing_told(_news: Mapping[str, Any]) -> None:
    """For requests that have no news on their way."""


class Kept:
    """The relay of one target.

    Attributes:
        address: Where it is.
        name: Of the service, as the relay found it.
        agent: The agent that asks through this; empty where a person does.

    Args:
        address: Where it is.
        store: The URL of the service's store, where no worker there says it.
        answer_s: How long a worker may take for an answer.
    """

    def __init__(self, address: Address, store: str, answer_s: float) -> None:
        self.address, self.name, self.agent = address, address.service, ""
        self._wanted: dict[str, Any] = {
            "op": "attach",
            "service": address.service,
            "store": store,
            "answer_s": answer_s,
        }
        self._lock, self._pid = threading.RLock(), 0
        self._call: Call | None = None
        self._inherited: Call | None = None

    def read(self, request: Mapping[str, Any], told: Told = nothing_told) -> Any:
        """The answer to a question.

        Raises:
            RelayError: No relay can be had.
            LivecodeError: Whatever the question raised there.
        """
        try:
            return self._asked(self.connect(), request, told, [])
        except LinkLostError:
            pass
        try:
            return self._asked(self.connect(), request, told, [])
        except LinkLostError as error:
            raise RelayError(f"{self.address.place}: the relay was lost twice: {error}") from error

    def act(self, request: Mapping[str, Any], told: Told = nothing_told) -> Any:
        """The answer to a request that changes something. A first Ctrl-C goes to the relay, a second one ends the wait.

        Raises:
            LinkLostError: The relay was lost, and may have begun.
            RelayError: No relay can be had: nothing was changed.
            LivecodeError: Whatever the request raised there.
        """
        try:
            return self._acted(request, told)
        except LinkLostError as error:
            if error.sent:
                raise
        try:
            return self._acted(request, told)
        except LinkLostError as error:
            if error.sent:
                raise
            what = f"the relay was lost twice before it had heard what to do, so nothing was changed: {error}"
            raise RelayError(f"{self.address.place}: {what}") from error

    def _acted(self, request: Mapping[str, Any], told: Told) -> Any:
        call = self.connect()  # before anything has begun, a Ctrl-C ends it at once
        with interrupts_deferred() as pressed:
            return self._asked(call, request, told, pressed)

    def connect(self) -> Call:
        """A relay that answers and is attached to the service."""
        with self._lock:
            if self._call is not None and self._pid != os.getpid():  # this is a forked child, and it is the parent's
                self._call.link.abandon()
                self._inherited, self._call = self._call, None
            if self._call is None or not self._call.is_up:
                self.close()
                call = dial(self.address)
                try:
                    answer = ask(call, self.address, self._wanted, nothing_told, self._note, [])
                except BaseException:
                    call.end()
                    raise
                self.name, self._call, self._pid = str(answer["name"]), call, os.getpid()
            return self._call

    def another(self) -> Kept:
        """One for the same target, whose relay is started when it is needed."""
        other = Kept(self.address, self._wanted["store"], self._wanted["answer_s"])
        other.name, other.agent = self.name, self.agent
        return other

    def close(self) -> None:
        """Ends the relay, if there is one."""
        with self._lock:
            call, self._call = self._call, None
            if call is not None and self._pid == os.getpid():
                call.end()

    def _asked(self, call: Call, request: Mapping[str, Any], told: Told, pressed: list[int]) -> Any:
        asked_by = {"agent": self.agent} if self.agent else {}
        return ask(call, self.address, {**request, **asked_by}, told, self._note, pressed)

    def _note(self, seen: Any) -> None:
        """What a relay that is started later must know."""
        self._wanted["seen"] = seen


def ask(
    call: Call,
    address: Address,
    request: Mapping[str, Any],
    told: Told,
    note: Callable[[Any], None],
    pressed: Sequence[int],
) -> Any:
    """The answer of a relay.

    Args:
        call: The relay.
        address: Where it is, for messages.
        request: What is asked.
        told: Told what arrives before the answer.
        note: Told what the log says that was looked at.
        pressed: Not empty as soon as somebody wants the relay to stop, as with Ctrl-C.

    Raises:
        LinkLostError: The relay was lost; says why, as far as it is known.
        LivecodeError: Whatever the request raised there.
    """
    try:
        stream = call.link.open()
        try:
            stream.send(request)
            return _answer(stream, address, told, note, pressed)
        except KeyboardInterrupt:
            stream.stop()
            raise
        finally:
            stream.close()
    except LinkLostError as error:
        raise LinkLostError(f"the link to {address.place} broke ({call.why_down()})", sent=error.sent) from error


def _answer(stream: Stream, address: Address, told: Told, note: Callable[[Any], None], pressed: Sequence[int]) -> Any:
    asked_to_stop = False
    while True:
        if pressed and not asked_to_stop:
            stream.stop()
            asked_to_stop = True
        try:
            message = stream.receive(LOOK_S)
        except TimeoutError:
            continue
        if message is None:
            raise ProtocolError(f"{address.place}: the relay has too much to do: ask again in a moment")
        if (error := message.get("error")) is not None:
            raise raised(error, address.place)
        if "answer" in message:
            if "seen" in message:
                note(message["seen"])
            return message["answer"]
        told(message)
