"""The near side's Service: the same verbs, each a request to the relay beside the workers.

A relay is started by `attach` and kept until `close`. Where it is lost, the next verb starts another one. What only
reads is asked once more by itself; what changes something is not: what came of it is UNKNOWN, and the report says what
is known.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from livecode.errors import ProtocolError, WorkerLostError
from livecode.fleet.chosen import EVALUATION_S
from livecode.fleet.driver import OnCanary, OnOutcome
from livecode.fleet.remote.address import parse
from livecode.fleet.remote.dial import dial
from livecode.fleet.remote.kept import Kept, ask, nothing_told
from livecode.fleet.remote.link import LinkLostError
from livecode.fleet.requests import refused_here
from livecode.fleet.rollout import DEFAULT, Goal, Policy
from livecode.fleet.service import NO_VERSIONS, Service
from livecode.fleet.store import Watch
from livecode.model.agents import Agent
from livecode.model.codec import from_plain, to_plain
from livecode.model.evaluated import Evaluated
from livecode.model.loaded import LoadedFile, WantedFile
from livecode.model.log import Action, CanaryNow, State, Wish
from livecode.model.measured import CanaryResult
from livecode.model.nouns import History, ProcessStatus, Push, Worker
from livecode.model.pushes import LoggedPush
from livecode.model.report import Failure, Outcome, Report, Verdict
from livecode.model.saving import FileSide, SaveReport, SaveVerdict
from livecode.model.services import ServiceSummary

T = TypeVar("T")


def attach_remote(url: str, store: str, answer_s: float) -> Service:
    """The service that a URL names, with a relay that has found it.

    Raises:
        UsageError: The URL names none.
        RelayError: No relay can be had there.
        LivecodeError: What `attach` raises there.
    """
    kept = Kept(parse(url), store, answer_s)
    try:
        kept.connect()
    except BaseException:
        kept.close()
        raise
    return RelayedService(kept)


def services_at(url: str) -> tuple[ServiceSummary, ...]:
    """Every service there, of the user that one is there.

    Raises:
        UsageError: The URL names no place.
        RelayError: No relay can be had there.
    """
    address = parse(url)
    call = dial(address)
    try:
        found = ask(call, address, {"op": "services"}, nothing_told, lambda _: None, ())
    finally:
        call.end()
    services = (replace(each, place=address.place) for each in _decoded(tuple[ServiceSummary, ...], found))
    return tuple(
        each
        for each in services
        if address.service in ("", each.service, *(str(worker.pid) for worker in each.workers))
    )


def running_at(url: str) -> tuple[Worker, ...]:
    """Every worker of every service there; of the process that one names by its id, that one alone.

    Raises:
        UsageError: The URL names no place.
        RelayError: No relay can be had there.
    """
    wanted = parse(url).service
    workers = (worker for each in services_at(url) for worker in each.workers)
    return tuple(worker for worker in workers if wanted in ("", worker.service, str(worker.pid)))


class RelayedService(Service):
    """A service elsewhere, through a relay.

    Attributes:
        relay: The one that is kept for it.
    """

    def __init__(self, kept: Kept) -> None:
        self.name, self.place, self.relay = kept.name, kept.address.place, kept
        self._workers, self._lost = tuple[Worker, ...](), tuple[str, ...]()
        weakref.finalize(self, kept.close)

    def __repr__(self) -> str:
        return f"<livecode.Service {self.name!r} at {self.place}>"

    @property
    def agent(self) -> str:
        return self.relay.agent

    @agent.setter
    def agent(self, name: str) -> None:
        self.relay.agent = name

    def close(self) -> None:
        self.relay.close()

    def workers(self) -> tuple[Worker, ...]:
        answer = self.relay.read({"op": "workers"})
        self._workers = _decoded(tuple[Worker, ...], answer["workers"])
        self._lost = _decoded(tuple[str, ...], answer["lost"])
        return self._workers

    def lost(self) -> tuple[str, ...]:
        return self._lost

    def undo(
        self,
        *modules: str,
        to: int | None = None,
        author: str = "",
        reason: str = "",
        force: bool = False,
        now: bool = False,
        on_outcome: OnOutcome | None = None,
        agent: Agent | None = None,
    ) -> Report:
        news, began = _News(on_outcome, None), time.perf_counter()
        request = {"op": "undo", "modules": modules, "to": to, "author": author, "reason": reason}
        request["asks"] = to_plain(agent)
        try:
            answer = self.relay.act({**request, "force": force, "now": now}, news)
        except LinkLostError as error:
            return self._unknown(Report(Verdict.UNKNOWN, modules, action="undo"), author, reason, news, error)
        return news.report(answer, began)

    def status(self) -> tuple[ProcessStatus, ...]:
        return _decoded(tuple[ProcessStatus, ...], self.relay.read({"op": "status"}))

    def peek(self) -> tuple[ProcessStatus, ...]:
        return _decoded(tuple[ProcessStatus, ...], self.relay.read({"op": "peek"}))

    def source(self, module: str, version: int | None = None) -> str | None:
        source = self.relay.read({"op": "source", "module": module, "version": version})
        return None if source is None else str(source)

    def history(self, module: str) -> History:
        return _decoded(History, self.relay.read({"op": "history", "module": module}))

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
        request = {"op": "loaded_files", "folder": folder, "wanted": to_plain(tuple(wanted))}
        return _decoded(tuple[LoadedFile, ...], self.relay.read(request))

    def evaluate(
        self,
        expression: str,
        *,
        workers: Sequence[str] = (),
        module: str = "",
        timeout_s: float = EVALUATION_S,
        rich_bytes: int = 0,
    ) -> tuple[Evaluated, ...]:
        request = {"op": "evaluate", "expression": expression, "workers": list(workers), "module": module}
        try:
            answer = self.relay.act({**request, "timeout_s": timeout_s, "rich_bytes": rich_bytes})
        except LinkLostError as error:  # what it called may have been done
            raise WorkerLostError(f"{error}: what became of the expression is not known") from error
        return _decoded(tuple[Evaluated, ...], answer)

    def names(self, text: str, module: str = "") -> tuple[str, ...]:
        return _decoded(tuple[str, ...], self.relay.read({"op": "names", "text": text, "module": module}))

    def watch_log(self) -> Watch | None:
        return None

    def canary(self) -> CanaryNow | None:
        found = self.relay.read({"op": "canary"})
        return None if found is None else _decoded(CanaryNow, found)

    def _decide(self, wish: Wish, author: str, reason: str) -> LoggedPush:
        request = {"op": "decide", "wish": wish.value, "author": author, "reason": reason}
        return _decoded(LoggedPush, self.relay.act(request))

    def another(self) -> Service:
        return RelayedService(self.relay.another())

    def files(self, *modules: str, file: str = "") -> tuple[FileSide, ...]:
        return _decoded(tuple[FileSide, ...], self.relay.read({"op": "files", "modules": modules, "file": file}))

    def save(
        self, *modules: str, file: str = "", force: bool = False, author: str = "", reason: str = ""
    ) -> SaveReport:
        began = time.perf_counter()
        request = {"op": "save", "modules": modules, "file": file, "force": force, "author": author, "reason": reason}
        try:
            report = _decoded(SaveReport, self.relay.act(request))
        except LinkLostError as error:
            why = f"{error}: each file has the old or the new text; look at the difference"
            report = SaveReport(SaveVerdict.UNKNOWN, (), self.name, author, reason, (why,))
        return replace(report, duration_ms=(time.perf_counter() - began) * 1000)

    def log(self, limit: int = 50) -> tuple[State, ...]:
        return _decoded(tuple[State, ...], self.relay.read({"op": "log", "limit": limit}))

    def drop(self, *modules: str, author: str = "", reason: str = "") -> tuple[str, ...]:
        request = {"op": "drop", "modules": modules, "author": author, "reason": reason}
        return _decoded(tuple[str, ...], self.relay.act(request))

    def look_at_log(self) -> None:
        self.relay.read({"op": "look"})

    def roll_out(
        self,
        action: Action,
        push: Push,
        on_outcome: OnOutcome | None = None,
        goal: Goal = Goal.PUSH,
        policy: Policy = DEFAULT,
        restores: Mapping[str, int] = NO_VERSIONS,
        on_canary: OnCanary | None = None,
    ) -> Report:
        if restores:
            raise ProtocolError("an undo is asked for as such: it finds there what it restores")
        news, began = _News(on_outcome, on_canary), time.perf_counter()
        said = "dry run" if goal is Goal.DRY_RUN else action.value
        unsent = Report(
            Verdict.REFUSED,
            push.names,
            (),
            0,
            0.0,
            said,
            self.name,
            push.author,
            push.reason,
            None,
            refused_here(push.modules),
        )
        if unsent.refusals:  # also what would be no JSON
            return replace(unsent, workers=len(self.workers()), duration_ms=(time.perf_counter() - began) * 1000)
        request = {"op": "roll_out", "action": action.value, "push": to_plain(push), "policy": to_plain(policy)}
        send = self.relay.read if goal is Goal.DRY_RUN else self.relay.act
        try:
            answer = send({**request, "goal": goal.value}, news)
        except LinkLostError as error:
            return self._unknown(unsent, push.author, push.reason, news, error)
        return news.report(answer, began)

    def _unknown(self, report: Report, author: str, reason: str, news: _News, error: LinkLostError) -> Report:
        """The report of a push whose relay was lost: what it had said before is all that is known."""
        said = {outcome.worker.key or outcome.worker.name: outcome for outcome in news.outcomes}
        workers = {worker.key or worker.name: worker for worker in (*self._workers, *(o.worker for o in news.outcomes))}
        last = "; ".join(f"{outcome.worker.name} was {outcome.verdict} by then" for outcome in said.values())
        outcomes = tuple(Outcome(worker, Verdict.UNKNOWN) for worker in workers.values())
        failure = Failure("LinkLostError", f"{error}; {last or 'no worker had answered'}; {FOLLOWS}")
        return replace(
            report,
            verdict=Verdict.UNKNOWN,
            outcomes=outcomes,
            workers=len(workers),
            service=self.name,
            author=author,
            reason=reason,
            failure=failure,
        )


FOLLOWS = (
    "if only the link broke, the relay there brings what had begun to its end; if the relay was killed, the workers "
    "take it back within seconds: all of them will run the same"
)
"""What becomes of a push whose relay is lost."""


class _News:
    """What arrives while a push is under way."""

    def __init__(self, on_outcome: OnOutcome | None, on_canary: OnCanary | None) -> None:
        self.outcomes: list[Outcome] = []
        self._on_outcome, self._on_canary = on_outcome, on_canary
        self._errors: list[Exception] = []

    def __call__(self, news: Mapping[str, Any]) -> None:
        if "outcome" in news:
            outcome = _decoded(Outcome, news["outcome"])
            self.outcomes.append(outcome)
            self._tell(self._on_outcome, outcome)
        elif "canary" in news:
            self._tell(self._on_canary, _decoded(CanaryResult, news["canary"]))

    def report(self, answer: Any, began: float) -> Report:
        """The report that an answer is, with the time that it took from here.

        Raises:
            Exception: What was told of a worker raised; the push is over all the same.
        """
        if self._errors:
            raise self._errors[0]
        return replace(_decoded(Report, answer), duration_ms=(time.perf_counter() - began) * 1000)

    def _tell(self, listener: Any, value: object) -> None:
        if listener is not None:
            try:
                listener(value)
            except Exception as error:
                self._errors.append(error)


def _decoded(kind: type[T], plain: Any) -> T:
    try:
        return from_plain(kind, plain)
    except ValueError as error:
        raise ProtocolError(f"the relay's answer cannot be read: {error}; is it the same livecode?") from error
