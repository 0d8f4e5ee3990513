"""Another machine for these tests, and ways to get there: a real sshd, stand-ins for docker and kubectl."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.fleet.faults.machines import Machine, as_other_host
from tests.services import RunningService, Services, free_port, required_program, wait_until

ROOT = str(Path(__file__).parents[3])
RUN = "from livecode.front.cli import main; main()"
STANDINS = Path(__file__).parent / "standins"
WORKERS = 3
OLD = "def quote():\n    return 'old'\n"


class Far:
    """A machine with a service of three workers, and the ways to it.

    Attributes:
        machine: Starts services there, and has their doors.
        workers: Those of "shop".
        folder: What is needed to get there.
        environment: What a process finds that is started there by one of the ways.
    """

    def __init__(self, machine: Machine, folder: Path, ends: ExitStack) -> None:
        self.machine, self.folder, self._ends = machine, folder, ends
        self.environment = _environment(machine, folder)
        self.workers: tuple[RunningService, ...] = ()
        self._port = 0
        (folder / "containers").mkdir()
        self.container("box")
        self.container("pod")

    @property
    def port(self) -> int:
        """Of its sshd, which is started now, if it was not."""
        if not self._port:
            required_program(("sshd", "/usr/sbin/sshd"), "apt-get install openssh-server")
            port = free_port()
            self._ends.enter_context(_sshd(self, port))
            self.host("far", port)
            self._port = port
        return self._port

    def url(self, way: str, service: str = "shop", query: str = "") -> str:
        """The URL of a service there."""
        assert way != "ssh" or self.port
        place = {"ssh": "far", "docker": "box", "kubectl": "prod/pod"}[way]
        return f"{way}://{place}/{service}{query}"

    def answers(self) -> list[str]:
        """What each worker answers now."""
        return [ast.literal_eval(worker.get("pricing.quote()")) for worker in self.workers]

    def script(self, name: str, text: str) -> str:
        """The path of a program that is there."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def container(self, name: str, **more: object) -> None:
        """A container or pod of that name there, as the others are but for this."""
        box = {"environment": self.environment, "before": as_other_host(), **more}
        (self.folder / "containers" / name).write_text(json.dumps(box))

    def host(self, alias: str, port: int, **more: str) -> None:
        """Another entry of the client's configuration."""
        options = {"HostName": "127.0.0.1", "Port": str(port), "IdentitiesOnly": "yes"}
        options |= {"IdentityFile": f"{self.folder}/id", "UserKnownHostsFile": f"{self.folder}/known", **more}
        with (self.folder / "ssh_config").open("a") as file:
            file.write(f"Host {alias}\n" + "".join(f"  {key} {value}\n" for key, value in options.items()))


@contextmanager
def far_machine(folder: Path) -> Iterator[Far]:
    """A machine where three workers run, with an sshd of its own; its programs are on the PATH of this process."""
    machine = Machine(folder / "far")
    (folder / "far").mkdir()
    here = Services(folder)
    path = os.environ["PATH"]
    try:
        with ExitStack() as ends, here:
            far = Far(machine, folder, ends)
            os.environ["PATH"] = f"{_near_programs(folder)}:{path}"
            os.environ["STANDIN_CONTAINERS"] = str(folder / "containers")
            far.workers = tuple(machine.threaded("shop", {"pricing.py": OLD}) for _ in range(WORKERS))
            yield far
    finally:
        os.environ["PATH"] = path
        os.environ.pop("STANDIN_CONTAINERS", None)
        machine.__exit__(None)


def _environment(machine: Machine, folder: Path) -> dict[str, str]:
    """What a login there gives: a PATH with livecode, and where the doors are."""
    programs = folder / "programs"
    programs.mkdir()
    livecode = programs / "livecode"
    livecode.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -W error -c {shlex.quote(RUN)} "$@"\n')
    livecode.chmod(0o755)
    path = f"{programs}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(folder), "LIVECODE_DIR": str(machine.doors), "PYTHONPATH": ROOT}


def _near_programs(folder: Path) -> Path:
    """A folder with ssh, which has a configuration of its own, docker and kubectl."""
    programs = folder / "near"
    programs.mkdir()
    for name in ("docker", "kubectl"):
        (programs / name).write_text(
            (STANDINS / name).read_text().replace("#!/usr/bin/env python3", f"#!{sys.executable}")
        )
        (programs / name).chmod(0o755)
    (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (programs / "ssh").chmod(0o755)
    return programs


@contextmanager
def _sshd(far: Far, port: int) -> Iterator[None]:
    """A real sshd on the loopback, for one key, which knows nothing of this machine's own."""
    sshd = required_program(("sshd", "/usr/sbin/sshd"), "apt-get install openssh-server")
    folder = far.folder
    for key in ("host_key", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    shutil.copy(folder / "id.pub", folder / "authorized")
    kind, key = (folder / "host_key.pub").read_text().split()[:2]
    known = {f"[127.0.0.1]:{port}"}
    (folder / "known").write_text("".join(f"{place} {kind} {key}\n" for place in known))
    words = " ".join(f"{name}={value}" for name, value in far.environment.items() if name != "HOME")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"UsePAM no\nStrictModes no\nPermitRootLogin yes\nSetEnv {words}\n"
    )
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # where it locks itself up, sshd(8); its package makes it at a boot
    with (folder / "sshd.log").open("wb") as log:
        command = [*as_other_host(), sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None, "sshd listens")
        assert process.poll() is None, (folder / "sshd.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def is_there(pid: int) -> bool:
    """True while a process runs; a dead one that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(path: Path) -> None:
    """Returns when somebody has made that file."""
    wait_until(path.exists, f"{path.name} is there")


def gated(folder: Path, answer: str) -> str:
    """A module whose execution says that it has begun, by a file, and waits for another one."""
    return (
        "import os, time\n"
        f"open({str(folder / 'begun')!r}, 'w').close()\n"
        f"while not os.path.exists({str(folder / 'gate')!r}): time.sleep(0.01)\n"
        f"def quote():\n    return {answer!r}  # {time.time_ns()}\n"
    )
