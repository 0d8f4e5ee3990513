"""What ran in a service before: asked of its workers, and of the log, which knows more than those that started late."""

from __future__ import annotations

from collections.abc import Sequence

from livecode.engine.refusals import refusal
from livecode.fleet.client import WorkerClient
from livecode.fleet.crew import Members
from livecode.fleet.distant import log_history
from livecode.model.log import Action
from livecode.model.nouns import History, Version
from livecode.model.report import Refusal

PUSHES = (Action.PUSH, Action.UNDO, Action.UNLOAD, Action.MIXED)


def earlier(clients: Sequence[WorkerClient], members: Members, module: str, to: int | None) -> Version | Refusal:
    """The version that an undo brings back, by the first worker that remembers it, else by the log."""
    remembered = [client.history(module) for client in clients]
    for history in (*remembered, *_of_log(members, module)):
        numbered = {version.number: version for version in history.versions}
        if (target := history.undo_target() if to is None else numbered.get(to)) is not None:
            return target
    there = ", ".join(f"v{version.number}" for version in remembered[0].versions) or "none"
    asked = "nothing older" if to is None else f"no v{to}"
    return refusal("LC509", f"{asked} of {module} is remembered (there: {there})", module=module)


def last_push(clients: Sequence[WorkerClient], members: Members) -> tuple[str, ...]:
    """The modules of the last push, by the first worker that remembers one, else by the log."""
    remembered = (status.last_push for client in clients if (status := client.status()).last_push)
    if (found := next(remembered, ())) or not members.has_log() or (log := members.log()) is None:
        return found
    return next((state.modules for state in log.history(200) if state.action in PUSHES), ())


def _of_log(members: Members, module: str) -> tuple[History, ...]:
    log = members.log() if members.has_log() else None
    return (log_history(log, module),) if log is not None else ()
