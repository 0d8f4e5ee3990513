"""What the report says of a plan, one line for each form that it concerns."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from livecode.engine.diff import Diff
from livecode.engine.forms import Form, Kind
from livecode.engine.planned import Run, is_call, made_by
from livecode.engine.spread import Spread
from livecode.model.report import Change, ChangeKind


def changes_of(
    here: Spread, change: Diff, runs: Sequence[Run], undone: Sequence[Form], stale: Sequence[Change]
) -> list[Change]:
    """The changes that the plan of a pushed module makes, and what is kept."""
    back = set(map(id, undone))
    said = [
        Change(ChangeKind.REMOVED, form.label(), "" if id(form) in back else _left_behind(form))
        for form in change.removed
    ]
    for pair in change.edited:
        leaves = pair.changed_leaves
        labels = dict.fromkeys(".".join(leaf.path) + "()" for leaf in leaves)
        said += [Change(ChangeKind.CHANGED, label, "", pair.new.start) for label in labels]
    for run in runs:
        said += run.edit.changes if run.edit else [_run_change(here, run)]
    said += stale
    executed = {id(run.form) for run in runs}
    executed |= {id(form) for form in here.forms if stale and form.label() in {change.name for change in stale}}
    kept = [form.label() for form in here.forms if form.shape.kind is Kind.VALUE and id(form) not in executed]
    return [*said, *(Change(ChangeKind.KEPT, name) for name in kept)]


def _run_change(here: Spread, run: Run) -> Change:
    kind = {"changed": ChangeKind.CHANGED, "added": ChangeKind.ADDED}.get(run.why, ChangeKind.RERUN)
    detail = rerun_reason(here, run) if kind is ChangeKind.RERUN else ""
    if kind is ChangeKind.CHANGED and run.form.kind is Kind.OTHER and isinstance(run.form.node, ast.Expr):
        done = "replaces what the old line did" if run.undoes else "what the old line did is not taken back"
        detail = f"executed; {done}"
    elif kind is ChangeKind.CHANGED and isinstance(run.form.node, ast.AugAssign) and _adds_to_kept(here, run.form):
        detail = "executed on the value that is kept; what the old line did is not taken back"
    return Change(kind, run.form.label(), detail, run.form.start)


def _adds_to_kept(here: Spread, form: Form) -> bool:
    return any(other.keep and not set(form.names.binds).isdisjoint(other.names.binds) for other in here.forms)


def rerun_reason(here: Spread, run: Run) -> str:
    """Why a statement runs again; if it is only a call, also that what it did stays."""
    stays = run.old is not None and is_call(run.old) and not run.undoes and not here.refilled & made_by(run.old)
    return f"{run.why}; what it did before is not taken back" if stays else run.why


def _left_behind(form: Form) -> str:
    calls = any(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in form.nodes)
    return "what it did is not taken back" if calls else ""
