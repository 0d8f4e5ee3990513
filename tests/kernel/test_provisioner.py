"""A front end of Jupyter on "NAME (live)": real managers, real restarts, real deaths."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from livecode.errors import ServiceNotFoundError, UsageError
from livecode.kernel import specs
from livecode.kernel.reach import worker_for
from tests.kernel.inside import WAIT_S, Notebook, workers
from tests.services import RunningService, Services, wait_until

PRICING = "CACHE = []\ndef quote(x=1):\n    return x * 2\n"


@pytest.fixture(scope="module")
def launchers(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty place for kernelspecs, where Jupyter looks."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(folder))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        yield folder


@contextmanager
def managed(service: str, **config: object) -> Iterator[KernelManager]:
    """A manager as front ends have one, whose kernel is started from the installed kernelspec."""
    manager = KernelManager(kernel_name=f"livecode-{service}")
    manager.kernel_spec.metadata["kernel_provisioner"]["config"].update(config)
    manager.start_kernel()
    try:
        yield manager
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@contextmanager
def talking(manager: KernelManager) -> Iterator[Notebook]:
    """A notebook of that manager, whose connection outlives restarts."""
    client = manager.client()
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=WAIT_S)
        yield Notebook(client)
    finally:
        client.stop_channels()


def test_the_launcher_shows_the_service(launchers: Path) -> None:
    """A kernelspec for all front ends is installed, listed and removed; a service need not run for that."""
    folder = specs.install("till")
    assert Path(folder).is_relative_to(launchers)
    assert KernelSpecManager().get_kernel_spec("livecode-till").display_name == "till (live)"
    assert [(spec.service, spec.worker) for spec in specs.installed()] == [("till", "")]
    assert specs.remove("till") == folder
    assert specs.installed() == ()
    with pytest.raises(UsageError, match="no kernelspec of 'till' is installed; there is: none"):
        specs.remove("till")


def test_a_prefix_of_an_environment(launchers: Path, tmp_path: Path) -> None:
    """--sys-prefix and --prefix install for an environment instead of the user."""
    folder = Path(specs.install("till", prefix=str(tmp_path)))
    assert folder == tmp_path / "share" / "jupyter" / "kernels" / "livecode-till"
    assert (folder / "kernel.json").is_file()


def test_a_life_of_a_notebook(launchers: Path, shop: RunningService) -> None:
    """Start, cells, interrupt, restart with a word, shutdown: the service serves on, with the same process."""
    specs.install("shop")
    with managed("shop") as manager, talking(manager) as notebook:
        assert notebook.run("import os; os.getpid()").value == str(shop.pid)
        request = notebook.send("kept = 1\nprint('on')\nwhile True: pass")
        notebook.wait_for_print(request)
        manager.interrupt_kernel()
        assert notebook.answer(request).error == "KeyboardInterrupt: "
        manager.restart_kernel()
        notebook.client.wait_for_ready(timeout=WAIT_S)
        answer = notebook.run("'kept' in globals()")
        assert answer.value == "False"
        assert answer.printed.startswith(f"[livecode] a new kernel inside shop, pid {shop.pid}: the service goes on")
        manager.shutdown_kernel()
        assert not manager.is_alive()
        assert shop.get("pricing.quote(1)") == "2"


def test_a_redeploy(launchers: Path, services: Services) -> None:
    """The process dies while a cell runs: the front end learns it, restarts, and is told of the other process."""
    specs.install("redeployed")
    running = services.gunicorn("redeployed", {"pricing.py": PRICING}, "--workers", "1")
    (first,) = workers("redeployed", 1)
    with managed("redeployed") as manager, talking(manager) as notebook:
        notebook.wait_for_print(notebook.send("print('on')\nimport time\ntime.sleep(300)"))
        assert manager.is_alive()
        os.kill(first.worker.pid, signal.SIGKILL)
        wait_until(lambda: not manager.is_alive(), "the front end learns it", running)
        manager.restart_kernel(now=True)
        notebook.client.wait_for_ready(timeout=WAIT_S)
        answer = notebook.run("import pricing; pricing.quote(2)")
        assert answer.value == "4"
        assert f"which is another process than before (pid {first.worker.pid})" in answer.printed


def test_a_manager_that_is_killed(launchers: Path, shop: RunningService) -> None:
    """kill -9 of Jupyter ends nothing in the service, and the next one gets in."""
    specs.install("shop")
    program = (
        "import os, signal\nfrom jupyter_client import KernelManager\n"
        "manager = KernelManager(kernel_name='livecode-shop'); manager.start_kernel()\n"
        "client = manager.client(); client.start_channels(); client.wait_for_ready(timeout=60)\n"
        "client.execute('while True: pass'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]) == -signal.SIGKILL
    assert shop.get("pricing.quote(1)") == "2"
    with managed("shop") as manager, talking(manager) as notebook:
        assert notebook.run("1 + 1").value == "2"


def test_a_service_that_does_not_run(launchers: Path, shop: RunningService) -> None:
    """The start fails, and says what is missing and what runs."""
    specs.install("absent")
    missing = r"no service named 'absent' is listening; listening now: .*shop"
    with pytest.raises(ServiceNotFoundError, match=missing), managed("absent", wait_s=0.1):
        raise AssertionError
    specs.remove("absent")


def test_which_process(services: Services, shop: RunningService) -> None:
    """The first one, or the one that is named by its name or its process id; a wrong one lists the right ones."""
    services.gunicorn("several", {"pricing.py": PRICING}, "--workers", "2")
    first, second = workers("several", 2)
    assert worker_for("several").worker == first.worker
    assert worker_for("several", "w2").worker == second.worker
    assert worker_for("several", f"{second.worker.host}:{second.worker.pid}").worker == second.worker
    with pytest.raises(UsageError, match=rf"no worker 'w3' here; it has w1 \(pid {first.worker.pid}\), w2"):
        worker_for("several", "w3")
    with pytest.raises(UsageError, match="is on another machine"):
        worker_for("several", "elsewhere:12")


def test_a_notebook_that_a_program_runs(launchers: Path, shop: RunningService) -> None:
    """nbclient, and papermill with it, runs a notebook file inside the service; an error ends it as usual."""
    specs.install("shop")
    cells = [nbformat.v4.new_code_cell(code) for code in ("import os, pricing", "os.getpid(), pricing.quote(4)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="livecode-shop", timeout=WAIT_S).execute()
    assert notebook.cells[1].outputs[0].data["text/plain"] == f"({shop.pid}, 8)"
    failing = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        NotebookClient(failing, kernel_name="livecode-shop", timeout=WAIT_S).execute()
    assert shop.get("pricing.quote(1)") == "2"
