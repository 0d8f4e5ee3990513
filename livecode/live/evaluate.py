"""The value of an expression in this process: in a thread of its own, for a limited time, shown in limited length.

The names of an expression are those of the loaded modules (`shop.pricing.CACHE`), or of one module that is named. It
gets a copy of the names, so that nothing it binds stays; but what it calls, it calls: this keeps mistakes out, not
malice, as whoever may push may do everything.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import CodeType, CoroutineType
from typing import Any

from livecode.engine.check import syntax_failure
from livecode.errors import UsageError
from livecode.live.chunks import chunk_name
from livecode.live.failure import failure_of
from livecode.live.process import Process
from livecode.model.evaluated import EXPRESSION, Evaluated
from livecode.model.nouns import ModuleSource
from livecode.model.report import Failure

FILENAME = "<expression>"
_NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
MAX_CHARACTERS = 20_000
LINGER_S = 1.0
"""How long a thread that is told to stop is waited for."""


class EvaluationStopped(BaseException):
    """Raised in the thread whose time is up."""


@dataclass(slots=True)
class _Run:
    """One evaluation, and what became of it."""

    code: CodeType
    names: dict[str, Any]
    answer: tuple[str, str, bool] | None = None
    error: BaseException | None = None

    def __call__(self) -> None:
        try:
            value = eval(self.code, self.names)
            if isinstance(value, CoroutineType):
                value.close()
                raise TypeError("this is a coroutine: it would run on the event loop of the service, and this does not")
            text, cut = shown(value)
            self.answer = text, type(value).__qualname__, cut
        except BaseException as error:  # also SystemExit: an expression must not end the service
            self.error = error


def evaluate(process: Process, expression: str, module: str, timeout_s: float) -> Evaluated:
    """What an expression is here.

    Args:
        process: Where.
        expression: Python, one expression.
        module: The module whose names it can use without a prefix; empty for none.
        timeout_s: How long it may take.

    Raises:
        UsageError: It is a statement, or the module is not loaded.
    """
    expression = expression.strip()
    source = ModuleSource(EXPRESSION, expression)
    try:
        code = compile(expression, FILENAME, "eval", dont_inherit=True)
    except _NOT_COMPILED as error:
        return Evaluated(process.worker, failure=_refused(expression, source, error))
    run = _Run(code, _names(code, module))
    thread = threading.Thread(target=run, name="livecode-eval", daemon=True)
    began = time.perf_counter()
    thread.start()
    thread.join(timeout_s)
    late = _stopped(thread, timeout_s) if thread.is_alive() else None
    taken_ms = (time.perf_counter() - began) * 1000
    if late is None and run.answer is not None:
        text, kind, cut = run.answer
        return Evaluated(process.worker, text, kind, cut, None, taken_ms)
    failure = late or _failure(process, source, run.error or RuntimeError("it ended without a value"))
    return Evaluated(process.worker, failure=failure, duration_ms=taken_ms)


def shown(value: object) -> tuple[str, bool]:
    """The `repr` of a value, and whether it was cut. No more of a large container is looked at than is shown."""
    pieces, length = list[str](), 0
    for piece in _pieces(value, set()):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_CHARACTERS:
            return "".join(pieces)[:MAX_CHARACTERS], True
    return "".join(pieces), False


_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), dict: ("{", "}")}


def _pieces(value: Any, above: set[int]) -> Iterator[str]:
    """The `repr` of a value, bit by bit where it is a container."""
    kind = type(value)
    if kind in (str, bytes) and len(value) > MAX_CHARACTERS:
        yield repr(value[: MAX_CHARACTERS + 1])
    elif kind not in _BRACKETS or not value or id(value) in above:
        yield repr(value)  # one that holds itself says so
    else:
        first, last = _BRACKETS[kind]
        yield first
        for number, item in enumerate(islice(value, MAX_CHARACTERS)):
            yield ", " if number else ""
            yield from _pieces(item, above | {id(value)})
            if kind is dict:
                yield ": "
                yield from _pieces(value[item], above | {id(value)})
        yield ",)" if kind is tuple and len(value) == 1 else last


def _names(code: CodeType, module: str) -> dict[str, Any]:
    """What the expression's names stand for: builtins, the module's own ones, loaded modules."""
    names: dict[str, Any] = {each: sys.modules[each] for each in _used(code) if each in sys.modules}
    if module:
        loaded = sys.modules.get(module)
        if loaded is None:
            raise UsageError(f"{module} is not loaded here: leave --module out, or name one that livecode status lists")
        names |= vars(loaded)
    return names | {"__builtins__": builtins, "__name__": FILENAME}


def _used(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _used(each)


def _refused(expression: str, source: ModuleSource, error: BaseException) -> Failure:
    """Why this is no expression.

    Raises:
        UsageError: It is a statement.
    """
    if _compiles(expression):
        raise UsageError(
            f"{expression!r} is a statement, and only an expression has a value: to change code, push it; "
            "a value is changed by a call, such as shop.CACHE.clear()"
        ) from None
    if isinstance(error, SyntaxError):
        return syntax_failure(source, error)
    return Failure(type(error).__name__, str(error) or "too deeply nested", EXPRESSION)


def _compiles(expression: str) -> bool:
    try:
        compile(expression, FILENAME, "exec", dont_inherit=True)
    except _NOT_COMPILED:
        return False
    return True


def _failure(process: Process, source: ModuleSource, error: BaseException) -> Failure:
    """The error with its frames: those of the expression and of the service's own modules are its own."""
    chunks = {FILENAME: EXPRESSION}
    for name in process.own_modules():
        live = sys.modules.get(name)
        for file in (getattr(live, "__file__", None), chunk_name(name)):
            if file:
                chunks[file] = name
    found = failure_of(error, (EXPRESSION, 1), {EXPRESSION: source}, chunks)
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError) and error.name:
        hint = f"; no module {error.name} is loaded here" if error.name not in dir(builtins) else ""
        return Failure(found.type, found.message + hint, found.module, found.line, frames=found.frames)
    return found


def _stopped(thread: threading.Thread, timeout_s: float) -> Failure:
    """What is said of an evaluation whose time was up, after it was told to stop."""
    frames = _where(thread)
    raise_in: Callable[..., int] = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(EvaluationStopped))
    thread.join(LINGER_S)
    end = "it still runs: it waits for something outside of Python" if thread.is_alive() else "it was stopped"
    return Failure("TimeoutError", f"no value within {timeout_s:g} s; {end}{frames}", EXPRESSION)


def _where(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    last = traceback.extract_stack(frame)[-1]
    return f" (it was in {last.name}, {last.filename}, line {last.lineno})"
