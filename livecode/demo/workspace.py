"""The folder that a demo lives in: a copy of the shop and of the notebook, apart from any other demo.

/tmp/lc-xxxxxxxx/        0700, removed at the end
    work/                what people see: shop/, 01-first-push.ipynb
    doors/               LIVECODE_DIR, where the demo has one of its own
    jupyter/             the kernelspec of this very interpreter, and Jupyter's own files
    shop.log             what the service printed
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from livecode.demo.visit import FOLDER, URL
from livecode.errors import UsageError

NOTEBOOK = "01-first-push.ipynb"
HOST = "127.0.0.1"
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one demo runs.

    Attributes:
        root: Its private folder.
        port: Where the shop answers, on the loopback interface.
        alone: True if its service is to be found by this demo only.
    """

    root: Path
    port: int
    alone: bool

    @property
    def folder(self) -> Path:
        """The working folder of the shop."""
        return self.root / "work"

    @property
    def notebook(self) -> Path:
        """The copy of the notebook that runs."""
        return self.folder / NOTEBOOK

    @property
    def jupyter(self) -> Path:
        """What Jupyter writes; the user's own settings are neither read nor changed."""
        return self.root / "jupyter"

    @property
    def log(self) -> Path:
        """What the service prints."""
        return self.root / "shop.log"

    @property
    def url(self) -> str:
        """Where the shop answers."""
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment of the service, of the kernel and of JupyterLab."""
        own = {URL: self.url, FOLDER: str(self.folder), "PYTHONUNBUFFERED": "1"}
        if self.alone:
            own["LIVECODE_DIR"] = str(self.root / "doors")
        return {**os.environ, **own}

    def jupyter_environment(self) -> dict[str, str]:
        """`environment`, with every folder of Jupyter and IPython inside this workspace."""
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "JUPYTER_PATH": ".",
        }
        return {**self.environment(), **{name: str(self.jupyter / place) for name, place in places.items()}}


@contextmanager
def workspace(port: int, *, alone: bool) -> Iterator[Workspace]:
    """A fresh workspace, removed at the end.

    Args:
        port: Where the shop shall answer; 0 takes a free one.
        alone: Give the service a runtime directory of its own, so that two demos do not meet.
    """
    # Not below $TMPDIR: a socket's path may have 104 bytes, and macOS spends 49 of them on it.
    root = Path(tempfile.mkdtemp(prefix="lc-", dir="/tmp" if os.path.isdir("/tmp") else None))
    try:
        space = Workspace(root, free_port(port), alone)
        _furnish(space)
        yield space
    finally:
        shutil.rmtree(root, ignore_errors=True)


def find_notebook(name: str = NOTEBOOK) -> Path:
    """The notebook as it is shipped: beside the package in a checkout, inside it in an installed wheel.

    Raises:
        UsageError: It is in neither place.
    """
    places = (_HERE.parent.parent / "notebooks" / name, _HERE / "notebooks" / name)
    for place in places:
        if place.is_file():
            return place
    raise UsageError(f"{name} is missing from this installation; looked for {' and '.join(map(str, places))}")


def free_port(wanted: int) -> int:
    """A port of the loopback interface that nobody listens on: the wanted one, or any if it is 0.

    Raises:
        UsageError: The wanted one is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            taken = f"port {wanted} is not free ({error.strerror}): choose another with --port"
            raise UsageError(taken) from error
        port: int = probe.getsockname()[1]
        return port


def _furnish(space: Workspace) -> None:
    shutil.copytree(_HERE / "shop_src", space.folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(find_notebook(), space.notebook)
    space.jupyter.mkdir()
    (space.root / "doors").mkdir(mode=0o700)
