"""Carries out a prepared plan under a journal.

    1. stage       statements are executed where nobody sees it
    2. show        what they made, and the new code of every function, becomes visible in one C call
    3. take away   names that are gone, as soon as no call under way reads them
    4. late        statements that need the new code to be visible; modules that come; modules that go

Any exception leaves to the caller a journal that takes everything back.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from livecode.engine.code import walk
from livecode.engine.prepare import PreparedModule
from livecode.live.code_registries import code_registries
from livecode.live.committing import Committing, Lingering
from livecode.live.contents import attributes_of
from livecode.live.execute import Stage
from livecode.live.interference import Alone, Listener, runs_without_gil
from livecode.live.journal import Step, delete_attribute, delete_item, set_item
from livecode.live.leading import Leading
from livecode.live.quiet import PATIENCE_S, QuietMoment
from livecode.live.running import is_foreign
from livecode.live.safepoint import at_safe_point, runs_a_loop
from livecode.live.stacks import frames_now, suspended
from livecode.live.swap import closure_steps, kind_of, swap_steps
from livecode.live.throwaway import Registries
from livecode.live.turns import short_turns

LISTENER = Listener()
"""What is known about this process's audit hooks."""

SLOWER = 4.0
"""A hook may take longer for the events of a commit than for one that it does not know."""

HOOKED = (
    "an audit hook (sys.addaudithook) runs Python code between the steps of a commit; "
    "thread switches were held off for that long, so no other thread saw half of it unless the hook itself waits"
)
HOOKED_AND_SEEN = (
    "an audit hook (sys.addaudithook) runs Python code between the steps of a commit, "
    "and took so long that other threads may have seen some of the changes before the rest"
)
WITHOUT_GIL = "this Python runs without the GIL: other threads may have seen some of the changes before the rest"

IMPATIENT = (
    "other threads were busy with what changed for as long as a push waits: "
    "a call that was under way may have seen some of it as it was, and the rest as it is"
)

LOOP_GRACE_S = 0.02
"""How long the thread of an event loop is kept waiting."""

GRACE_S = 0.25
"""How long a push waits for calls under way that read removed names; after that the names stay until they end."""

POLL_S = 0.0005

_LIVECODE = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), room, "")
    for room in ("engine", "live", "fleet", "front", "kernel", "model")
)

Prepared = Sequence[tuple[PreparedModule, ModuleType]]


def show(prepared: Prepared, state: Committing) -> None:
    """Steps 1 and 2: after this, every call sees the new code and the new names, or sees neither."""
    for part, module in prepared:
        state.calls.find(part.plan, part.filename, module.__dict__)
    stage = Stage(state)
    try:
        stage.execute(prepared)
        for part, module in prepared:
            state.registrations.withdraw(part.plan.withdrawn, part.filename, module.__dict__)
        state.registrations.renew(state.journal.folds)
        state.reshaped += [stays for stays, newborn in state.journal.folds if kind_of(stays) != kind_of(newborn)]
        steps = [*stage.steps(prepared), *swap_steps(prepared, state)]
        steps += list(closure_steps(steps, state))
        for part, _ in prepared:
            steps += state.calls.steps(part.plan)
        steps += state.registrations.steps(state.journal.folds)
        steps.sort(key=Step.runs_code)
        registries = code_registries(prepared)
        at_safe_point(partial(_show_now, steps, state, frozenset({threading.get_ident()})))
    finally:
        stage.close()
    for registry in registries:
        registry.follow(state.journal)


def _show_now(steps: Sequence[Step], state: Committing, asking: frozenset[int]) -> None:
    """All steps at once, in a moment in which nobody is in the middle of what they change."""
    names = frozenset(name for step in steps for name in (step.name, *step.also)) - {""}
    patience_s = 0.0 if len(names) < 2 else LOOP_GRACE_S if runs_a_loop() else PATIENCE_S
    event_s = LISTENER.event_s()
    interrupted = bool(event_s) or any(map(Step.runs_code, steps))
    alone = Alone(len(steps) * event_s * SLOWER)
    codes = {step.replaces: step.name for step in steps if step.replaces is not None and step.name}
    leading = Leading(names, codes, _is_own)
    moment = QuietMoment(leading, patience_s, asking, short_turns, alone if interrupted else nullcontext)
    with state.journal.doing(moment.do):
        state.journal.do(*steps)
    if not moment.found:
        state.warnings.append(IMPATIENT)
    if event_s:
        state.warnings.append(HOOKED if alone.kept else HOOKED_AND_SEEN)
    if runs_without_gil():
        state.warnings.append(WITHOUT_GIL)


