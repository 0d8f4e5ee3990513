"""Calls the hooks of the modules of a push: the old code lets go of what it holds, the new code takes it over.

    dispose     the old `__hot_dispose__()`, those of users before those of what they use; what it returns is the state
    accept      the new `__hot_accept__(state)`, in the other order, when all of the push is live
    withdraw    the push fails after some have accepted: their new `__hot_dispose__()` lets go again
    give back   everything is as it was: the old `__hot_accept__(state)` takes over again what the old code let go of

A plain hook runs in the thread that pushes, as every statement of a push does; an async one runs on the event loop of
the main thread, where it may cancel and start tasks.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

from livecode.engine.forms import Form
from livecode.engine.hooks import ACCEPT, ARGUMENTS, DISPOSE, asynchronous_hooks, hooked_forms, refuse_hooks
from livecode.engine.refusals import refusal
from livecode.live.committing import Committing
from livecode.live.deadline import Deadline, TooLongError
from livecode.live.effects import effects_since, process_state
from livecode.live.guard import guard
from livecode.live.safepoint import main_loop
from livecode.model.report import Refusal

PATIENCE_S = 30.0
"""How long a hook may take; then it is cancelled or interrupted, and the push is taken back."""

CANCEL_PATIENCE_S = 1.0
"""How long an async hook may take to be cancelled."""


class HookError(RuntimeError):
    """A hook is not what it should be, or did not come to its end."""


def hook_refusals(forms: Mapping[str, Sequence[Form]], leaving: Sequence[str], *, force: bool) -> list[Refusal]:
    """Why hooks of a push could not be called, found before anything is touched.

    Args:
        forms: The new sources of the modules that are loaded.
        leaving: The modules that are unloaded.
        force: The old code's hooks may be left out.
    """
    hooked = {name: hooked_forms(new) for name, new in forms.items()}
    found = [problem for name, new in hooked.items() for problem in refuse_hooks(name, new)]
    for name, new in hooked.items():
        wanted = [*_old_asynchronous(name, force=force), *(f"the new {hook}" for hook in asynchronous_hooks(new))]
        found += _without_loop(name, wanted)
    for name in leaving:
        found += _without_loop(name, _old_asynchronous(name, force=force))
    return found


class Handover:
    """What goes from the old code of a push's modules to the new.

    Args:
        names: The modules that go or change, in the order in which they are disposed of.
        state: The commit under way.
        force: A `__hot_dispose__` of the old code that raises is reported, and the push goes on.
    """

    def __init__(self, names: Sequence[str], state: Committing, *, force: bool) -> None:
        self._names, self._state, self._force = names, state, force
        self._kept: dict[str, object] = {}
        self._accepted: list[str] = []

    def dispose(self) -> None:
        """Lets the old code let go.

        Raises:
            BaseException: Whatever a hook raised.
        """
        for name in self._names:
            hook = _hook_of(name, DISPOSE)
            if hook is None:
                continue
            if problem := _call_problem(hook, DISPOSE):
                self._state.warnings.append(f"{name}: the old {DISPOSE} was left out: it {problem}")
                continue
            try:
                self._kept[name] = self._call(name, hook)
            except BaseException as error:
                said = f"{name}: the old {DISPOSE}() did not come to its end; what it did is not taken back"
                if self._force and isinstance(error, Exception):
                    self._state.warnings.append(f"{said} ({type(error).__name__}: {error})")
                    continue
                self._state.effects.append(f"{said} (--force pushes without it)")
                raise

    def accept(self) -> None:
        """Lets the new code take over.

        Raises:
            BaseException: Whatever a hook raised.
        """
        for name in reversed(self._names):
            hook = _hook_of(name, ACCEPT) if name in sys.modules else None
            state = self._kept.get(name)
            if hook is not None:
                self._state.where = (name, _line(hook))
                if problem := _call_problem(hook, ACCEPT):
                    raise HookError(f"{ACCEPT} {problem}")
                self._call(name, hook, state)
                self._accepted.append(name)
            elif state is not None and name in sys.modules:
                self._state.warnings.append(f"{name}: what {DISPOSE}() returned is let go: there is no {ACCEPT}")

    def withdraw(self) -> None:
        """Lets the new code let go of what it took over, while it is live still."""
        for name in reversed(self._accepted):
            hook = _hook_of(name, DISPOSE)
            if hook is None:
                self._state.effects.append(f"{name}: what the new {ACCEPT}() did: there is no new {DISPOSE}")
                continue
            try:
                self._kept[name] = self._call(name, hook)
            except BaseException as error:
                said = f"{name}: what the new {ACCEPT}() did: {DISPOSE}() raised {type(error).__name__}: {error}"
                self._state.effects.append(said)

    def give_back(self) -> Iterator[str]:
        """Lets the old code, which is live again, take back what it let go of.

        Yields:
            What went wrong: the old code is without its resources then.
        """
        for name in reversed(self._names):
            if name not in self._kept:
                continue
            hook = _hook_of(name, ACCEPT)
            if hook is None:
                self._state.effects.append(f"{name}: what {DISPOSE}() did: there is no {ACCEPT} to give it back to")
                continue
            try:
                self._call(name, hook, self._kept[name])
            except BaseException as error:
                yield f"{name}: the old {ACCEPT}() raised {type(error).__name__}: {error}"

    def _call(self, name: str, hook: Any, *args: object) -> object:
        line = _line(hook)
        self._state.where = (name, line)
        guard([hook, *args], self._state)
        before = process_state()
        try:
            return _called(hook, args)
        finally:
            self._state.effects += effects_since(before, line)


def _called(hook: Any, args: Sequence[object]) -> object:
    """What the hook returns, wherever it has to run."""
    if not inspect.iscoroutinefunction(hook):
        result = _in_time(hook, args)
        if inspect.iscoroutine(result):
            result.close()
            raise HookError("the hook returned a coroutine: write it as `async def`, so that it is run on the loop")
        return result
    loop = None if _on_main_thread() else main_loop()
    if loop is None:
        raise HookError("the hook is async, and no event loop can be waited for here")
    import asyncio  # who runs a loop has it

    ended = threading.Event()
    future = asyncio.run_coroutine_threadsafe(_noting(hook(*args), ended), loop)
    try:
        return future.result(PATIENCE_S)
    except TimeoutError:
        if future.done():
            raise
        future.cancel()
        still = "" if ended.wait(CANCEL_PATIENCE_S) else "; it did not stop, and goes on"
        raise HookError(f"the hook did not end within {PATIENCE_S:.0f} s, and was cancelled{still}") from None


def _in_time(hook: Any, args: Sequence[object]) -> Any:
    try:
        with Deadline(PATIENCE_S):
            return hook(*args)
    except TooLongError as error:
        said = f"the hook did not end within {PATIENCE_S:.0f} s, and was interrupted"
        raise HookError(said).with_traceback(error.__traceback__) from None


async def _noting(work: Coroutine[Any, Any, object], ended: threading.Event) -> object:
    try:
        return await work
    finally:
        ended.set()


def _hook_of(name: str, hook: str) -> Any:
    return getattr(sys.modules.get(name), "__dict__", {}).get(hook)


def _line(hook: object) -> int:
    return hook.__code__.co_firstlineno if type(hook) is FunctionType else 1


def _call_problem(hook: Any, name: str) -> str:
    """Why it cannot be called with what it will be given; empty if it can."""
    if not callable(hook):
        return f"is {type(hook).__name__}, which cannot be called"
    try:
        inspect.signature(hook).bind(*range(ARGUMENTS[name]))
    except TypeError as error:
        return f"cannot be called with {ARGUMENTS[name]} arguments: {error}"
    except ValueError:  # it does not tell
        return ""
    return ""


def _old_asynchronous(name: str, *, force: bool) -> list[str]:
    hooks = [] if force else [hook for hook in (DISPOSE, ACCEPT) if inspect.iscoroutinefunction(_hook_of(name, hook))]
    return [f"the old {hook}" for hook in hooks]


def _without_loop(name: str, hooks: Sequence[str]) -> list[Refusal]:
    if not hooks:
        return []
    if main_loop() is None:
        way_out = "push while the service's event loop runs, or write it as a plain function"
        what = "is async, and the main thread runs no event loop"
    elif _on_main_thread():
        way_out = "push from another thread: await asyncio.to_thread(livecode.push, …), or from outside"
        what = "is async, and this thread is the one whose event loop it needs"
    else:
        return []
    return [refusal("LC107", f"{hooks[0]} {what}", way_out=way_out, module=name)]


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
