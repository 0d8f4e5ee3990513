"""``shop (live)`` in a front end of Jupyter: starting the kernel is going into the service, ending it is leaving.

The kernelspec names this provisioner (`livecode.kernel.specs`). The session of the notebook is the identity that
Jupyter gives its kernel, so a restart, or the next process after a redeploy, has its sockets in the same place and
signs with the same key: front ends notice a new kernel, and need no new connection.

Source: https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Float, Unicode

from livecode.errors import LivecodeError, ServiceNotFoundError
from livecode.fleet.client import RemoteWorker
from livecode.kernel.reach import connection_of, is_there, pid_of, worker_for

LOOK_S = 0.2
FIRST_S = 2.0
"""How long a first start waits, with somebody in front of it: whoever is not there is named at once."""


class ServiceProvisioner(KernelProvisionerBase):
    """Puts a notebook into a process of a running service. The process is never signalled."""

    service = Unicode(help="The name given to livecode.listen().").tag(config=True)
    worker = Unicode(help="w2, a process id or host:pid; empty for the first.").tag(config=True)
    wait_s = Float(15.0, help="Seconds that a restart waits for a service that is being started.").tag(config=True)

    _information: dict[str, Any] | None = None
    _worker: RemoteWorker | None = None
    _last_pid = 0

    @property
    def has_process(self) -> bool:
        """True from a start to the end of it."""
        return self._information is not None

    async def poll(self) -> int | None:
        """None while the notebook is inside."""
        information = self._information
        return None if information is not None and await asyncio.to_thread(is_there, information) else 0

    async def wait(self) -> int | None:
        """The notebook has left."""
        self._information = None
        return 0

    async def send_signal(self, signum: int) -> None:
        """An interrupt stops the cell; no other signal means anything to a notebook inside a service."""
        if signum == signal.SIGINT:
            manager: Any = self.parent
            manager._connect_control_socket()
            manager.session.send(manager._control_socket, manager.session.msg("interrupt_request", content={}))

    async def kill(self, restart: bool = False) -> None:
        """Leaves."""
        await self._leave()

    async def terminate(self, restart: bool = False) -> None:
        """Leaves."""
        await self._leave()

    async def shutdown_requested(self, restart: bool = False) -> None:
        """The kernel ends by itself, and has its sockets removed when it has."""

    async def cleanup(self, restart: bool = False) -> None:
        """Leaves, if that has not happened."""
        await self._leave()

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """No command: nothing is launched."""
        options = await super().pre_launch(**options)
        options.pop("extra_arguments", None)
        return {**options, "cmd": []}

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """The connection of a new kernel inside the service.

        Raises:
            LivecodeError: The service does not run, or lets no kernel in; says what to do.
        """
        self._information = await asyncio.to_thread(self._enter)
        self.connection_info = connection_of(self._information)  # type: ignore[assignment]
        return self.connection_info

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """Seconds in which a kernel has ended: it does not wait for what its cells do in C code."""
        return recommended

    def _enter(self) -> dict[str, Any]:
        """The connection file of a new kernel, as soon as the service is there."""
        until = time.monotonic() + (self.wait_s if self._last_pid else min(FIRST_S, self.wait_s))
        while True:
            try:
                return self._ask()
            except ServiceNotFoundError:
                if time.monotonic() > until:
                    raise
            except LivecodeError as error:  # a worker that is about to end
                if time.monotonic() > until or not isinstance(error, ConnectionError):
                    raise
            time.sleep(LOOK_S)

    def _ask(self) -> dict[str, Any]:
        manager: Any = self.parent
        worker, session = worker_for(self.service, self.worker), f"jupyter-{self.kernel_id}"
        pid, key = worker.worker.pid, manager.session.key.decode("ascii", "replace")
        worker.close_kernel(session)
        information = worker.open_kernel(session, key, self._note(pid))
        self._worker, self._last_pid = worker, pid_of(information)
        return information

    def _note(self, pid: int) -> str:
        """What the first cell says: which process it is in, where that is not what it was."""
        if not self._last_pid:
            return ""
        if pid == self._last_pid:
            return f"a new kernel inside {self.service}, pid {pid}: the service goes on, the names of cells are gone"
        return f"inside {self.service} again, pid {pid}, which is another process than before (pid {self._last_pid})"

    async def _leave(self) -> None:
        worker, self._worker, self._information = self._worker, None, None
        if worker is not None:
            await asyncio.to_thread(_close, worker, f"jupyter-{self.kernel_id}")


def _close(worker: RemoteWorker, session: str) -> None:
    try:
        worker.close_kernel(session)
    except LivecodeError:  # the process has gone, and the kernel with it
        return
