"""The IPython shell of a notebook inside a service: what the stock one changes in its process, this leaves alone."""

from __future__ import annotations

import asyncio
import bdb
import os
import sys
import threading
import warnings
from contextlib import nullcontext
from typing import Any

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.builtin_trap import BuiltinTrap
from IPython.core.display_trap import DisplayTrap
from IPython.core.profiledir import ProfileDir
from IPython.display import display
from traitlets import observe

from livecode.kernel.loops import on_loop
from livecode.kernel.sleeping import NAME, WakeableSleeps, wakeable


class LiveDisplayHook(ZMQShellDisplayHook):
    """Shows the value of a cell. Each thread has a message of its own.

    The stock one has one for all: subshells that finish together lose results (15 of 20 arrive).
    """

    _messages = threading.local()

    @property
    def msg(self) -> Any:
        """The message that is being made in this thread."""
        return getattr(self._messages, "now", None)

    @msg.setter
    def msg(self, message: Any) -> None:
        self._messages.now = message


class NoTrap(DisplayTrap):
    """Leaves `sys.displayhook` alone: it is routed already (`livecode.kernel.routes`)."""

    def set(self) -> None:
        """Nothing."""

    def unset(self) -> None:
        """Nothing."""


class NoProfile(ProfileDir):
    """A profile without a folder."""

    @observe("location")
    def _location_changed(self, change: Any) -> None:
        """Makes nothing."""


class LiveShell(ZMQInteractiveShell):
    """A shell whose process is not its own.

    Attributes:
        livecode_service: The name of the service that it lives in: ``%load_ext livecode`` attaches to that.
    """

    displayhook_class = LiveDisplayHook
    payload_manager: Any
    livecode_service = ""

    @classmethod
    def instance(cls, *args: Any, **traits: Any) -> LiveShell:
        """A new one: there is one for each notebook, and `get_ipython` finds it by its context."""
        return cls(*args, **traits)

    def __init__(self, *args: Any, **traits: Any) -> None:
        filters = list(warnings.filters)
        super().__init__(*args, **traits)
        added = [entry for entry in warnings.filters if not any(entry is found for found in filters)]
        warnings.filters[:] = [entry for entry in warnings.filters if not any(entry is mine for mine in added)]  # type: ignore[index]
        self.ast_transformers.append(WakeableSleeps())

    def init_ipython_dir(self, ipython_dir: Any) -> None:
        """None: the service's home stays as it is."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        """A name, and no folder until somebody writes there (``%store`` does)."""
        self.profile_dir = NoProfile(location=f"{self.kernel.seat.base}.ipython/profile_default")

    def init_environment(self) -> None:
        """TERM, PAGER and the like stay as they are."""

    def init_prompts(self) -> None:
        """`sys.ps1` and the like stay as they are."""

    def init_builtins(self) -> None:
        """`builtins` stays as it is: what the stock shell adds there is in the notebook's namespace."""
        self.builtin_trap = BuiltinTrap(shell=self)
        self.builtin_trap.auto_builtins = {}

    def init_displayhook(self) -> None:
        """The hook, without the trap that would put it into `sys`."""
        super().init_displayhook()
        self.display_trap = NoTrap(hook=self.displayhook)

    def init_user_ns(self) -> None:
        """The names of a new notebook."""
        super().init_user_ns()
        mine = {"display": display, "on_loop": on_loop, NAME: wakeable}
        self.user_ns.update(mine)
        self.user_ns_hidden.update(mine)

    def _tee(self, channel: str) -> Any:
        """The stock one replaces ``sys.stdout.write`` while a cell runs: it would record the service, too."""
        return nullcontext()

    def ask_exit(self) -> None:
        """``exit`` and ``quit``: the front end leaves, nothing ends."""
        self.payload_manager.write_payload({"source": "ask_exit", "keepkernel": True})

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """True if the code failed. As the stock one, without `sys.excepthook`, and interruptible from here to there."""
        __tracebackhide__ = "__ipython_bottom__"
        run = self.kernel.seat.runs.here()
        try:
            before = run.enter() if run is not None else False
            try:
                if async_:
                    await eval(code_obj, self.user_global_ns, self.user_ns)
                else:
                    exec(code_obj, self.user_global_ns, self.user_ns)
            finally:
                if run is not None:
                    run.leave(before)
        except asyncio.CancelledError as error:
            interrupted = KeyboardInterrupt() if run is not None and run.was_cancelled else error
            self._failed(result, interrupted.with_traceback(error.__traceback__))
        except bdb.BdbQuit as error:
            if result is not None:
                result.error_in_exec = error
        except SystemExit as error:
            self._failed(result, error)
            print("nothing ends by this: the notebook is inside a service; exit leaves the notebook", file=sys.stderr)
        except BaseException as error:
            self._failed(result, error)
        else:
            return False
        return True

    def _failed(self, result: Any, error: BaseException) -> None:
        if result is not None:
            result.error_in_exec = error
        custom = isinstance(error, self.custom_exceptions)
        raised = type(error), error, error.__traceback__
        if custom:
            self.CustomTB(*raised)
        else:
            self.showtraceback(raised, running_compiled_code=True, exception_only=isinstance(error, SystemExit))

    def close(self) -> None:
        """Removes its temporary files, and lets go of what the notebook's names held."""
        while self.tempfiles:
            self.tempfiles.pop().unlink(missing_ok=True)
        for folder in self.tempdirs:
            if os.path.isdir(folder):
                os.rmdir(folder)
        self.reset(new_session=False)
