"""Real servers of stores for the tests: on a free port of loopback, in a temporary folder, ended with the test.

with Server(REDIS, "/usr/bin/redis-server", folder) as server:
    server.url, server.kill(), server.start()
"""

from __future__ import annotations

import getpass
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

PASSWORD = "s3cret-of-the-tests"
READY_S = 30.0
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server.

    Attributes:
        programs: Names of its program; the first that is found is used.
        how_to_get: What a person does who has none.
        command: Its arguments for a port and a folder that exists.
        url: What opens the store in it, at a port.
        keeps: Whether it was told to keep what it acknowledged when it is killed.
        highest_port: The highest port that it can listen on.
    """

    programs: tuple[str, ...]
    how_to_get: str
    command: Callable[[int, Path], list[str]]
    url: str
    keeps: bool
    highest_port: int = HIGHEST_PORT


REDIS = Kind(
    programs=("redis-server", "valkey-server"),
    how_to_get="apt-get install redis-server (macOS: brew install redis)",
    command=lambda port, folder: [
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--requirepass", PASSWORD),
        *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),  # everysec loses what it acknowledged
    ],
    url=f"redis://:{PASSWORD}@127.0.0.1:{{port}}/0",
    keeps=True,
)

NATS = Kind(
    programs=("nats-server", "/usr/sbin/nats-server"),
    how_to_get="apt-get install nats-server (macOS: brew install nats-server)",
    command=lambda port, folder: [
        *("--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", str(folder)),
        *("--user", "tester", "--pass", PASSWORD),
    ],
    url=f"nats://tester:{PASSWORD}@127.0.0.1:{{port}}",
    keeps=True,
)

MEMCACHED = Kind(
    programs=("memcached",),
    how_to_get="apt-get install memcached (macOS: brew install memcached)",
    command=lambda port, _: [
        *("--listen", "127.0.0.1", "--port", str(port), "--memory-limit", "256"),
        *(("--user", getpass.getuser()) if os.geteuid() == 0 else ()),  # it refuses to be root without being told
    ],
    url="memcached://127.0.0.1:{port}",
    keeps=False,
)

KYOTO_TYCOON = Kind(
    programs=("ktserver",),
    how_to_get="build Kyoto Tycoon from https://dbmx.net/kyototycoon/",
    command=lambda port, folder: ["-host", "127.0.0.1", "-port", str(port), "-le", str(folder / "shop.kch")],
    url="kyototycoon://127.0.0.1:{port}",
    keeps=True,
    highest_port=32767,
)

STAND_IN_FOR_KYOTO_TYCOON = replace(
    KYOTO_TYCOON,
    programs=(sys.executable,),
    command=lambda port, _: [str(Path(__file__).with_name("kyoto_server.py")), str(port)],
    keeps=False,
)
"""Kyoto Tycoon is in no distribution: where it was not built, a small server of the tests' own has its place."""

ETCD = Kind(
    programs=("etcd",),
    how_to_get="apt-get install etcd-server (macOS: brew install etcd)",
    command=lambda port, folder: [
        *("--data-dir", str(folder / "etcd"), "--log-level", "error"),
        *("--listen-client-urls", f"http://127.0.0.1:{port}", "--advertise-client-urls", f"http://127.0.0.1:{port}"),
        *("--listen-peer-urls", "http://127.0.0.1:0"),
    ],
    url="etcd://127.0.0.1:{port}",
    keeps=True,
)


class Server:
    """One server. It runs from `start` (or `with`) until `kill`; started again, it has the same port and folder."""

    def __init__(self, kind: Kind, program: str, folder: Path) -> None:
        self.kind, self.program, self.folder = kind, program, folder
        self.port = free_port(self.kind.highest_port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What opens a store in it."""
        return self.kind.url.format(port=self.port)

    def start(self) -> None:
        """Returns when it accepts connections. Takes another port if somebody else got the first one meanwhile."""
        for _ in range(5):
            self._spawn()
            if self._accepts():
                return
            self.kill()
            self.port = free_port(self.kind.highest_port)
        raise AssertionError(f"{self.program} does not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _spawn(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            command = [self.program, *self.kind.command(self.port, self.folder)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)

    def _accepts(self) -> bool:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port(highest: int) -> int:
    """A port of loopback that nobody has at this moment: one that the system gives, if it may be that high."""
    wanted = 0 if highest == HIGHEST_PORT else random.randint(20_000, highest)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port(highest)
        port: int = probe.getsockname()[1]
        return port
