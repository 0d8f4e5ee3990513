"""One worker, seen from outside through its door, or from inside the same process: the same verbs.

RemoteWorker    a connection a request: workers come and go, and nothing is left behind in them
LocalWorker     this process, no socket
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol, TypeVar

from livecode import __version__
from livecode.errors import DoorError, NotAllowedError, ProtocolError, StoreError, UsageError, WorkerLostError
from livecode.fleet import PROTOCOL
from livecode.fleet.line import RETRY_S, Line
from livecode.fleet.ops import version_of
from livecode.model.codec import from_plain, to_plain
from livecode.model.evaluated import Evaluated
from livecode.model.loaded import LoadedFile, WantedFile
from livecode.model.log import WorkerReport
from livecode.model.nouns import History, ProcessStatus, Push, Worker
from livecode.model.report import Outcome

T = TypeVar("T")

HELLO_S = 2.0
"""A door answers hello at once, whatever the service computes."""
ANSWER_S = 30.0
"""A push is planned and applied within this, or what became of it is not known."""
STATUS_S = 5.0
"""A status is looked at by a person, who would rather see who is silent."""
DYING_TRIES = 3
"""A process that is being killed accepts for a moment longer than it lives."""


class Presence(Enum):
    """What is known of a worker without an answer from it."""

    ANSWERS = "it answers again"
    SILENT = "its door is open, and it does not answer"
    CLOSED = "its door is closed, the process is there"
    GONE = "it is gone"


@dataclass(frozen=True, slots=True)
class Running:
    """What one worker runs of one module: SHA-256 in hex, empty if it is not loaded, and the version."""

    checksum: str
    version: int


class WorkerClient(Protocol):
    """The verbs of one worker."""

    @property
    def worker(self) -> Worker:
        """Who answers."""

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        """What runs, by module."""

    def prepare(self, push: Push) -> Outcome:
        """What a push would do; nothing is touched."""

    def status(self) -> ProcessStatus:
        """What runs."""

    def source(self, module: str, version: int | None = None) -> str | None:
        """The source of a module that runs, or of an earlier version of it; None where there is none."""

    def history(self, module: str) -> History:
        """What ran before."""


class FollowingWorker(WorkerClient, Protocol):
    """A worker that follows the log of its service."""

    def follow(self, generation: int) -> WorkerReport:
        """What came of that generation of the log there."""

    def wake(self, generation: int) -> None:
        """Lets it know of that generation, and waits for nothing."""


class LocalWorker:
    """This process, as a worker called ``here``."""

    def __init__(self) -> None:
        from livecode.live.process import this_process

        self._process: Any = this_process()

    @property
    def worker(self) -> Worker:
        worker: Worker = self._process.worker
        return worker if worker.name == "here" else replace(worker, name="here")

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        digests = self._process.checksums(modules)
        return {name: Running(digest, version_of(self._process, name)) for name, digest in digests.items()}

    def prepare(self, push: Push) -> Outcome:
        return self._as_here(self._process.push(push, dry_run=True))

    def push(self, push: Push) -> Outcome:
        """What became of a push to this process alone."""
        return self._as_here(self._process.push(push))

    def _as_here(self, outcome: Outcome) -> Outcome:
        return outcome if outcome.worker == self.worker else replace(outcome, worker=self.worker)

    def status(self) -> ProcessStatus:
        status: ProcessStatus = self._process.status()
        return replace(status, worker=self.worker)

    def source(self, module: str, version: int | None = None) -> str | None:
        source: str | None = self._process.source(module, version)
        return source

    def history(self, module: str) -> History:
        history: History = self._process.history(module)
        return history

    def evaluate(self, expression: str, module: str, timeout_s: float, rich_bytes: int = 0) -> Evaluated:
        """What an expression is here; see `livecode.live.evaluate`."""
        from livecode.live.evaluate import evaluate

        return replace(evaluate(self._process, expression, module, timeout_s, rich_bytes), worker=self.worker)

    def names(self, text: str, module: str) -> tuple[str, ...]:
        """How a dotted name in an expression may go on here."""
        from livecode.live.dotted import names_under

        return names_under(self._process, text, module)

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
        """The modules that were loaded from these files, or from others whose paths end alike."""
        from livecode.live.loaded import loaded_files

        return loaded_files(self._process, folder, wanted)

    def ask_files(self, op: str, **arguments: Any) -> Any:
        """The answer to a request of `livecode.fleet.file_ops`."""
        from livecode.fleet import file_ops  # nobody else needs it

        return file_ops.OPERATIONS[op](self._process, {"op": op, **arguments})


class RemoteWorker:
    """A worker behind the door at `path`.

    Args:
        worker: Who is expected there.
        path: The socket's path.
        answer_s: How long to wait for an answer.

    Attributes:
        agent: The agent that asks through this; empty where a person does.
    """

    def __init__(self, worker: Worker, path: str, answer_s: float = ANSWER_S) -> None:
        self.worker, self.path, self.answer_s = worker, path, answer_s
        self.store_url, self.agent, self._line = "", "", Line(path)

    def hello(self) -> Worker:
        """Who answers there, under the name that was expected.

        Raises:
            ProtocolError: It speaks another version of the protocol.
            WorkerLostError: Nobody answers.
        """
        reply = self._exchange({"op": "hello"}, HELLO_S)
        answer = reply.get("answer")
        version = answer.get("livecode", "?") if isinstance(answer, dict) else "?"
        if reply.get("protocol") != PROTOCOL:
            raise ProtocolError(self._two_versions(reply.get("protocol"), version))
        self.store_url = str(_object(answer).get("store", ""))
        return _decoded(Worker, {**_object(answer), "name": self.worker.name})

    def meet(self) -> tuple[Presence, Worker]:
        """Whether the worker is there, and as whom it introduces itself; else as whom it was expected."""
        for _ in range(DYING_TRIES):
            try:
                return Presence.ANSWERS, self.hello()
            except WorkerLostError as error:
                if nobody_listens(error):
                    removed = isinstance(error.__cause__, FileNotFoundError)
                    return Presence.CLOSED if removed and is_running(self.worker.pid) else Presence.GONE, self.worker
                if isinstance(error.__cause__, TimeoutError):
                    break
                time.sleep(RETRY_S)
            except DoorError:
                break
        return Presence.SILENT, self.worker

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        answer = self._ask("checksums", modules=list(modules))
        return {name: _running(pair) for name, pair in _object(answer).items()}

    def prepare(self, push: Push) -> Outcome:
        return self._outcome(self._ask("push", push=to_plain(push), dry_run=True))

    def push(self, push: Push) -> Outcome:
        """What became of a push to this worker alone, beside the log of its service."""
        return self._outcome(self._ask("push", push=to_plain(push)))

    def follow(self, generation: int) -> WorkerReport:
        report = _decoded(WorkerReport, self._ask("follow", generation=generation))
        outcome = replace(report.outcome, worker=self.worker) if report.outcome is not None else None
        return replace(report, worker=self.worker, outcome=outcome)

    def wake(self, generation: int) -> None:
        """Rings, and does not wait: a worker that cannot hear looks by itself every second."""
        self._line.tell({"protocol": PROTOCOL, "op": "follow", "generation": generation}, HELLO_S)

    def is_connected(self) -> bool:
        """True if it has answered, and has not hung up since."""
        return self._line.is_open()

    def status(self) -> ProcessStatus:
        """What runs; where the worker does not answer, that is said in place of what it is busy with."""
        try:
            answer = self._ask("status")
        except WorkerLostError as error:
            return ProcessStatus(self.worker, (), busy=str(error))
        return replace(_decoded(ProcessStatus, answer), worker=self.worker)

    def source(self, module: str, version: int | None = None) -> str | None:
        answer = self._ask("source", module=module, version=version)
        return None if answer is None else str(answer)

    def history(self, module: str) -> History:
        return _decoded(History, self._ask("history", module=module))

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
        """The modules that were loaded from these files, or from others whose paths end alike."""
        answer = self._ask("loaded", folder=folder, files=to_plain(tuple(wanted)))
        return _decoded(tuple[LoadedFile, ...], answer)

    def open_kernel(self, session: str, key: str = "", note: str = "") -> dict[str, Any]:
        """The connection file of that session's kernel inside the worker, which is started if it is not there.

        Args:
            session: What the front end calls itself.
            key: What messages are signed with; made there if it is empty.
            note: What the next cell says first.
        """
        return _object(self._ask("open_kernel", session=session, key=key, note=note))

    def close_kernel(self, session: str) -> bool:
        """True if there was a kernel of that session inside the worker; it is gone now."""
        return bool(self._ask("close_kernel", session=session))

    def ask_files(self, op: str, **arguments: Any) -> Any:
        """The answer to a request of `livecode.fleet.file_ops`."""
        return self._ask(op, **arguments)

    def evaluate(self, expression: str, module: str, timeout_s: float, rich_bytes: int = 0) -> Evaluated:
        """What an expression is there; where the worker does not answer, that is said in it."""
        request = {"op": "evaluate", "expression": expression, "module": module, "timeout_s": timeout_s}
        request |= {"rich_bytes": rich_bytes} if rich_bytes else {}
        try:
            answer = self._answered(request, timeout_s + STATUS_S)
        except WorkerLostError as error:
            return Evaluated(self.worker, lost=str(error))
        return replace(_decoded(Evaluated, answer), worker=self.worker)

    def names(self, text: str, module: str) -> tuple[str, ...]:
        """How a dotted name in an expression may go on there."""
        return _decoded(tuple[str, ...], self._ask("names", text=text, module=module))

    def describe(self) -> str:
        """Name and process id, for messages."""
        return f"{self.worker.name} (pid {self.worker.pid})"

    def _outcome(self, answer: Any) -> Outcome:
        return replace(_decoded(Outcome, answer), worker=self.worker)

    def _ask(self, op: str, **arguments: Any) -> Any:
        """The answer to one request.

        Raises:
            WorkerLostError: The worker went away, or did not answer in time.
            ProtocolError: The two sides do not understand each other.
            UsageError: The worker refused the request as one that cannot be meant.
            DoorError: livecode itself failed in the worker.
        """
        answer_s = min(STATUS_S, self.answer_s) if op == "status" else self.answer_s
        return self._answered({"op": op, **arguments}, answer_s)

    def _answered(self, request: dict[str, Any], answer_s: float) -> Any:
        reply = self._exchange(request, answer_s)
        if "answer" in reply:
            return reply["answer"]
        error = _object(reply.get("error"))
        message = str(error.get("message", "no reason given"))
        match error.get("kind"):
            case "protocol" if reply.get("protocol") != PROTOCOL:
                raise ProtocolError(self._two_versions(reply.get("protocol"), self.worker.livecode or "?"))
            case "protocol":
                raise ProtocolError(f"{self.describe()}: {message}")
            case "store":
                raise StoreError(f"{self.describe()}: {message}")
            case "not allowed":
                raise NotAllowedError(f"{self.describe()}: {message}")
            case "usage":
                raise UsageError(f"{self.describe()}: {message}")
        raise DoorError(f"{self.describe()}: livecode itself failed there: {message}")

    def _exchange(self, request: dict[str, Any], answer_s: float) -> dict[str, Any]:
        asked_by = {"agent": self.agent} if self.agent else {}
        try:
            reply = self._line.exchange({"protocol": PROTOCOL, **asked_by, **request}, answer_s)
        except TimeoutError as error:
            raise WorkerLostError(f"{self.describe()} did not answer within {answer_s:g} s") from error
        except OSError as error:
            raise WorkerLostError(f"{self.describe()} is gone: {error}") from error
        if reply is None:
            raise WorkerLostError(f"{self.describe()} closed the connection without an answer")
        return reply

    def _two_versions(self, protocol: object, version: str) -> str:
        return (
            f"{self.describe()} speaks protocol {protocol} (livecode {version}), and this side speaks {PROTOCOL} "
            f"(livecode {__version__}): install the same livecode on both sides, e.g. "
            f"pip install 'livecode=={version}' here"
        )


def nobody_listens(error: WorkerLostError) -> bool:
    """True if the worker was lost because its door is gone: nothing can have been sent."""
    return isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError)


def is_running(pid: int) -> bool:
    """True if this machine has a process with that id, a dead one that nobody has waited for included."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _decoded(kind: type[T], answer: Any) -> T:
    try:
        return from_plain(kind, answer)
    except ValueError as error:
        raise ProtocolError(f"the worker's answer cannot be read: {error}; is it the same livecode?") from error


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise ProtocolError(f"the worker's answer cannot be read: {answer!r:.80}; is it the same livecode?")
    return answer


def _running(pair: Any) -> Running:
    if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int):
        return Running(pair[0], pair[1])
    raise ProtocolError(f"the worker's answer cannot be read: {pair!r:.80}; is it the same livecode?")