def _is_own(file: str) -> bool:
    """True for the project's files: not for those of packages, nor for livecode's, whose calls are under way too."""
    return not is_foreign(file) and not file.startswith(_LIVECODE)


def take_away(prepared: Prepared, state: Committing) -> None:
    """Step 3: names that nothing binds any more, and entries that removed statements had set."""
    until = time.monotonic() + (0.0 if runs_a_loop() else GRACE_S)
    for part, module in prepared:
        namespace = module.__dict__
        gone = [namespace.get(name) for name in part.plan.removed]
        old = state.journal.replaced | {thing.__code__ for thing in gone if type(thing) is FunctionType}
        _take_parts_away(part, namespace, state)
        for cls in gone:
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                Registries(cls, state.journal).take_out(cls)
        for name in part.plan.removed:
            if name == "__doc__":
                state.journal.do(set_item(namespace, name, None))
            elif name in namespace:
                readers = _readers(name, part.filename, old)
                if _none_inside(readers, until):
                    state.journal.do(delete_item(namespace, name))
                else:
                    state.lingering.append(Lingering(namespace, name, namespace[name], readers))
                    state.warnings.append(f"{name} stays until the calls end that are inside old code and read it")


def settle(lingering: list[Lingering]) -> list[Lingering]:
    """Takes away the names that no call reads any more.

    Returns:
        Those that have to stay.
    """
    inside = {frame.f_code for frame in frames_now()} if lingering else set[CodeType]()
    stay = []
    for item in lingering:
        if not inside.isdisjoint(item.codes) or suspended(list(item.codes)):
            stay.append(item)
        elif item.namespace.get(item.name) is item.value:
            item.namespace.pop(item.name, None)
    return stay


def _take_parts_away(part: PreparedModule, namespace: dict[str, Any], state: Committing) -> None:
    journal = state.journal
    for name, key, is_attribute in part.plan.parts:
        owner = namespace.get(name)
        if is_attribute and type(owner) is ModuleType:
            _put_back(owner, str(key), state)
        elif is_attribute and key in (attributes_of(owner) or ()):
            journal.do(delete_attribute(owner, str(key)))
        elif not is_attribute and type(owner) is dict and key in owner:
            journal.do(delete_item(owner, key))


def _put_back(module: ModuleType, name: str, state: Committing) -> None:
    """What a statement set in another module is what Python keeps beside it (`sys.__excepthook__`), or stays."""
    original = module.__dict__.get(f"__{name}__")
    if name in module.__dict__ and original is not None:
        state.journal.do(set_item(module.__dict__, name, original))
    elif name in module.__dict__:
        state.warnings.append(f"{module.__name__}.{name} stays as it was set: nobody knows what it was before")


def _readers(name: str, filename: str, old: set[CodeType]) -> frozenset[CodeType]:
    """Old code of the module that reads a global of this name."""
    found = (inner for code in old if code.co_filename == filename for inner in walk(code))
    return frozenset(code for code in found if name in code.co_names)


def _none_inside(codes: frozenset[CodeType], until: float) -> bool:
    """True once no call is inside this code; False if one does not end in time, or is the caller's own."""
    if not codes:
        return True
    while True:
        inside = [frame for frame in frames_now() if frame.f_code in codes]
        if not inside:
            return not suspended(list(codes))
        if time.monotonic() > until or _own(codes):
            return False
        time.sleep(POLL_S)


def _own(codes: frozenset[CodeType]) -> bool:
    frame = sys._current_frames().get(threading.get_ident())
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False
