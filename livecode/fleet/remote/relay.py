"""The far side of a link: ``livecode relay``, which acts on this machine for somebody elsewhere.

It speaks over its standard input and output, and nothing else in the process prints there. When its input ends, or
nobody is heard any more, what is under way is stopped as with Ctrl-C: a canary is taken back, a push that workers are
applying is brought to its end, as it is decided here. Then the process ends. It leaves nothing behind.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from livecode.errors import DoorError, ServiceNotFoundError, UsageError
from livecode.fleet import rundir
from livecode.fleet.interrupts import interrupts_from
from livecode.fleet.remote.frames import MAGIC, greeting
from livecode.fleet.remote.link import MAX_STREAMS, Link, LinkLostError, Stream
from livecode.fleet.remote.verbs import error_message, misunderstanding, speaker
from livecode.fleet.rollout import Goal, Policy
from livecode.fleet.service import Service, attach
from livecode.fleet.services import services_here
from livecode.model.agents import Agent
from livecode.model.codec import from_plain, to_plain
from livecode.model.loaded import WantedFile
from livecode.model.log import Action, State, Wish
from livecode.model.measured import CanaryResult
from livecode.model.nouns import Push
from livecode.model.report import Outcome

HELLO_S = 60.0
LINGER_S = 120.0
"""How long what is under way may take after the link is down. What is not over then, the workers take back."""

Arguments: TypeAlias = Mapping[str, Any]
Tell: TypeAlias = Callable[[Mapping[str, Any]], None]


def relay() -> None:
    """Serves whoever started this process, until its standard input ends."""
    reading, writing = _own_descriptors()
    me = {**speaker(), "host": socket.gethostname(), "pid": os.getpid(), "user": _user()}
    hello = memoryview(MAGIC + greeting(me).encode())
    while hello:
        hello = hello[os.write(writing, hello) :]
    desk = Desk()
    link = Link(reading, writing, desk.opened)
    try:
        desk.meet(link.greeting(HELLO_S))
        link.wait()
    except LinkLostError:
        pass  # whoever started this is gone already
    finally:
        desk.finish(LINGER_S)


def _own_descriptors() -> tuple[int, int]:
    """Standard input and output for frames alone.

    Process-wide change, for the life of the process, which is nothing but a relay: who reads standard input finds
    nothing there, and who prints does so on standard error.
    """
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return reading, writing


class Desk:
    """What a relay does for the other side of its link."""

    def __init__(self) -> None:
        self._service: Service | None = None
        self._told: State | None = None
        self._lock, self._streams = threading.Lock(), dict[Stream, threading.Thread]()
        self._met, self._why_not = threading.Event(), ""

    def meet(self, other: Mapping[str, Any]) -> None:
        """Who is on the other side; what it asks is answered from now on."""
        self._why_not = misunderstanding(other, "who asks")
        if folder := other.get("dir"):
            os.environ["LIVECODE_DIR"] = str(folder)
        self._met.set()

    def opened(self, stream: Stream) -> None:
        """A stream begins with a request: in the reader's thread."""
        with self._lock:
            if len(self._streams) >= MAX_STREAMS:
                stream.close()
                return
            thread = threading.Thread(target=self._serve, args=(stream,), name="livecode-request", daemon=True)
            self._streams[stream] = thread
        thread.start()

    def finish(self, patience_s: float) -> None:
        """Waits for what is under way."""
        deadline = time.monotonic() + patience_s
        with self._lock:
            threads = tuple(self._streams.values())
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _serve(self, stream: Stream) -> None:
        try:
            self._met.wait()
            request = stream.receive()
            if request is not None:
                stream.send(self._answered(request, stream))
        except LinkLostError:  # nobody is there to be told
            return
        except Exception as error:  # what came was no request
            _say_last(stream, error)
        finally:
            stream.close()
            with self._lock:
                self._streams.pop(stream, None)

    def _answered(self, request: Arguments, stream: Stream) -> Mapping[str, Any]:
        """The last message of a stream."""
        try:
            if self._why_not:
                raise DoorError(self._why_not)
            verb = VERBS.get(str(request.get("op")))
            if verb is None:
                raise UsageError(f"a relay cannot be asked for {request.get('op')!r}; it knows: {', '.join(VERBS)}")
            if self._service is not None:
                self._service.agent = str(request.get("agent") or "")
            with interrupts_from(stream.stopped):
                answer = verb(self, request, stream.send)
            return {"answer": to_plain(answer), **self._news()}
        except (Exception, KeyboardInterrupt) as error:
            return error_message(error)

    def _news(self) -> dict[str, Any]:
        """What the other side has to know to go on behind another link, where that has changed."""
        seen = self._service.seen if self._service is not None else None
        if seen is None or seen == self._told:
            return {}
        self._told = seen
        return {"seen": to_plain(seen)}

    @property
    def service(self) -> Service:
        """The one that was attached."""
        if self._service is None:
            raise UsageError("nothing is attached: a relay is asked to attach first")
        return self._service

    def attach(self, request: Arguments, _tell: Tell) -> dict[str, str]:
        name = str(request.get("service") or "")
        try:
            service = attach(
                int(name) if name.isdigit() else name or None,
                store=str(request.get("store") or ""),
                answer_s=float(request["answer_s"]),
            )
        except ServiceNotFoundError as error:
            raise _explained(error) from error
        if (seen := request.get("seen")) is not None:
            service.seen = from_plain(State, seen)
        self._service = service
        return {"name": service.name}

    def services(self, _request: Arguments, _tell: Tell) -> Any:
        return services_here()

    def workers(self, _request: Arguments, _tell: Tell) -> Any:
        workers = self.service.workers()
        return {"workers": to_plain(workers), "lost": list(self.service.lost())}

    def roll_out(self, request: Arguments, tell: Tell) -> Any:
        return self.service.roll_out(
            Action(request["action"]),
            from_plain(Push, request["push"]),
            lambda outcome: tell(_outcome(outcome)),
            Goal(request["goal"]),
            from_plain(Policy, request["policy"]),
            {},
            lambda result: tell(_canary(result)),
        )

    def undo(self, request: Arguments, tell: Tell) -> Any:
        return self.service.undo(
            *request["modules"],
            to=request["to"],
            author=request["author"],
            reason=request["reason"],
            force=request["force"],
            now=request["now"],
            agent=from_plain(Agent, asks) if (asks := request.get("asks")) else None,
            on_outcome=lambda outcome: tell(_outcome(outcome)),
        )

    def drop(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.drop(*request["modules"], author=request["author"], reason=request["reason"])

    def status(self, _request: Arguments, _tell: Tell) -> Any:
        return self.service.status()

    def peek(self, _request: Arguments, _tell: Tell) -> Any:
        return self.service.peek()

    def log(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.log(request["limit"])

    def source(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.source(request["module"], request["version"])

    def history(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.history(request["module"])

    def loaded_files(self, request: Arguments, _tell: Tell) -> Any:
        wanted = from_plain(tuple[WantedFile, ...], request["wanted"])
        return self.service.loaded_files(str(request["folder"]), wanted)

    def evaluate(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.evaluate(
            request["expression"],
            workers=request["workers"],
            module=request["module"],
            timeout_s=request["timeout_s"],
            rich_bytes=int(request.get("rich_bytes", 0)),
        )

    def names(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.names(str(request["text"]), str(request["module"]))

    def files(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.files(*request["modules"], file=str(request["file"]))

    def save(self, request: Arguments, _tell: Tell) -> Any:
        return self.service.save(
            *request["modules"],
            file=str(request["file"]),
            force=bool(request["force"]),
            author=str(request["author"]),
            reason=str(request["reason"]),
        )

    def canary(self, _request: Arguments, _tell: Tell) -> Any:
        return self.service.canary()

    def decide(self, request: Arguments, _tell: Tell) -> Any:
        wish = self.service.promote if Wish(request["wish"]) is Wish.PROMOTE else self.service.take_back
        return wish(author=str(request["author"]), reason=str(request["reason"]))

    def look(self, _request: Arguments, _tell: Tell) -> Any:
        return self.service.look_at_log()


VERBS: Mapping[str, Callable[[Desk, Arguments, Tell], Any]] = {
    "attach": Desk.attach,
    "services": Desk.services,
    "workers": Desk.workers,
    "roll_out": Desk.roll_out,
    "undo": Desk.undo,
    "drop": Desk.drop,
    "status": Desk.status,
    "peek": Desk.peek,
    "log": Desk.log,
    "source": Desk.source,
    "history": Desk.history,
    "loaded_files": Desk.loaded_files,
    "evaluate": Desk.evaluate,
    "names": Desk.names,
    "files": Desk.files,
    "save": Desk.save,
    "canary": Desk.canary,
    "decide": Desk.decide,
    "look": Desk.look,
}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"outcome": to_plain(outcome)}


def _canary(result: CanaryResult) -> dict[str, Any]:
    return {"canary": to_plain(result)}


def _say_last(stream: Stream, error: Exception) -> None:
    try:
        stream.send(error_message(error))
    except LinkLostError:
        return


def _explained(error: ServiceNotFoundError) -> ServiceNotFoundError:
    """The same, with what is special about somebody who came from elsewhere: who they are here, and where they look."""
    who = f"the relay is user {_user()} there and looks in {rundir.directory()}"
    hint = "" if error.running else ": a service of another user is found as that user, one with LIVECODE_DIR by ?dir="
    explained = ServiceNotFoundError(error.name, error.running)
    explained.args = (f"{error} ({who}{hint})",)
    return explained


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know no name for its user
        return str(os.getuid())
