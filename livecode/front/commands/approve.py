"""`livecode approve`: a person looks at what an agent wants to push, and allows it or not."""

from __future__ import annotations

import json
import shlex
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from livecode.errors import NotAllowedError, UsageError
from livecode.fleet import approvals
from livecode.fleet.approvals import Proposal
from livecode.fleet.service import Service
from livecode.front.agents.changes import bases_of, diff_text
from livecode.front.agents.desk import access_of
from livecode.front.commands.common import json_option, service_named, store_option, store_words
from livecode.front.push import PushRequest, default_author
from livecode.front.push import push as push_request
from livecode.front.terminal import say
from livecode.model.overview import age
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet


@click.command()
@click.argument("name")
@click.argument("digest", metavar="[HASH]", required=False, default="")
@click.option("--revoke", is_flag=True, help="Take back what was allowed, if it was not used yet.")
@store_option
@json_option
def approve(name: str, digest: str, revoke: bool, store: str, as_json: bool) -> None:
    """Show what agents want to push to the service NAME; with HASH, allow that one push.

    The push is allowed for an hour, once, and only on what runs now: if that changes, nothing is pushed.
    """
    if revoke:
        _revoke(digest)
        return
    service = service_named(name, store)
    if not digest:
        waiting = tuple(each for each in approvals.proposals() if each.service == service.name)
        _show_waiting(waiting, name, service, store, as_json)
        return
    _must_be_a_person()
    found = approvals.proposal(digest)
    if found.service != service.name:
        raise UsageError(f"{digest} is a change of {found.service}, not of {service.name}")
    _check(found, service)
    report = _plan(found, service)
    _show(found, report)
    if report.verdict is not Verdict.READY:
        raise NotAllowedError("not approved: the service would not take it any more; nothing was changed")
    approval = approvals.approve(found, default_author(), socket.gethostname())
    until = time.strftime("%H:%M", time.localtime(approval.until))
    back = shlex.join(["livecode", "approve", name, digest, "--revoke"])
    say(f"✔ APPROVED  {', '.join(found.push.names)}  for {_who(found)}  once, until {until}    take back: {back}")


def _revoke(digest: str) -> None:
    if not digest:
        raise click.UsageError("--revoke needs the HASH of what was allowed")
    done = approvals.revoke(digest)
    say(f"○ REVOKED  {digest}" if done else f"○ NOTHING TO REVOKE  {digest} is not allowed, or was used already")


def _must_be_a_person() -> None:
    """An agent that runs commands does so without a terminal. That keeps out accidents, not someone who tries."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NotAllowedError(
            "approving is for a person at a terminal, and this is none: run the command yourself, in a terminal"
        )


def _check(found: Proposal, service: Service) -> None:
    """Pass if an approval can do something.

    Raises:
        NotAllowedError: What runs has changed, or the service takes nothing from agents.
    """
    now, seen = dict(bases_of(found.push.names, service)), dict(found.push.agent.bases if found.push.agent else ())
    moved = [module for module in found.push.names if not set(now[module]) <= set(seen.get(module, ()))]
    if moved:
        raise NotAllowedError(
            f"not approved: {', '.join(moved)} changed in {service.name} since the agent looked; "
            "let it make a new dry run"
        )
    access = access_of(service)
    if not access.may_push:
        raise NotAllowedError(
            f"not approved: {service.name} lets agents {access.words}, so an approval would do nothing; "
            f"livecode.listen({service.name!r}, agents='approved') lets it"
        )


def _plan(found: Proposal, service: Service) -> Report:
    """What the push would do now."""
    push = found.push
    how = push.author, push.reason, push.force, True, push.safe_part
    return push_request(PushRequest(push.modules, *how, agent=push.agent), service)


def _show(found: Proposal, report: Report | None) -> None:
    what = "undo " * found.undo + ", ".join(found.push.names)
    options = "  force" * found.push.force + "  safe part" * found.push.safe_part
    say(f"● PROPOSAL  {what}  in {found.service}{options}  {age(found.at, time.time())}")
    say(f"  asked by {found.push.author}" + (f": {found.push.reason}" if found.push.reason else ""))
    _say_diff(_printable(diff_text(dict(found.before), found.push.modules)))
    if report is not None:
        say(sheet_text(report_sheet(report, Commands())))


def _show_waiting(found: Sequence[Proposal], name: str, service: Service, store: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_plain(each) for each in found], ensure_ascii=False))
        return
    if not found:
        say(f"○ NOTHING TO APPROVE  no agent has proposed a change of {service.name} within the last hour")
    for each in found:
        _show(each, None)
        if approvals.approved(each.digest) is not None:
            say("  it is approved, and was not used yet")
        else:
            command = shlex.join(["livecode", "approve", name, each.digest, *store_words(store)])
            say(f"→ allow it: {command}\n")


def _plain(found: Proposal) -> dict[str, Any]:
    return {
        "hash": found.digest,
        "service": found.service,
        "modules": list(found.push.names),
        "asked_by": found.push.author,
        "reason": found.push.reason,
        "at": found.at,
        "undo": found.undo,
        "diff": diff_text(dict(found.before), found.push.modules),
        "approved": approvals.approved(found.digest) is not None,
    }


def _who(found: Proposal) -> str:
    return found.push.agent.name if found.push.agent is not None else "the agent"


def _say_diff(text: str) -> None:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.splitlines():
        click.secho(line, fg=colours.get(line[:1]), bold=line.startswith(("+++", "---")) or None)


def _printable(text: str) -> str:
    """Without what a terminal would obey: a source must not be able to hide lines from who reads it."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
