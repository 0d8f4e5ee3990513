"""Front ends that start the command of the kernelspec by themselves: an ordinary process that relays."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

from tests.kernel.inside import WAIT_S, Notebook, workers
from tests.services import RunningService, Services, wait_until


@contextmanager
def started(service: str, interrupt_mode: str = "message") -> Iterator[tuple[KernelManager, Notebook]]:
    """The proxy as VS Code starts it: by the command, over TCP on the loopback, without the provisioner."""
    manager = KernelManager()
    argv = [sys.executable, "-m", "livecode.kernel.proxy", service, "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=argv, language="python", interrupt_mode=interrupt_mode)
    manager.start_kernel()
    client = manager.client()
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=WAIT_S)
        yield manager, Notebook(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.mark.parametrize("interrupt_mode", ["message", "signal"])
def test_a_life_behind_the_proxy(shop: RunningService, interrupt_mode: str) -> None:
    """Cells, errors, interrupts and input pass; a shutdown ends the proxy and its kernel, and not the service."""
    with started("shop", interrupt_mode) as (manager, notebook):
        wait_until(lambda: not notebook.run("1").error, "it is inside")
        assert notebook.run("import os; os.getpid()").value == str(shop.pid)
        assert notebook.run("print('x'); 1 / 0").error == "ZeroDivisionError: division by zero"
        request = notebook.send("print('on')\nwhile True: pass")
        notebook.wait_for_print(request)
        manager.interrupt_kernel()
        assert notebook.answer(request).error == "KeyboardInterrupt: "
        request = notebook.client.execute("input('who? ')", allow_stdin=True)
        assert notebook.client.get_stdin_msg(timeout=WAIT_S)["content"]["prompt"] == "who? "
        notebook.client.input("me")
        assert notebook.answer(request).value == "'me'"
        manager.shutdown_kernel()
    assert shop.get("pricing.quote(1)") == "2"
    gone = "not [t for t in __import__('threading').enumerate() if t.name == 'livecode-cell']"
    wait_until(lambda: shop.get(gone) == "True", "its kernel inside has ended", shop)


def test_the_service_is_not_there_yet(services: Services) -> None:
    """Until it is, a cell says why and what to do; after a redeploy the first one says where it is."""
    with started("later") as (_, notebook):
        answer = notebook.run("1 + 1")
        assert answer.error.startswith("ServiceNotFoundError: no service named 'later' is listening")
        assert "run the cell again" in answer.printed
        first = services.threaded("later")
        wait_until(lambda: notebook.run("1 + 1").value == "2", "the notebook is inside", first)
        first.stop(signal.SIGKILL)
        wait_until(lambda: "no service named" in notebook.run("1 + 1").error, "the notebook knows that it is gone")
        second = services.threaded("later")
        said: list[str] = []
        wait_until(lambda: _collect(notebook, said) == "2", "the notebook is inside again", second)
        assert f"inside later again, pid {second.pid} (before: pid {first.pid})" in "".join(said)


def _collect(notebook: Notebook, said: list[str]) -> str:
    answer = notebook.run("1 + 1")
    said.append(answer.printed)
    return answer.value


def test_a_killed_proxy(shop: RunningService) -> None:
    """kill -9 of the proxy in the middle of a cell: the service serves."""
    with started("shop") as (manager, notebook):
        wait_until(lambda: not notebook.run("1").error, "it is inside")
        notebook.wait_for_print(notebook.send("print('on')\nimport time; time.sleep(20)"))
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        wait_until(lambda: not manager.is_alive(), "the front end learns it")
        assert shop.get("pricing.quote(1)") == "2"
    assert workers("shop", 1)[0].worker.pid == shop.pid
