"""What each route does: one function a route, from a Call to an Answer. Here, and nowhere else, the service is asked.

Every call looks for the workers anew and goes through their doors, also to the very process that answers: so all
workers change, and a push is the same as one from a terminal. It must not be made on the thread of an event loop that a
worker's safe point waits for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import partial
from typing import Any, TypeAlias

from livecode.engine.refusals import refusal
from livecode.errors import LivecodeError, UsageError
from livecode.fleet.rollout import DEFAULT, Policy
from livecode.fleet.service import Service
from livecode.http.answers import Answer, Hidden, status_of
from livecode.http.exchange import Problem
from livecode.http.folder import INIT, BadFileError, Opened, opened, with_new_ones
from livecode.http.mounted import CodeFolder
from livecode.http.routes import DEFAULT_PUSHES
from livecode.live import tracking
from livecode.model.codec import from_plain, to_plain
from livecode.model.nouns import ModuleSource, ModuleStatus, ProcessStatus, checksum
from livecode.model.overview import status_sheet
from livecode.model.pushes import generations_for, log_sheet, pushes_of
from livecode.model.report import Failure, Outcome, Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text
from livecode.model.wording import report_sheet

COMMANDS = Commands(undo="POST /undo", diff="GET /modules/{}/diff", status="GET /status")
"""The next steps that texts offer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that may be carried out.

    Attributes:
        service: Of what.
        author: Who asks: the token's name and the client's address.
        body: What was sent, checked.
        query: The query parameters, checked.
        module: The module that the path names; empty where it names none.
        folder: Where a reload finds its sources.
    """

    service: Service
    author: str
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    module: str = ""
    folder: CodeFolder | None = None


def push(call: Call) -> Answer:
    """The sources in the body become live together on every worker, or nowhere."""
    return _sent(call, call.body["modules"], {})


def reload(call: Call) -> Answer:
    """What the folder holds of the loaded modules, and differs from what runs, becomes live together, or nowhere."""
    folder = opened(_need(call.folder))
    statuses = _all_known(call.service.peek())
    loaded = _loaded(statuses)
    wanted = tuple(call.body.get("modules") or sorted(loaded))
    if strange := next((name for name in wanted if name not in loaded), None):
        said = refusal("LC507", f"{strange} is not loaded in the service", way_out="GET /status lists what is loaded")
        return _told(call, _unsent(call, Verdict.REFUSED, statuses, (strange,), refusals=(said,)))
    try:
        items, said_of = _chosen(wanted, loaded, folder, _running(statuses), call.body.get("changed_only", True))
    except BadFileError as error:
        failure = Failure("unreadable file", str(error), error.module, origin=error.shown)
        return _told(call, _unsent(call, Verdict.NOT_SENT, statuses, (error.module,), failure=failure))
    if not items:
        report = _unsent(call, Verdict.SAME, statuses, ())
        return _told(call, _warned(report, said_of))
    origins = {item.module: item.origin for item in items}
    return _sent(call, {item.module: item.source for item in items}, origins, said_of)


def undo(call: Call) -> Answer:
    """What ran before the last push runs again, on every worker or nowhere."""
    body = call.body
    modules, to = tuple(body.get("modules", ())), body.get("to")
    if to is not None and len(modules) != 1:
        raise Problem(400, "a version is that of one module", "name the one module in `modules`", "/to")
    report = call.service.undo(
        *modules,
        to=None if to is None else int(to),
        author=call.author,
        reason=body.get("reason", ""),
        force=body.get("force", False),
        now=body.get("now", False),
    )
    return _told(call, report)


def status(call: Call) -> Answer:
    """What every worker runs."""
    statuses = call.service.peek()
    hidden = _hidden(call, statuses)
    plain = hidden.plain({"service": call.service.name, "workers": to_plain(statuses)})
    return Answer(200, plain, lambda: hidden.text(sheet_text(status_sheet(statuses, time.time(), COMMANDS))))


def log(call: Call) -> Answer:
    """Who pushed what, when, why, and what became of it, newest first."""
    module, limit = call.query.get("module", ""), call.query.get("limit", DEFAULT_PUSHES)
    pushes = pushes_of(call.service.log(generations_for(limit, module)), module)[:limit]
    hidden = _hidden(call)
    plain = hidden.plain({"service": call.service.name, "pushes": to_plain(pushes)})
    sheet = partial(log_sheet, pushes, call.service.name, time.time(), COMMANDS)
    return Answer(200, plain, lambda: hidden.text(sheet_text(sheet())))


def source(call: Call) -> Answer:
    """The source of a module as it runs, or as an earlier version ran."""
    history = call.service.history(call.module).versions
    number = call.query.get("version", history[-1].number if history else 0)
    version = next((each for each in reversed(history) if each.number == number), None)
    if version is None or version.source is None:
        raise _no_source(call.module, f"version {number} of " if "version" in call.query else "")
    plain = {
        "module": call.module,
        "version": version.number,
        "checksum": version.checksum,
        "author": version.author,
        "reason": version.reason,
        "since": version.since,
        "source": version.source,
    }
    text = version.source
    return Answer(200, plain, lambda: text.rstrip("\n"))


def diff(call: Call) -> Answer:
    """What a reload would change in a module: from what runs to what the folder holds."""
    runs = call.service.source(call.module)
    try:
        item = opened(_need(call.folder)).source(call.module)
    except BadFileError as error:
        raise Problem(422, str(error), "mend the file") from error
    if runs is None or item is None:
        raise _no_source(call.module, "" if runs is None else "a file of ")
    there = (item.source or "").splitlines()
    lines = unified_diff(runs.splitlines(), there, f"{call.module} (runs)", item.origin, lineterm="", n=3)
    told = list(lines)
    same = checksum(runs) == checksum(item.source or "")
    plain = {"module": call.module, "file": item.origin, "same": same, "diff": told}
    return Answer(200, plain, lambda: "\n".join(told) or f"{call.module}: what runs is what {item.origin} says")


Action: TypeAlias = Callable[[Call], Answer]

ACTIONS: Mapping[str, Action] = {
    "push": push,
    "reload": reload,
    "undo": undo,
    "status": status,
    "log": log,
    "source": source,
    "diff": diff,
}
"""By the name that the table of routes has."""


def _need(folder: CodeFolder | None) -> CodeFolder:
    if folder is None:
        raise Problem(404, "no folder was named when this endpoint was mounted", "POST /push takes sources")
    return folder


def _no_source(module: str, what: str) -> Problem:
    return Problem(404, f"there is no source of {what}{module}", "GET /status lists the modules that are loaded")


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────


def _sent(
    call: Call, sources: Mapping[str, str | None], origins: Mapping[str, str], said: tuple[str, ...] = ()
) -> Answer:
    body, policy = call.body, _policy(call.body.get("policy", {}))
    send: Callable[..., Report] = partial(call.service.push, policy=policy)
    if body.get("dry_run", False):
        if policy != DEFAULT:
            what = "a dry run touches nothing, so there is nothing for a policy to do"
            raise Problem(400, what, "leave out the one or the other", "/policy")
        send = call.service.dry_run
    report = send(
        sources,
        author=call.author,
        reason=body.get("reason", ""),
        force=body.get("force", False),
        safe_part=body.get("safe_part", False),
        origins=origins,
        rerun=tuple(body.get("rerun", ())),
    )
    return _told(call, _warned(report, said))


def _policy(plain: Mapping[str, Any]) -> Policy:
    try:
        return Policy(**plain)
    except UsageError as error:
        raise Problem(400, str(error), "see openapi.json for what is accepted", "/policy") from error


def _told(call: Call, report: Report) -> Answer:
    plain = _hidden(call).plain(json.loads(report.to_json()))
    told = partial(from_plain, Report, plain)
    return Answer(status_of(report), plain, lambda: sheet_text(report_sheet(told(), COMMANDS)), said_of(report))


def said_of(report: Report) -> str:
    """A Report in a few words, for the log of the server."""
    codes = [each.code for each in report.refusals]
    codes += [each.code for outcome in report.outcomes for each in outcome.refusals]
    names = ", ".join(report.modules[:5]) + (f" and {len(report.modules) - 5} more" if len(report.modules) > 5 else "")
    return " ".join([report.action, names or "nothing", report.verdict.value, *dict.fromkeys(codes)])


def _hidden(call: Call, statuses: Iterable[ProcessStatus] = ()) -> Hidden:
    """What hides the folders that this process and the workers know."""
    known = [*tracking.folders(), *(folder for each in statuses for folder in each.folders)]
    if not known:  # this process is beside the service: ask who is in it
        with suppress(LivecodeError):
            known = [folder for each in call.service.peek() for folder in each.folders]
    return Hidden([*known, *([call.folder.path] if call.folder is not None else [])])


# ── what a reload chooses ────────────────────────────────────────────────────────────────────────────────────


def _all_known(statuses: tuple[ProcessStatus, ...]) -> tuple[ProcessStatus, ...]:
    """The same, if every worker has said what it runs.

    Raises:
        Problem: One has not: that nothing differs there is not known.
    """
    if silent := [each.worker.name for each in statuses if each.busy and not each.modules]:
        what = f"{', '.join(silent)} did not say what runs there, so it is not known what differs: nothing was sent"
        raise Problem(504, what, "try again; GET /status says what keeps it busy")
    return statuses


def _loaded(statuses: Iterable[ProcessStatus]) -> dict[str, ModuleStatus]:
    return {module.module: module for each in statuses for module in each.modules if module.checksum}


def _running(statuses: Iterable[ProcessStatus]) -> dict[str, set[str]]:
    """Checksums of what runs, over all workers."""
    running: dict[str, set[str]] = {}
    for each in statuses:
        for module in each.modules:
            if module.checksum:
                running.setdefault(module.module, set()).add(module.checksum)
    return running


def _chosen(
    wanted: Iterable[str],
    loaded: Mapping[str, ModuleStatus],
    folder: Opened,
    running: Mapping[str, set[str]],
    changed_only: bool,
) -> tuple[tuple[ModuleSource, ...], tuple[str, ...]]:
    """The sources to send, and what is to be said of others."""
    chosen: list[ModuleSource] = []
    said: list[str] = []
    packages: set[str] = set()
    for name in wanted:
        item, top = folder.source(name), name.partition(".")[0]
        if item is None:
            if top != name and (top in packages or folder.source(top) is not None):
                said.append(
                    f"{name} stays loaded, although the folder has no file of it; unload it if nothing needs it"
                )
            continue
        packages.add(top)
        if _is_package(item.origin) != _is_package(loaded[name].file) and loaded[name].file:
            what = "a package" if _is_package(item.origin) else "no package any more"
            said.append(f"{name} is left as it is: {item.origin} makes it {what}, which takes a restart")
        elif not changed_only or running[name] != {checksum(item.source or "")}:
            chosen.append(item)
    return with_new_ones(chosen, loaded, folder), tuple(said)


def _is_package(file: str) -> bool:
    return file.endswith(INIT)


def _warned(report: Report, said: tuple[str, ...]) -> Report:
    """The report with what is to be said beside it, once a worker."""
    if not said:
        return report
    return replace(report, outcomes=tuple(replace(each, warnings=(*each.warnings, *said)) for each in report.outcomes))


def _unsent(
    call: Call, verdict: Verdict, statuses: Iterable[ProcessStatus], names: tuple[str, ...], **more: Any
) -> Report:
    """A Report of something that no worker was asked for."""
    outcomes = tuple(Outcome(each.worker, verdict) for each in statuses)
    action = "dry run" if call.body.get("dry_run", False) else "push"
    return Report(
        verdict,
        names,
        outcomes,
        len(outcomes),
        action=action,
        service=call.service.name,
        author=call.author,
        reason=call.body.get("reason", ""),
        **more,
    )
