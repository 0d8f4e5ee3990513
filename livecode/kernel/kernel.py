"""The kernel of one notebook: requests, interrupts and shutdowns that stay within the notebook."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ipykernel.ipkernel import IPythonKernel

from livecode.kernel.current import sit_down
from livecode.kernel.runs import Run
from livecode.kernel.shell import LiveShell
from livecode.live.turns import TURN_S, short_turns

INSIST_S = 0.3
"""How long an awaiting cell has for being cancelled, before it is interrupted as one that runs."""
TELL_S = 1.5
"""How long an interrupted cell goes on before its notebook is told why."""


class LiveKernel(IPythonKernel):
    """A kernel whose process is not its own.

    Args:
        seat: The `livecode.kernel.seat.Seat` that it has in the process.
    """

    shell_class = LiveShell
    session: Any
    shell: Any

    def __init__(self, seat: Any, **traits: Any) -> None:
        self.seat = seat
        super().__init__(**traits)

    @property
    def kernel_info(self) -> dict[str, Any]:
        """As the stock one, without a debugger: that would stop all threads, which are the service's."""
        information = super().kernel_info
        features = [feature for feature in information["supported_features"] if feature != "debugger"]
        return {**information, "supported_features": features}

    def set_parent(self, ident: Any, parent: Any, channel: str = "shell") -> None:
        """A request begins: from now on this context is the notebook's."""
        sit_down(self.seat)
        super().set_parent(ident, parent, channel)

    def pre_handler_hook(self) -> None:
        """The stock one takes SIGINT."""

    def post_handler_hook(self) -> None:
        """Nothing was taken."""

    async def do_execute(self, *args: Any, **options: Any) -> Any:
        """What became of a cell."""
        with short_turns(TURN_S), self.seat.runs.cell():
            self._say_notes()
            reply = await super().do_execute(*args, **options)
        for name in self.seat.mend():
            print(
                f"[livecode] sys.{name} is the whole service's: what this cell put there was taken back",
                file=sys.stderr,
            )
        return reply

    async def do_complete(self, *args: Any, **options: Any) -> Any:
        """As the stock one. That is no coroutine, which ipykernel warns of: an error, where the service wants that."""
        return super().do_complete(*args, **options)

    async def do_inspect(self, *args: Any, **options: Any) -> Any:
        """As the stock one."""
        return super().do_inspect(*args, **options)

    async def do_history(self, *args: Any, **options: Any) -> Any:
        """As the stock one."""
        return super().do_history(*args, **options)

    async def do_is_complete(self, *args: Any, **options: Any) -> Any:
        """As the stock one."""
        return super().do_is_complete(*args, **options)

    def _say_notes(self) -> None:
        """What happened since the last cell, such as a new process."""
        while self.seat.notes:
            print(f"[livecode] {self.seat.notes.pop(0)}", file=sys.stderr)

    def _forward_input(self, allow_stdin: bool = False) -> None:
        """`input` asks the front end, in the notebook's namespace alone."""
        self._allow_stdin = allow_stdin
        self.shell.user_ns["input"] = self.raw_input
        self.shell.user_ns_hidden["input"] = self.raw_input

    def _restore_input(self) -> None:
        """Nothing was replaced."""

    @contextmanager
    def _cancel_on_sigint(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """An awaiting cell: an interrupt cancels it, in the main shell."""
        run = self.seat.runs.here()
        if run is None:
            yield
            return
        with run.awaiting(future):
            yield

    _dummy_context_manager = _cancel_on_sigint  # what the stock one does in subshells, which get no signals

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Stops the cells of this notebook; the service hears nothing of it."""
        runs = self.seat.runs.interrupt()
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)
        loop = asyncio.get_running_loop()
        for run in runs:
            loop.call_later(INSIST_S, self._insist, run)
            loop.call_later(TELL_S, self._tell, run, self.get_parent("shell"))

    def _insist(self, run: Run) -> None:
        if self.seat.runs.still(run):
            run.insist()

    def _tell(self, run: Run, parent: Any) -> None:
        """The notebook is told what its cell waits for."""
        if not self.seat.runs.still(run):
            return
        text = f"[livecode] the cell is inside C code ({run.place()}): it stops when that returns\n"
        self.session.send(self.iopub_socket, "stream", {"name": "stderr", "text": text}, parent=parent)

    async def shutdown_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Ends this notebook's kernel, and nothing else."""
        content = {"status": "ok", "restart": parent["content"]["restart"]}
        self.session.send(stream, "shutdown_reply", content, parent, ident=ident)
        self.session.send(self.iopub_socket, "shutdown_reply", content, parent, ident=self._topic("shutdown"))
        self.seat.close_soon()
