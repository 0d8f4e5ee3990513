"""The tools that change a service, and the dry run that comes before: a plan, a hash, a person's approval.

dry_run ── Proposal, under its hash ── push          what was shown, and nothing else
undo    ── Proposal, where a person must approve ── undo
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from livecode.errors import NotAllowedError, UsageError
from livecode.fleet import approvals
from livecode.fleet.approvals import Proposal
from livecode.fleet.interrupts import interrupts_from
from livecode.fleet.rollout import DEFAULT, Policy
from livecode.fleet.service import Service
from livecode.front.agents.changes import (
    MAX_DIFF_CHARACTERS,
    bases_of,
    diff_text,
    limited,
    named_modules,
    wanted_sources,
)
from livecode.front.agents.desk import Answer, Arguments, Call, Desk, access_of
from livecode.front.agents.told import told_report
from livecode.front.policy import Typed
from livecode.front.progress import followed
from livecode.front.push import PushRequest
from livecode.front.push import push as push_request
from livecode.model.agents import Agent, Approval
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet

UNTOUCHED = (Verdict.REFUSED, Verdict.NOT_SENT)
"""Verdicts after which an approval is as good as before."""
NEXT = Commands(undo="the tool undo", status="the tool status")


def dry_run(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """What a push would do: plan, refusals, diff, and the hash under which it can be pushed."""
    address, service = desk.service(arguments, call)
    return _propose(desk, address, service, arguments, call)[0]


def _propose(
    desk: Desk, address: str, service: Service, arguments: Arguments, call: Call
) -> tuple[Answer, Proposal | None]:
    names = named_modules(arguments["changes"])
    before = {name: service.source(name) for name in names}
    items = wanted_sources(arguments["changes"], before)
    agent = Agent(call.client, bases_of(names, service))
    force, safe_part = bool(arguments.get("force")), bool(arguments.get("safe_part"))
    reason = str(arguments.get("reason", ""))
    push = Push(items, desk.author(call), reason, force, safe_part, agent=agent)
    report = push_request(_request(push, dry_run=True), service, call.screen)
    proposal = None
    if report.verdict is Verdict.READY:
        proposal = Proposal(service.name, push, address, before=tuple(before.items()))
        kept = desk.rules.may_push and access_of(service).may_push
        digest = push.digest(service.name)
        proposal = approvals.propose(proposal) if kept else replace(proposal, digest=digest)
    return _told_proposal(desk, report, proposal, diff_text(before, items), address, service), proposal


def _told_proposal(
    desk: Desk, report: Report, proposal: Proposal | None, diff: str, address: str, service: Service
) -> Answer:
    diff = limited(diff, MAX_DIFF_CHARACTERS, "the diff")
    data = {**told_report(report), "diff": diff, "diff_hash": None, "approve_command": None, "next": ""}
    if proposal is not None:
        data |= {"diff_hash": proposal.digest, **_next(desk, proposal.digest, address, service)}
    parts = [sheet_text(report_sheet(report, Commands())), diff, str(data["next"])]
    return Answer("\n".join(filter(None, parts)), data)


def _next(desk: Desk, digest: str, address: str, service: Service) -> dict[str, str | None]:
    """What has to be done so that a proposal becomes live."""
    access = access_of(service)
    if not desk.rules.may_push:
        why = "this server only reads: it was started without --allow-push"
    elif not access.may_push:
        why = f"{service.name} lets agents {access.words}: its owner decides that, livecode.listen(…, agents=…)"
    elif desk.needs_approval(service):
        command = desk.approve_command(address, digest)
        way = f"a person looks at it and allows it, once, within {approvals.VALID_S / 60:g} minutes: {command}"
        return {"next": f"{way}\nthen call push with diff_hash {digest}", "approve_command": command}
    else:
        return {"next": f"to make it live, call push with diff_hash {digest}", "approve_command": None}
    return {"next": f"it cannot be pushed from here: {why}", "approve_command": None}


def push(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """What became of a push: of a dry run by its hash, or of changes."""
    address, service = desk.service(arguments, call)
    desk.check_may_push(service)
    if ("diff_hash" in arguments) == ("changes" in arguments):
        raise UsageError("push takes either the diff_hash of a dry run, or changes")
    policy = _policy(arguments)
    if "diff_hash" in arguments:
        proposal = approvals.proposal(str(arguments["diff_hash"]))
        if proposal.service != service.name or proposal.undo:
            what = "an undo" if proposal.undo else f"a push to {proposal.service}"
            raise UsageError(f"{proposal.digest} is the hash of {what}: make the dry run for {service.name}")
    else:
        answer, made = _propose(desk, address, service, arguments, call)
        if made is None or desk.needs_approval(service):
            return replace(answer, ok=False)
        proposal = made
    _check_bases(proposal, service)
    reason = str(arguments.get("reason") or proposal.push.reason)
    approval = _claim(desk, proposal.digest, address, service)
    agent = replace(_agent(proposal), name=call.client, approval=approval)
    push = replace(proposal.push, author=desk.author(call), reason=reason, agent=agent)
    return _done(service, approval, call, lambda: push_request(_request(push, policy), service, call.screen))


def undo(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """What became of bringing back what ran before."""
    address, service = desk.service(arguments, call)
    desk.check_may_push(service)
    names, to = tuple(arguments.get("modules", ())), arguments.get("to_version")
    if to is not None and len(names) != 1:
        raise UsageError("to_version needs exactly one module: every module counts its own versions")
    agent, approval = Agent(call.client), None
    if desk.needs_approval(service):
        proposal, diff = _undo_proposal(desk, address, service, names, to, call)
        if approvals.approved(proposal.digest) is None:
            return _unapproved_undo(desk, proposal, diff, address)
        approval = _claim(desk, proposal.digest, address, service)
        names = proposal.push.names
        agent = replace(_agent(proposal), approval=approval)
    author, reason = desk.author(call), str(arguments.get("reason", ""))

    def undo() -> Report:
        with followed(call.screen, names) as progress:
            progress.report = report = service.undo(
                *names, to=to, author=author, reason=reason, agent=agent, on_outcome=progress.outcome
            )
        return report

    return _done(service, approval, call, undo)


def _done(service: Service, approval: Approval | None, call: Call, act: Callable[[], Report]) -> Answer:
    """What became of it; the approval is used up, unless nothing was touched."""
    used = True
    try:
        with interrupts_from(call.pressed):
            report = act()
        used = report.verdict not in UNTOUCHED
    finally:
        if approval is not None:
            approvals.release(approval, used=used)
    generation = next((state.generation for state in service.log(1)), 0)
    text = sheet_text(report_sheet(report, NEXT))
    return Answer(text, {**told_report(report), "generation": generation}, report.ok)


def _undo_proposal(
    desk: Desk, address: str, service: Service, names: Sequence[str], to: int | None, call: Call
) -> tuple[Proposal, str]:
    """An undo as what a person can approve."""
    if not names:
        names = next((status.last_push for status in service.peek() if status.last_push), ())
    if not names:
        raise UsageError("nothing was pushed, so there is nothing to undo")
    items, before = [], {}
    for name in names:
        history = service.history(name)
        versions = {version.number: version for version in history.versions}
        earlier = history.undo_target() if to is None else versions.get(to)
        if earlier is None:
            there = ", ".join(f"v{number}" for number in versions) or "none"
            raise UsageError(f"no such version of {name} is remembered (there: {there})")
        items.append(ModuleSource(name, earlier.source))
        before[name] = history.current.source if history.current else None
    agent = Agent(call.client, bases_of(names, service))
    push = Push(tuple(items), desk.author(call), "undo", agent=agent)
    proposal = Proposal(service.name, push, address, before=tuple(before.items()), undo=True)
    return approvals.propose(proposal), diff_text(before, items)


def _unapproved_undo(desk: Desk, proposal: Proposal, diff: str, address: str) -> Answer:
    command = desk.approve_command(address, proposal.digest)
    way = f"nothing was changed: a person has to look at this undo and allow it: {command}"
    report = Report(Verdict.REFUSED, proposal.push.names, action="undo", service=proposal.service)
    text = "\n".join([f"■ REFUSED  undo {', '.join(proposal.push.names)}", diff, f"{way}\nthen call undo again"])
    more = {"diff": diff, "diff_hash": proposal.digest, "approve_command": command, "generation": 0}
    return Answer(text, {**told_report(report), **more}, ok=False)


def _claim(desk: Desk, digest: str, address: str, service: Service) -> Approval | None:
    """The approval for a push; None where none is needed.

    Raises:
        NotAllowedError: There is none; names the command that gives it.
    """
    if not desk.needs_approval(service):
        return None
    try:
        return approvals.claim(digest)
    except NotAllowedError as error:
        command = desk.approve_command(address, digest)
        raise NotAllowedError(f"nothing was changed: {error}; a person can approve it: {command}") from error


def _check_bases(proposal: Proposal, service: Service) -> None:
    """Pass if what runs is what the dry run saw; the workers look again when they apply it."""
    names = proposal.push.names
    now, seen = dict(bases_of(names, service)), dict(_agent(proposal).bases)
    moved = [name for name in names if not set(now[name]) <= set(seen[name])]
    if moved:
        approvals.revoke(proposal.digest)
        raise NotAllowedError(
            f"nothing was changed: {', '.join(moved)} changed in {service.name} since the dry run "
            f"{proposal.digest}, so neither it nor its approval counts any more; "
            "read the source that runs now, and make the dry run again"
        )


def _request(push: Push, policy: Policy = DEFAULT, *, dry_run: bool = False) -> PushRequest:
    how = push.force, dry_run, push.safe_part
    return PushRequest(push.modules, push.author, push.reason, *how, policy=policy, agent=push.agent)


def _agent(proposal: Proposal) -> Agent:
    return proposal.push.agent or Agent("")


def _policy(arguments: Arguments) -> Policy:
    canary, seconds = arguments.get("canary"), arguments.get("canary_seconds")
    try:
        return Typed(canary, seconds).policy
    except UsageError as error:
        said = str(error).replace("--canary", "canary").replace("--for", "canary_seconds")
        raise UsageError(said) from error
