"""The same shop and the same notebook in JupyterLab, until the user leaves."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager

from ipykernel.kernelspec import write_kernel_spec

from livecode.demo.service import running, wait_for
from livecode.demo.workspace import HOST, NOTEBOOK, Workspace, free_port

_SETTINGS: dict[str, object] = {
    "config/labconfig/page_config.json": {
        "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True},
    },
    "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
        "windowingMode": "none",  # the whole notebook is in the page: no verdict is scrolled out of it
    },
}
"""JupyterLab's own settings for the demo, by file below the workspace's Jupyter folder."""


@contextmanager
def laboratory(space: Workspace) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """JupyterLab as a process, and the address that opens the notebook in it.

    It has settings of its own and asks no server for news; the user's are neither read nor changed.
    """
    write_kernel_spec(space.jupyter / "kernels" / "python3")
    for name, settings in _SETTINGS.items():
        (space.jupyter / name).parent.mkdir(parents=True, exist_ok=True)
        (space.jupyter / name).write_text(json.dumps(settings))
    port, token, log = free_port(0), secrets.token_urlsafe(24), space.root / "lab.log"
    environment = {**space.jupyter_environment(), "JUPYTER_TOKEN": token}
    with running(_command(space, port), space.folder, environment, log) as process:
        wait_for(process, f"http://{HOST}:{port}/lab?token={token}", log)
        yield process, f"http://{HOST}:{port}/lab/tree/{NOTEBOOK}?token={token}"


def show(address: str) -> bool:
    """Open the address in the user's browser; False if there is none."""
    return webbrowser.open(address)


def _command(space: Workspace, port: int) -> list[str]:
    options = [
        "--no-browser",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={space.folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        "--KernelManager.transport=ipc",  # in the private folder: others could read along over TCP
        "--LanguageServerManager.autodetect=False",
    ]
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", *options, *as_root]
