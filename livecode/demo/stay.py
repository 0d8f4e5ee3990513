"""`livecode demo --serve` and `--lab`: the shop stays until the user leaves."""

from __future__ import annotations

import subprocess

from livecode.demo.lab import laboratory, show
from livecode.demo.run import REQUESTS_HZ, account
from livecode.demo.screen import Screen
from livecode.demo.service import served, tail
from livecode.demo.traffic import Traffic
from livecode.demo.visit import FOLDER, URL
from livecode.demo.workspace import Workspace, workspace

_LAB_HZ = REQUESTS_HZ / 5  # somebody thinks and types meanwhile: leave them the processor


def serve(port: int, screen: Screen) -> int:
    """The exit code of a shop that ran until Ctrl-C, or until it ended by itself."""
    with workspace(port, alone=False) as space:
        screen.note("starting the shop under uvicorn; its model takes two seconds to load")
        with served(space) as process:
            screen.note(f"pid {process.pid} serves {space.url}, for example {space.url}/price/coffee")
            screen.lines(_how_to_attach(space))
            return _stay(process, space, screen)


def stay_in_lab(port: int, sockets: int, screen: Screen, *, open_browser: bool) -> int:
    """The exit code of a JupyterLab that ran until Ctrl-C, or until it ended by itself."""
    with workspace(port, alone=True) as space:
        screen.note("starting the shop under uvicorn; its model takes two seconds to load")
        with (
            served(space),
            Traffic(space.url, sockets, _LAB_HZ) as traffic,
            laboratory(space) as (lab, address),
        ):
            screen.note(f"{sockets} websockets count, {_LAB_HZ:g} requests a second arrive at {space.url}")
            screen.lines(("The notebook is open in JupyterLab:", f"    {address}", "Ctrl-C here stops everything."))
            if open_browser:
                show(address)
            try:
                return _stay(lab, space, screen)
            finally:
                screen.table("What the customers noticed", account(traffic.facts(), ()))


def _stay(process: subprocess.Popen[bytes], space: Workspace, screen: Screen) -> int:
    code = process.wait()
    screen.note(f"pid {process.pid} ended with {code}")
    screen.lines(tail(space.log).splitlines())
    return 1 if code else 0


def _how_to_attach(space: Workspace) -> tuple[str, ...]:
    return (
        "",
        "In any notebook of this user:",
        "    %load_ext livecode",
        "    %hotattach shop",
        "",
        "In a terminal:",
        "    livecode status shop",
        "",
        "For 01-first-push.ipynb, first run a cell with",
        f"    %env {URL}={space.url}",
        f"    %env {FOLDER}={space.folder}",
        "",
        f"Its source, to edit and push: {space.folder / 'shop'}",
        "Ctrl-C here stops the shop.",
    )
