"""The notebook, run cell by cell in a real Jupyter kernel, as it would be by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import nbformat
from ipykernel.kernelspec import write_kernel_spec
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from livecode.demo.late import LateOutputs
from livecode.demo.spoken import Spoken, spoken
from livecode.demo.workspace import Workspace
from livecode.model.report import Verdict

_CELL_LIMIT_S = 60
_KERNEL_LIMIT_S = 60
_LATE_LIMIT_S = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One executed code cell.

    Attributes:
        number: Of the code cell, from 1.
        source: What was in it.
        outputs: What it put out, as the notebook format has it.
        spoken: The verdicts in its outputs.
        expected: The one verdict that its metadata announces, if any.
        coffee: What a coffee must cost after it by its metadata, if anything.
        error: The exception that ended it, or empty.
    """

    number: int
    source: str
    outputs: tuple[Any, ...]
    spoken: tuple[Spoken, ...]
    expected: Verdict | None
    coffee: float | None
    error: str = ""

    @property
    def problem(self) -> str:
        """What is not as announced, in words; empty if all is well."""
        if self.error:
            return f"cell {self.number} failed: {self.error}"
        words = [item.verdict for item in self.spoken]
        if self.expected is None or words == [self.expected]:
            return ""
        return f"cell {self.number}: expected {self.expected}, got {', '.join(words) or 'no verdict'}"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told while the notebook runs.

    Attributes:
        text: Called with the source of a Markdown cell.
        code: Called with the number and the source of a code cell before it runs.
        done: Awaited with every executed cell.
    """

    text: Callable[[str], None]
    code: Callable[[int, str], None]
    done: Callable[[Step], Awaitable[None]]


async def play(space: Workspace, audience: Audience) -> tuple[Step, ...]:
    """The executed cells of the notebook, up to the first that failed."""
    notebook = nbformat.read(space.notebook, as_version=4)  # type: ignore[no-untyped-call]
    steps: list[Step] = []
    async with _kernel(space) as (manager, client), _late(manager) as late:
        runner = NotebookClient(notebook, km=manager, timeout=_CELL_LIMIT_S)
        runner.kc = client
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                audience.text(cell.source)
                continue
            audience.code(len(steps) + 1, cell.source)
            steps.append(await _execute(runner, late, index, len(steps) + 1))
            await audience.done(steps[-1])
            if steps[-1].error:
                break
    return tuple(steps)


async def _execute(runner: NotebookClient, late: LateOutputs, index: int, number: int) -> Step:
    cell, error = runner.nb.cells[index], ""
    try:
        await runner.async_execute_cell(cell, index, execution_count=number)
    except CellExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    except DeadKernelError:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError from None  # nbclient takes Ctrl-C for the kernel's death
        error = "the kernel died"
    announced = cell.metadata.get("livecode", {})
    if "expect" in announced and not error and not spoken(cell.outputs):
        await late.verdicts(_LATE_LIMIT_S)  # what a watch says of a save may come after the cell that saved
    outputs = (*cell.outputs, *late.take())
    return Step(
        number=number,
        source=cell.source,
        outputs=outputs,
        spoken=spoken(outputs),
        expected=Verdict(announced["expect"]) if "expect" in announced else None,
        coffee=announced.get("coffee"),
        error=error,
    )


@asynccontextmanager
async def _late(manager: AsyncKernelManager) -> AsyncIterator[LateOutputs]:
    client = manager.client()
    client.start_channels(shell=False, stdin=False, hb=False, control=False)
    late = LateOutputs(client)
    listening = asyncio.create_task(late.listen())
    try:
        yield late
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        client.stop_channels()


@asynccontextmanager
async def _kernel(space: Workspace) -> AsyncIterator[tuple[AsyncKernelManager, AsyncKernelClient]]:
    """A kernel of this very interpreter, whatever kernelspecs the user has installed."""
    kernels = space.jupyter / "kernels"
    write_kernel_spec(kernels / "python3")
    manager = AsyncKernelManager(
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)]),
        connection_file=str(space.jupyter / "kernel.json"),
        transport="ipc",  # in the private folder: over TCP, other users of this machine could read along
    )
    with (space.root / "kernel.log").open("wb") as log:
        await manager.start_kernel(env=space.jupyter_environment(), cwd=str(space.folder), stdout=log, stderr=log)
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=_KERNEL_LIMIT_S)
        yield manager, client
    finally:
        client.stop_channels()
        await asyncio.shield(manager.shutdown_kernel(now=True))
