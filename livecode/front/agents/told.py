"""Reports, status and log as data for agents: what the schemas in `tools` promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from livecode.model.nouns import ModuleStatus, ProcessStatus, Worker
from livecode.model.pushes import LoggedPush
from livecode.model.report import Change, Failure, Outcome, Refusal, Report

Data = dict[str, Any]

MAX_ROWS = 200
"""So many modules of a status, or changes of a report, are told at most."""


def told_report(report: Report) -> Data:
    """What became of a push, or would."""
    refusals = _each_once(report.refusals, *(outcome.refusals for outcome in report.outcomes))
    left_out = _each_once(*(outcome.left_out for outcome in report.outcomes))
    failures = [report.failure, *(outcome.failure for outcome in report.outcomes)]
    failure = next((each for each in failures if each is not None), None)
    return {
        "ok": report.ok,
        "verdict": report.verdict.value,
        "modules": _modules(report.outcomes),
        "workers": [_outcome(outcome) for outcome in report.outcomes],
        "refusals": [_refusal(each) for each in refusals],
        "left_out": [_refusal(each) for each in left_out],
        "failure": _failure(failure) if failure is not None else None,
        "warnings": list(dict.fromkeys(text for outcome in report.outcomes for text in outcome.warnings)),
        "could_not_undo": list(dict.fromkeys(text for outcome in report.outcomes for text in outcome.not_undone)),
        "duration_ms": round(report.duration_ms, 1),
    }


def told_worker(worker: Worker) -> Data:
    """Who answers."""
    return {"worker": worker.name, "pid": worker.pid, "host": worker.host, "python": worker.python}


def told_status(statuses: Sequence[ProcessStatus], modules: Sequence[str]) -> Data:
    """What runs, by module; and the workers."""
    rows = _status_rows(statuses, modules)
    return {
        "modules": rows[:MAX_ROWS],
        "modules_left_out": max(len(rows) - MAX_ROWS, 0),
        "workers": [
            {
                **told_worker(status.worker),
                "generation": status.generation,
                "pushes": status.pushes,
                "busy": status.busy,
                "trouble": status.trouble,
            }
            for status in statuses
        ],
    }


def told_push(push: LoggedPush) -> Data:
    """One push of the log."""
    return {
        "generation": push.generation,
        "action": push.action.value,
        "modules": [{"module": m.module, "version": m.version, "checksum": m.checksum} for m in push.modules],
        "author": push.author,
        "reason": push.reason,
        "at": push.at,
        "outcome": push.outcome,
        "live": push.live,
        "failed_on": [{"worker": t.worker, "verdict": t.verdict.value, "why": t.why} for t in push.tried if t.why],
    }


def _status_rows(statuses: Sequence[ProcessStatus], modules: Sequence[str]) -> list[Data]:
    groups: dict[tuple[str, int, str], list[tuple[str, ModuleStatus]]] = {}
    for status in statuses:
        for m in status.modules:
            if not modules or m.module in modules or any(m.module.startswith(f"{name}.") for name in modules):
                groups.setdefault((m.module, m.version, m.checksum), []).append((status.worker.name, m))
    return [
        {
            "module": module,
            "version": version,
            "checksum": digest,
            "workers": [worker for worker, _ in members],
            "on_disk": members[0][1].disk.value,
            "file": members[0][1].file,
            "author": members[0][1].author,
            "reason": members[0][1].reason,
            "still_inside_old_code": sorted({call for _, m in members for call in m.still_old}),
        }
        for (module, version, digest), members in sorted(groups.items())
    ]


def _modules(outcomes: Sequence[Outcome]) -> list[Data]:
    """What changes, by module, as the first worker that says it tells it."""
    said: dict[str, Data] = {}
    for outcome in outcomes:
        for m in outcome.modules:
            said.setdefault(
                m.module,
                {
                    "module": m.module,
                    "before": m.before,
                    "after": m.after,
                    "checksum": m.checksum,
                    "changes": [_change(change) for change in m.changes[:MAX_ROWS]],
                },
            )
    return list(said.values())


def _outcome(outcome: Outcome) -> Data:
    failure = outcome.failure
    why = f"{failure.type}: {failure.message}" if failure is not None else ""
    return {**told_worker(outcome.worker), "verdict": outcome.verdict.value, "why": why}


def _change(change: Change) -> Data:
    return {"kind": change.kind.value, "name": change.name, "detail": change.detail, "line": change.line}


def _refusal(each: Refusal) -> Data:
    return {"code": each.code, "what": each.what, "way_out": each.way_out, "module": each.module, "line": each.line}


def _failure(failure: Failure) -> Data:
    return {"type": failure.type, "message": failure.message, "module": failure.module, "line": failure.line}


def _each_once(*groups: Iterable[Refusal]) -> list[Refusal]:
    return list(dict.fromkeys(each for group in groups for each in group))
