"""The tools that only look: which services there are, what runs in them, who pushed what."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from livecode.errors import LivecodeError, UsageError
from livecode.fleet.service import Service
from livecode.front.agents.changes import limited
from livecode.front.agents.desk import Answer, Arguments, Call, Desk
from livecode.front.agents.told import told_push, told_status
from livecode.model.nouns import checksum
from livecode.model.overview import status_sheet
from livecode.model.pushes import generations_for, log_sheet, pushes_of
from livecode.model.sheet import Commands
from livecode.model.text import sheet_text

MAX_CHARACTERS = 100_000
MAX_PUSHES = 100


def list_services(desk: Desk, _arguments: Arguments, call: Call) -> Answer:
    """The services that can be spoken of."""
    told = [desk.told_service(address, call) for address in desk.addresses()]
    lines = [_service_line(each) for each in told] or ["no service listens; in one, call livecode.listen('shop')"]
    return Answer("\n".join(lines), {"services": told})


def read_source(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """The source that runs of a module, or that of a version; all of it or a range of lines."""
    module, version = str(arguments["module"]), arguments.get("version")
    _, service = desk.service(arguments, call)
    source = service.source(module, version)
    if source is None:
        said = f"no v{version} of {module} is remembered" if version is not None else f"{module} is not loaded"
        raise UsageError(f"{said} from source in {service.name}: the tool status lists what is")
    lines = source.splitlines(keepends=True)
    first = int(arguments.get("first_line") or 1)
    last = min(int(arguments.get("last_line") or len(lines)), len(lines))
    if first > max(last, 1):
        raise UsageError(f"{module} has {len(lines)} lines: there are none from {first} to {last}")
    shown, last = _fitting(lines, first, last)
    number = version if version is not None else _version(service, module)
    where = f"lines {first} to {last} of {len(lines)}"
    head = f"# {module} v{number} in {service.name}, {where}, checksum {checksum(source)[:7]}\n"
    data = {"module": module, "version": number, "checksum": checksum(source), "source": shown}
    more = {"first_line": first, "last_line": last, "total_lines": len(lines)}
    return Answer(head + shown, {**data, **more})


def status(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """What runs where."""
    _, service = desk.service(arguments, call)
    statuses = service.status()
    data = told_status(statuses, tuple(arguments.get("modules", ())))
    if arguments.get("modules"):
        named = {row["module"] for row in data["modules"]}
        kept = (replace(s, modules=tuple(m for m in s.modules if m.module in named)) for s in statuses)
        statuses = tuple(kept)
    text = limited(sheet_text(status_sheet(statuses, time.time(), Commands())), MAX_CHARACTERS, "the status")
    return Answer(text, data)


def log_since(desk: Desk, arguments: Arguments, call: Call) -> Answer:
    """The pushes after a generation, newest first."""
    _, service = desk.service(arguments, call)
    since, limit = int(arguments.get("generation", 0)), int(arguments.get("limit", 20))
    module = str(arguments.get("module", ""))
    states = service.log(generations_for(MAX_PUSHES, module))
    found = tuple(push for push in pushes_of(states, module) if push.generation > since)
    data = {
        "generation": states[0].generation if states else 0,
        "pushes": [told_push(push) for push in found[:limit]],
        "more": len(found) > limit,
    }
    return Answer(sheet_text(log_sheet(found[:limit], service.name, time.time(), Commands())), data)


def modules(desk: Desk, call: Call) -> list[tuple[str, str]]:
    """Service and module of every source that can be read as a resource."""
    found: list[tuple[str, str]] = []
    for address in desk.addresses():
        try:
            _, service = desk.service({"service": address}, call)
            statuses = service.peek()
        except LivecodeError:  # one that cannot be looked at has no sources
            continue
        found += [(address, name) for name in sorted({m.module for s in statuses for m in s.modules if m.checksum})]
    return found


def _fitting(lines: Sequence[str], first: int, last: int) -> tuple[str, int]:
    """Those lines, as many as are told at once, and the number of the last one."""
    if len(lines) >= first and len(lines[first - 1]) > MAX_CHARACTERS:
        raise UsageError(f"line {first} has {len(lines[first - 1])} characters, and at most {MAX_CHARACTERS} are told")
    shown: list[str] = []
    size = 0
    for line in lines[first - 1 : last]:
        size += len(line)
        if size > MAX_CHARACTERS:
            break
        shown.append(line)
    return "".join(shown), first - 1 + len(shown)


def _service_line(told: Mapping[str, Any]) -> str:
    if told["error"]:
        return f"{told['service']}: {told['error']}"
    workers, push = told["workers"], "you may push" if told["may_push"] else "no push from here"
    if told["may_push"] and told["needs_approval"]:
        push = "you may push what a person approved"
    where = f"{workers} worker{'s' * (workers != 1)} on {', '.join(told['hosts'])}"
    return f"{told['service']}: {where}, Python {', '.join(told['python'])}, agents: {told['agents']}, {push}"


def _version(service: Service, module: str) -> int:
    current = service.history(module).current
    return current.number if current is not None else 0
