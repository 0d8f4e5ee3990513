"""Asks this machine's compile helper for code, and believes what bears this machine's seal.

    <runtime directory>/code/      0700, like the directory itself
        key                        the secret of the seals, 0600; made by whoever comes first
        <build>.sock, .lock        the helper for one build of Python (`livecode.fleet.compile_helper`)
        <key>.code                 sealed code (`livecode.live.code_cache`), written by helpers

Code that is there is read without asking anybody. If the helper is not there it is started; if it does not answer, or
what it leaves is not right, the answer is None, and for a while nobody is asked again: the caller compiles by itself.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from livecode.errors import LivecodeError, UnsafeDirectoryError
from livecode.fleet import rundir, wire
from livecode.fleet.door import ROOT, caller_uid
from livecode.live.code_cache import build, unseal

SECRET_BYTES = 32
START_S = 5.0
"""How long a helper may take to open its socket."""
ANSWER_S = 10.0
"""How long it may take to compile."""
AGAIN_S = 30.0
"""After it failed nobody asks it for so long."""
POLL_S = 0.01
IDLE_S = 60.0
"""A helper that is asked nothing for so long ends."""
BUILD_LETTERS = 16
MAX_BLOB_BYTES = 64 << 20

_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from livecode.fleet.compile_helper import main; main()"


class CompileHelper:
    """The helper of this machine and this Python, as a worker sees it.

    Attributes:
        asked: How often it was asked.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._not_before = 0.0

    @property
    def failed(self) -> bool:
        """True if it ever had no code to give."""
        return self._not_before > 0.0

    def __call__(self, key: bytes, plain: Mapping[str, Any]) -> bytes | None:
        """The payload of what is wanted, None if it cannot be had."""
        if time.monotonic() < self._not_before:
            return None
        try:
            folder = code_folder()
            secret = secret_of(folder)
            payload = _read(folder, key, secret)
            if payload is None:
                self.asked += 1
                if "error" in ask(folder, plain):
                    return None  # it does not compile: the caller finds out how
                payload = _read(folder, key, secret)
        except (OSError, LivecodeError, subprocess.SubprocessError):  # the caller does it, and so it is no fault
            payload = None
        if payload is None:
            self._not_before = time.monotonic() + AGAIN_S
        return payload


def code_folder() -> str:
    """The directory of the code of this user's machine, made if it is not there.

    Raises:
        UnsafeDirectoryError: Another user could enter or replace it.
        DoorError: It cannot be made.
    """
    folder = os.path.join(rundir.make_directory(), "code")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    rundir.check_directory(folder)
    return folder


def secret_of(folder: str) -> bytes:
    """The secret of the seals, made if there is none.

    Raises:
        UnsafeDirectoryError: What is there cannot be this user's secret.
    """
    path = os.path.join(folder, "key")
    if not os.path.lexists(path):
        _make_secret(folder, path)
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        found, secret = os.fstat(file.fileno()), file.read(SECRET_BYTES + 1)
    alone = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o600
    if not alone or len(secret) != SECRET_BYTES:
        raise UnsafeDirectoryError(f"{path} is not a secret that only this user can read: remove it")
    return secret


def _make_secret(folder: str, path: str) -> None:
    temporary = new_file(folder)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(SECRET_BYTES))
    try:
        os.link(temporary, path)  # unlike a rename it replaces nothing: the first one stays
    except FileExistsError:
        return
    finally:
        os.unlink(temporary)


def new_file(folder: str) -> str:
    """The path of a file that is being made there."""
    return os.path.join(folder, f".{os.getpid()}-{os.urandom(4).hex()}.new")


def code_file(folder: str, key: bytes) -> str:
    """Where the code of a key is kept."""
    return os.path.join(folder, f"{key.hex()}.code")


def _read(folder: str, key: bytes, secret: bytes) -> bytes | None:
    try:
        with open(os.open(code_file(folder, key), os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            blob = file.read(MAX_BLOB_BYTES)
    except FileNotFoundError:
        return None
    return unseal(blob, key, secret)


def ask(folder: str, plain: Mapping[str, Any]) -> dict[str, Any]:
    """What the helper answers; it has written the code before it does.

    Raises:
        OSError: There is none, and none could be started; or it did not answer in time.
        ProtocolError: What it answered is no answer.
    """
    with _connected(folder) as connection:
        if caller_uid(connection) not in (os.geteuid(), ROOT):
            raise PermissionError(f"the helper at {folder} is of another user")
        wire.send(connection, {"build": build(), "wanted": plain}, ANSWER_S)
        answer = wire.receive(connection, ANSWER_S, ANSWER_S)
    if answer is None:
        raise ConnectionResetError("the helper hung up")
    return answer


def _connected(folder: str) -> socket.socket:
    """A connection to the helper, which is started if it is not there."""
    path = helper_socket(folder)
    connection = _connect(path)
    if connection is None:
        start(folder, IDLE_S)
        until = time.monotonic() + START_S
        while (connection := _connect(path)) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"no helper opened {path} within {START_S:.0f} s")
            time.sleep(POLL_S)
    return connection


def _connect(path: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_S)
    try:
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def helper_socket(folder: str) -> str:
    """The path of the socket of the helper for this Python.

    Raises:
        DoorError: It is longer than the system can bind.
    """
    return rundir.socket_path(folder, build()[:BUILD_LETTERS])


def start(folder: str, idle_s: float) -> None:
    """Starts a helper for this Python: a process of its own, which is not this one's child and holds nothing of it.

    Raises:
        OSError, SubprocessError: It cannot be started.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    command = [sys.executable, "-I", "-S", *_options(), "-c", _RUN, root, folder, build(), str(idle_s)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/"
    ) as launcher:  # it forks, so that nobody here has to wait for the helper's end
        try:
            status = launcher.wait(START_S)
        except BaseException:
            launcher.kill()
            raise
    if status:
        raise ChildProcessError(f"{sys.executable} is no Python that can be the helper: it ended with {status}")


def _options() -> list[str]:
    """The options of this Python that change what it compiles."""
    options = ["-O"] * sys.flags.optimize
    options += ["-B"] if sys.dont_write_bytecode else []
    without_columns = "no_debug_ranges" in sys._xoptions or os.environ.get("PYTHONNODEBUGRANGES")
    return [*options, "-X", "no_debug_ranges"] if without_columns else options
