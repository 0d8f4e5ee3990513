"""The `livecode demo` command."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from livecode.errors import MissingExtraError

_NEEDED = ("fastapi", "httpx", "nbclient", "nbformat", "uvicorn", "websockets")


@click.command()
@click.option("--serve", is_flag=True, help="Only run the shop, in the foreground, and say how to attach to it.")
@click.option("--lab", is_flag=True, help="Open the notebook in JupyterLab beside the running shop, and stay.")
@click.option("--port", default=0, metavar="PORT", help="Where the shop answers on 127.0.0.1 [default: a free port].")
@click.option(
    "--sockets",
    default=50,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="How many websockets stay open.",
)
@click.option("--no-browser", is_flag=True, help="With --lab: print the address instead of opening a browser.")
def demo(serve: bool, lab: bool, port: int, sockets: int, no_browser: bool) -> None:
    """Push code into a running shop, from a notebook, while its customers watch.

    Starts a FastAPI service with open websockets and a steady stream of requests, runs the notebook
    01-first-push.ipynb in a Jupyter kernel, prints what happens and counts what the customers noticed. Ends
    with exit code 0 if no request failed, no websocket dropped, and every verdict was the expected one.
    """
    if serve and lab:
        raise click.UsageError("--serve and --lab exclude each other: --lab runs the shop too")
    _refuse_what_is_missing(lab)
    with _leaving_by_sigterm():
        try:
            code = _serve(port) if serve else _lab(port, sockets, no_browser) if lab else _run(port, sockets)
        except KeyboardInterrupt:
            click.echo("\nstopped: everything that the demo had started is gone", err=True)
            code = 130
    sys.exit(code)


def _run(port: int, sockets: int) -> int:
    from livecode.demo.run import run
    from livecode.demo.screen import Screen

    return 1 if run(port, sockets, Screen()) else 0


def _serve(port: int) -> int:
    from livecode.demo.screen import Screen
    from livecode.demo.stay import serve

    return serve(port, Screen())


def _lab(port: int, sockets: int, no_browser: bool) -> int:
    from livecode.demo.screen import Screen
    from livecode.demo.stay import stay_in_lab

    return stay_in_lab(port, sockets, Screen(), open_browser=not no_browser)


def _refuse_what_is_missing(lab: bool) -> None:
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("livecode demo", package, "demo")
    if lab and importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("livecode demo --lab", "jupyterlab", "lab")


@contextmanager
def _leaving_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block like Ctrl-C does, through every `finally`, with the exit code of a signal."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
