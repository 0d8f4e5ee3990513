"""JSON Schema (2020-12) of what each command prints with ``--json``, made of the dataclasses that are printed.

Every field is always there. Later versions may have more of them, so programs should ignore what they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livecode.front.ending import Problem
from livecode.model.difference import Difference
from livecode.model.evaluated import Evaluated
from livecode.model.nouns import ProcessStatus
from livecode.model.pushes import LoggedPush
from livecode.model.report import Report
from livecode.model.saving import SaveReport
from livecode.model.schema import WHERE, Schema, definitions, schema_of
from livecode.model.services import ServiceSummary
from livecode.model.versions import KnownVersion
from livecode.program.inject import Entered

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DEFINED = "#/$defs/"


def schema(command: str) -> Schema:
    """What that command prints with ``--json``: its answer, or an error.

    Raises:
        KeyError: It prints none.
    """
    answer, kinds = OUTPUTS[command]()
    error = {
        "type": "object",
        "properties": {"error": schema_of(Problem)},
        "required": ["error"],
        "additionalProperties": False,
        "description": "The command ended without an answer.",
    }
    made = {
        "$schema": DRAFT,
        "title": f"livecode {command} --json",
        "anyOf": [answer, error],
        "$defs": definitions(Problem, *kinds),
    }
    return dict(_moved(made))


def _moved(schema: Any) -> Any:
    """The same, with references into this document."""
    match schema:
        case dict():
            return {key: _moved(value) for key, value in schema.items()}
        case list():
            return [_moved(each) for each in schema]
        case str() if schema.startswith(WHERE):
            return DEFINED + schema.removeprefix(WHERE)
    return schema


Output = tuple[Schema, tuple[type, ...]]


def _many(kind: type) -> Output:
    return {"type": "array", "items": schema_of(kind)}, (kind,)


def _with(kind: type, name: str) -> Output:
    """A value that says beside its fields whether something is so."""
    more = {"type": "object", "properties": {name: {"type": "boolean"}}, "required": [name]}
    return {"allOf": [schema_of(kind), more]}, (kind,)


def _report() -> Output:
    return _with(Report, "ok")


def _diff() -> Output:
    one, kinds = _with(Difference, "same")
    return {"type": "array", "items": one}, kinds


def _log() -> Output:
    """All pushes; with --follow, each line is one."""
    return {"anyOf": [_many(LoggedPush)[0], schema_of(LoggedPush)]}, (LoggedPush,)


def _keygen() -> Output:
    from livecode.front.commands.keygen import Made  # imports what the endpoint needs

    return schema_of(Made), (Made,)


def _names() -> Output:
    return {"type": "array", "items": {"type": "string"}}, ()


def _undo() -> Output:
    """A report; with --list, the versions."""
    report, kinds = _report()
    return {"anyOf": [report, _many(KnownVersion)[0]]}, (*kinds, KnownVersion)


def _version() -> Output:
    text = {"type": "string"}
    return {"type": "object", "properties": {"livecode": text, "python": text}, "required": ["livecode", "python"]}, ()


def _approve() -> Output:
    """What waits to be approved."""
    text = {"type": "string"}
    fields: Schema = dict.fromkeys(("hash", "service", "asked_by", "reason", "diff"), text)
    fields |= {"modules": {"type": "array", "items": text}, "at": {"type": "number"}}
    fields |= {"undo": {"type": "boolean"}, "approved": {"type": "boolean"}}
    return {"type": "array", "items": {"type": "object", "properties": fields, "required": sorted(fields)}}, ()


def _watch() -> Output:
    """Each line is an event."""
    from livecode.front.watching.words import WatchState  # imports what watching needs

    state, note, report = schema_of(WatchState), {"type": "string"}, _report()[0]
    more = {"watching": ("state", state), "push": ("report", report), "note": ("text", note)}
    more |= {"state": ("state", state), "stopped": ("state", state)}
    events = [
        {
            "type": "object",
            "properties": {"event": {"const": event}, name: kind},
            "required": ["event", name],
        }
        for event, (name, kind) in more.items()
    ]
    return {"oneOf": events, "description": "One line an event."}, (WatchState, Report)


OUTPUTS: Mapping[str, Callable[[], Output]] = {
    "approve": _approve,
    "attach": lambda: _many(ProcessStatus),
    "diff": _diff,
    "drop": _names,
    "eval": lambda: _many(Evaluated),
    "inject": lambda: (schema_of(Entered), (Entered,)),
    "keygen": _keygen,
    "log": _log,
    "ps": lambda: _many(ServiceSummary),
    "push": _report,
    "save": lambda: _with(SaveReport, "ok"),
    "status": lambda: _many(ProcessStatus),
    "undo": _undo,
    "unload": _report,
    "version": _version,
    "watch": _watch,
}
"""Command → what it prints: a schema, and the dataclasses that it refers to."""
