"""The value of an expression in this process: in a thread of its own, for a limited time, shown in limited length.

The names of an expression are those of the loaded modules (`shop.pricing.CACHE`), or of one module that is named. It
gets a copy of the names, so that nothing it binds stays (`livecode.live.expression`); but what it calls, it calls:
this keeps mistakes out, not malice, as whoever may push may do everything.

What awaits something runs on the event loop of the service, and is cancelled there when its time is up. Where the
service has none, it runs on one of its own.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import CO_COROUTINE
from types import CodeType, CoroutineType
from typing import Any

from livecode.engine.check import syntax_failure
from livecode.errors import UsageError
from livecode.live.chunks import chunk_name
from livecode.live.expression import FILENAME, NOT_COMPILED, VALUE, compiled, names_for, tidied
from livecode.live.failure import failure_of
from livecode.live.loops import Awaited, service_loop
from livecode.live.printed import Sink, print_to, printed_here
from livecode.live.process import Process
from livecode.live.rich import Forms
from livecode.live.safepoint import runs_a_loop
from livecode.live.showing import shown
from livecode.model.evaluated import EXPRESSION, Evaluated
from livecode.model.nouns import ModuleSource
from livecode.model.report import Failure

LINGER_S = 1.0
"""How long a thread that is told to stop is waited for."""


class EvaluationStopped(BaseException):
    """Raised in the thread whose time is up."""


@dataclass(slots=True)
class _Run:
    """One evaluation, and what became of it so far."""

    code: CodeType
    names: dict[str, Any]
    loop: Any
    forms: Forms
    sink: Sink
    kind: str = ""
    answer: tuple[str, bool] | None = None
    error: BaseException | None = None
    awaited: Awaited | None = None

    def __call__(self) -> None:
        print_to(self.sink)
        try:
            value = self._value()
            self.kind = type(value).__qualname__
            self.answer = shown(value)
            self.forms.make(value)
        except BaseException as error:  # also SystemExit: an expression must not end the service
            self.error = error

    def _value(self) -> Any:
        made = eval(self.code, self.names)
        if self.code.co_flags & CO_COROUTINE:
            self.awaited = Awaited(made, self.loop)
            self.awaited.result()
            self.awaited = None
        value = self.names[VALUE]
        if isinstance(value, CoroutineType):
            value.close()
            raise TypeError(f"this is a coroutine: await it, and {_WHERE}")
        return value


_WHERE = "it runs on the event loop of the service"


def evaluate(process: Process, expression: str, module: str, timeout_s: float, rich_bytes: int = 0) -> Evaluated:
    """What an expression is here.

    Args:
        process: Where.
        expression: Python, one expression, or statements whose last one is an expression.
        module: The module whose names it can use without a prefix; empty for none.
        timeout_s: How long it may take.
        rich_bytes: What the other forms of its value may have, all of them together; 0 for its text alone.

    Raises:
        UsageError: It is a statement, one of them binds what is not its own, or the module is not loaded.
    """
    text = tidied(expression)
    source = ModuleSource(EXPRESSION, text)
    try:
        code = compiled(text)
    except UsageError:
        raise
    except NOT_COMPILED as error:
        return Evaluated(process.worker, failure=_not_compiled(source, error))
    loop = None if runs_a_loop() else service_loop()  # who runs one waits here, and it with him
    names = names_for(code, module)
    with printed_here() as sink:
        run = _Run(code, names, loop, Forms(rich_bytes), sink)
        found = _evaluated(process, run, source, timeout_s)
    return replace(found, printed=sink.text())


def _evaluated(process: Process, run: _Run, source: ModuleSource, timeout_s: float) -> Evaluated:
    """What came of it within its time."""
    thread = threading.Thread(target=run, name="livecode-eval", daemon=True)
    began = time.perf_counter()
    thread.start()
    thread.join(timeout_s)
    late = _stopped(thread, run, timeout_s) if thread.is_alive() else None
    taken_ms = (time.perf_counter() - began) * 1000
    if run.answer is not None:
        return _answered(process, run, late, taken_ms)
    failure = late or _failure(process, source, run.error or RuntimeError("it ended without a value"))
    return Evaluated(process.worker, failure=failure, duration_ms=taken_ms)


def _answered(process: Process, run: _Run, late: Failure | None, taken_ms: float) -> Evaluated:
    """The value, also where not all of its forms were made in time."""
    assert run.answer is not None
    text, cut = run.answer
    notes = tuple(run.forms.notes)
    if late is not None:
        notes += (f"{run.forms.making or 'the next form'} is left out: {late.message}",)
    elif run.error is not None:
        notes += (f"{run.forms.making or 'the next form'} failed: {type(run.error).__name__}",)
    return Evaluated(process.worker, text, run.kind, cut, None, taken_ms, data=tuple(run.forms.data), notes=notes)


def _not_compiled(source: ModuleSource, error: BaseException) -> Failure:
    """Why this is no expression."""
    if isinstance(error, SyntaxError):
        return syntax_failure(source, error)
    return Failure(type(error).__name__, str(error) or "too deeply nested", EXPRESSION)


def _failure(process: Process, source: ModuleSource, error: BaseException) -> Failure:
    """The error with its frames: those of the expression and of the service's own modules are its own."""
    chunks = {FILENAME: EXPRESSION}
    for name in process.own_modules():
        live = sys.modules.get(name)
        for file in (getattr(live, "__file__", None), chunk_name(name)):
            if file:
                chunks[file] = name
    found = failure_of(_from_expression(error), (EXPRESSION, 1), {EXPRESSION: source}, chunks)
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError) and error.name:
        hint = f"; no module {error.name} is loaded here" if error.name not in dir(builtins) else ""
        return Failure(found.type, found.message + hint, found.module, found.line, frames=found.frames)
    return found


def _from_expression(error: BaseException) -> BaseException:
    """The error with the frames from the expression on: what waited for a loop is none of its own."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename != FILENAME:
        step = step.tb_next
    return error if step is None else error.with_traceback(step)


def _stopped(thread: threading.Thread, run: _Run, timeout_s: float) -> Failure:
    """What is said of an evaluation whose time was up, after it was told to stop."""
    awaited = run.awaited
    place = awaited.place() if awaited is not None else _place(thread)
    has_ended = awaited is None or awaited.cancel(LINGER_S)
    if awaited is None or not has_ended:  # else it ends by itself, and its loop in order
        raise_in: Callable[..., int] = ctypes.pythonapi.PyThreadState_SetAsyncExc
        raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(EvaluationStopped))
    thread.join(LINGER_S)
    if not has_ended and run.loop is not None:
        end = "it still runs on the event loop of the service, and awaits nothing"
    elif thread.is_alive():
        end = "it still runs: it waits for something outside of Python"
    else:
        end = "it was stopped"
    at = f" (it was in {place[0]}, {place[1]}, line {place[2]})" if place is not None else ""
    what = "no value" if not run.kind else "no more" if run.answer else f"this {run.kind} has no text"
    return Failure("TimeoutError", f"{what} within {timeout_s:g} s; {end}{at}", EXPRESSION)


def _place(thread: threading.Thread) -> tuple[str, str, int] | None:
    """Function, file and line where a thread is."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return None
    last = traceback.extract_stack(frame)[-1]
    return last.name, last.filename, last.lineno or 0
