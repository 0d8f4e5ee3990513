"""The demo as a user starts it: a process, its output, its descendants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LIVECODE = Path(sys.executable).with_name("livecode")
LIMIT_S = 90.0


@dataclass(slots=True)
class Demo:
    """A running `livecode demo`.

    Attributes:
        process: The command.
        output: Where it prints.
        family: Every process that it was seen to start.
    """

    process: subprocess.Popen[bytes]
    output: Path
    family: set[psutil.Process] = field(default_factory=set)

    def text(self) -> str:
        """What it printed so far."""
        return self.output.read_text("utf-8")

    def wait_for(self, condition: Callable[[str], bool]) -> str:
        """What it printed, as soon as that is so."""
        deadline = time.monotonic() + LIMIT_S
        while not condition(text := self.text()):
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{text}"
            assert time.monotonic() < deadline, f"not so in {LIMIT_S} s:\n{text}"
            self.family |= set(psutil.Process(self.process.pid).children(recursive=True))
            time.sleep(0.05)
        self.family |= set(psutil.Process(self.process.pid).children(recursive=True))
        return text

    def end(self, number: signal.Signals) -> int:
        """The exit code after that signal."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def survivors(self) -> list[psutil.Process]:
        """Processes that it started and that still run."""
        _, alive = psutil.wait_procs(list(self.family), timeout=10)
        return alive


def _hears_ctrl_c() -> None:
    """A shell starts what runs in its background deaf to SIGINT, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[Demo]:
    """`livecode demo` with its output in a file of that folder."""
    output = folder / "output.txt"
    environment = {**os.environ, "LIVECODE_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as out:
        process = subprocess.Popen(
            [LIVECODE, "demo", *options],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            preexec_fn=_hears_ctrl_c,
        )
    demo = Demo(process, output)
    try:
        yield demo
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_S)
