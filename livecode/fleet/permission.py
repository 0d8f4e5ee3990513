"""What a worker lets agents do: asked at its door, and of what the log has on trial.

    none        nothing
    read        sources, status, dry runs
    approved    also a push that a person approved: this one, on what ran then, before it ends, once
    push        also pushes of their own

A request says by itself that it is an agent's. This keeps an agent's server to what its service allows, whatever that
server was told; it does not keep out somebody who can open the door and says nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from livecode.engine.refusals import refusal
from livecode.errors import NotAllowedError
from livecode.fleet import approvals
from livecode.model.access import Access
from livecode.model.agents import Agent, Approval
from livecode.model.nouns import Push, Worker
from livecode.model.report import ModuleOutcome, Outcome, Refusal, Verdict

OPEN_TO_ALL = frozenset({"hello"})
"""What anybody may ask: who is there, and what is allowed."""

WRITING = frozenset({"save", "put_back"})
"""What changes files: whoever may push anything may as well."""


def check_request(service: str, access: str, op: object, agent: object) -> None:
    """Pass if an agent may ask this at all; a request that is not an agent's says none.

    Raises:
        NotAllowedError: It may not.
    """
    if agent and Access(access) is Access.NONE and op not in OPEN_TO_ALL:
        raise NotAllowedError(
            f"{service!r} lets no agent in; its owner decides that: livecode.listen({service!r}, agents='read')"
        )
    if agent and op in WRITING and Access(access) is not Access.PUSH:
        raise NotAllowedError(
            f"{service!r} lets no agent write files; its owner may: livecode.listen({service!r}, agents='push')"
        )


def check_evaluation(service: str, access: str, agent: object) -> None:
    """Pass if an expression may be evaluated: it can call anything, so of agents only those may that may push.

    Raises:
        NotAllowedError: It may not.
    """
    if agent and Access(access) is not Access.PUSH:
        raise NotAllowedError(f"{service!r} lets agents {Access(access).words}, and an expression could do everything")


def refuse_agent(
    service: str, allowed: str, push: Push, running: Mapping[str, str], *, for_real: bool = True
) -> Refusal | None:
    """Why this push of an agent is not accepted here; None where it is, and for pushes of people.

    Args:
        service: The name of the service.
        allowed: What it lets agents do.
        push: What is asked.
        running: Module → SHA-256 of what runs here, empty where it is not loaded.
        for_real: False for a dry run.
    """
    agent, access = push.agent, Access(allowed)
    if agent is None:
        return None
    if access is Access.NONE or (for_real and not access.may_push):
        return refusal("LC409", f"{service} lets agents {access.words}, and {agent.name} asks to push")
    if for_real and access is Access.APPROVED and (why := _void(service, push, agent.approval)):
        return refusal("LC410", f"this push of {agent.name} is not approved: {why}")
    return _moved(agent, push, running)


def refused_outcome(why: Refusal, push: Push, worker: Worker, process: Any) -> Outcome:
    """What a worker answers to a push that it does not accept, with what it goes on running."""
    current = {name: process.history(name).current for name in push.names}
    modules = (ModuleOutcome(n, v.number, v.number, v.checksum) for n, v in current.items() if v is not None)
    return Outcome(worker, Verdict.REFUSED, tuple(modules), (why,))


def _void(service: str, push: Push, approval: Approval | None) -> str:
    """Why an approval is not one for this push; empty if it is."""
    if approval is None:
        return "nobody was asked"
    if approval.digest != push.digest(service):
        return "what was approved is something else"
    if time.time() > approval.until:
        return "the approval has expired"
    if approval.host == socket.gethostname() and not approvals.is_claimed(approval):
        return "no person gave that approval here, or it was used already"
    return ""


def _moved(agent: Agent, push: Push, running: Mapping[str, str]) -> Refusal | None:
    """A module that runs something else than what the agent saw, or wants."""
    wanted = push.wanted
    for module, digests in agent.bases:
        now = running.get(module, "")
        if now not in digests and now != wanted.get(module):
            return refusal("LC411", f"{module} runs {now[:7] or 'nothing'} now, and {agent.name} saw another source")
    return None
