"""The compile helper: code that it gives is that of this Python, and without it a push does what it does with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livecode.engine import forms
from livecode.errors import LivecodeError, UnsafeDirectoryError
from livecode.fleet import compiling, wire
from livecode.fleet.compile_helper import make_room
from livecode.fleet.compiling import CompileHelper, ask, code_file, code_folder, helper_socket, secret_of, start
from livecode.fleet.discovery import look
from livecode.fleet.service import attach
from livecode.live.code_cache import WantedModule, build, key_of, packed, seal, unpacked
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Verdict
from tests.live.edits import SAME_AS_FRESH, Edit
from tests.live.elsewhere import pushed_elsewhere
from tests.live.equivalence import differences, fresh
from tests.live.forker import Forker
from tests.services import Services, wait_until

SOURCE = "".join(f"def f{number}(a):\n    return a + {number}\n\n\n" for number in range(10))
WANTED = WantedModule("shop.py", SOURCE)
PLAIN, KEY = WANTED.plain(), key_of(WANTED.plain())


@pytest.fixture
def folder(doors: Path) -> Iterator[str]:
    """The directory of code; helpers that were started there are gone after the test."""
    yield code_folder()
    if (pid := helper_pid(str(doors / "code"))) is not None:
        os.kill(pid, signal.SIGKILL)


def helper_pid(folder: str) -> int | None:
    """The helper that listens there."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if folder in (process.info["cmdline"] or ()):
            return int(process.pid)
    return None


def payload() -> bytes:
    """What the helper should give."""
    return packed(WANTED.compiled())


def test_the_helper_compiles(folder: str) -> None:
    """A helper is started when it is needed; what it gives is what this Python compiles."""
    found = CompileHelper()(KEY, PLAIN)
    assert found is not None
    assert unpacked(found) == unpacked(payload())


def test_code_that_is_there_is_read_without_asking(folder: str) -> None:
    """What was compiled before, by whomever on this machine, needs no helper."""
    assert CompileHelper()(KEY, PLAIN) is not None
    os.kill(helper_pid(folder) or 0, signal.SIGKILL)
    reader = CompileHelper()
    assert reader(KEY, PLAIN) is not None
    assert reader.asked == 0


def test_files_are_this_users_alone(folder: str) -> None:
    """The directory is 0700; the secret, the socket and the code are 0600."""
    assert CompileHelper()(KEY, PLAIN) is not None
    modes = {name: stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)}
    assert {"key", os.path.basename(helper_socket(folder)), f"{KEY.hex()}.code"} < modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_a_secret_that_others_could_read_is_refused(folder: str) -> None:
    """Nothing is believed that was sealed with a secret that is not this user's alone, or none at all."""
    path = os.path.join(folder, "key")
    secret_of(folder)
    os.chmod(path, 0o644)
    with pytest.raises(UnsafeDirectoryError):
        secret_of(folder)
    assert CompileHelper()(KEY, PLAIN) is None
    os.chmod(path, 0o600)
    Path(path).write_bytes(b"short")
    with pytest.raises(UnsafeDirectoryError):
        secret_of(folder)


@pytest.mark.parametrize("place", [0, 20, 60, 100, -1])
def test_corrupted_code_is_compiled_again(folder: str, place: int) -> None:
    """A file of which a byte is another one is never loaded: the helper writes it anew."""
    assert CompileHelper()(KEY, PLAIN) is not None
    path = Path(code_file(folder, KEY))
    good = path.read_bytes()
    bad = bytearray(good)
    bad[place] ^= 0x40
    path.write_bytes(bad)
    found = CompileHelper()(KEY, PLAIN)
    assert found is not None
    assert unpacked(found) == unpacked(payload())
    assert path.read_bytes() != bytes(bad)


def test_a_helper_that_writes_what_is_not_sealed_is_not_believed(folder: str) -> None:
    """Code without this machine's seal is not loaded, and who wrote it is not asked for a while."""
    with answering(folder, lambda _: Path(code_file(folder, KEY)).write_bytes(seal(payload(), KEY, b"x" * 32))) as said:
        client = CompileHelper()
        assert client(KEY, PLAIN) is None
        assert client(KEY, PLAIN) is None
        assert said() == 1


def test_a_helper_killed_during_a_request(folder: str) -> None:
    """If the helper dies while it compiles, the answer is None, and soon."""
    start(folder, 60)
    wait_until(lambda: os.path.exists(helper_socket(folder)), "a helper that listens")
    pid = helper_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    assert CompileHelper()(KEY, PLAIN) is None


@pytest.mark.parametrize("answer", [b"", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x04nope"])
def test_a_helper_that_talks_nonsense(folder: str, answer: bytes) -> None:
    """Whatever comes instead of an answer, the caller is told that there is no code."""
    with answering(folder, lambda connection: connection.sendall(answer)):
        assert CompileHelper()(KEY, PLAIN) is None


def test_a_slow_helper_is_not_waited_for(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that does not answer in time is done without."""
    monkeypatch.setattr(compiling, "ANSWER_S", 0.2)
    with answering(folder, lambda _: time.sleep(1)):
        assert CompileHelper()(KEY, PLAIN) is None


class answering:  # noqa: N801  # reads as what it does
    """Somebody who sits at the helper's place; gives how often he was asked."""

    def __init__(self, folder: str, reply: Any) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(helper_socket(folder))
        self._listening.listen()
        self._reply, self._asked = reply, 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return lambda: self._asked

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                wire.receive(connection, 5, 5)
                self._asked += 1
                self._reply(connection)


def test_another_python_has_another_helper(folder: str) -> None:
    """A helper answers only its own build, and one that was started for another build ends at once."""
    ask(folder, PLAIN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(helper_socket(folder))
        wire.send(connection, {"build": "3.99", "wanted": PLAIN}, 5)
        answer = wire.receive(connection, 5, 5)
    assert answer is not None
    assert build() in answer["error"]


OTHERS = ("python3.12", "python3.13", "python3.14", "python3.11", "python3")


def other_python() -> str:
    """An installed Python of another build that can import livecode's engine."""
    asked = "import sys; sys.path.insert(0, sys.argv[1]); from livecode.live.code_cache import build; print(build())"
    root = str(Path(forms.__file__).parents[2])
    for name in OTHERS:
        path = shutil.which(name)
        if path is not None:
            said = subprocess.run([path, "-c", asked, root], capture_output=True, text=True, check=False)
            if said.returncode == 0 and said.stdout.strip() != build():
                return path
    pytest.skip("no other Python of 3.11 or later is on the path")


def test_code_of_another_python_is_not_loaded(folder: str) -> None:
    """What another Python sealed for the same source lies under another key, and is no answer here."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from livecode.fleet.compiling import CompileHelper\n"
        "from livecode.live.code_cache import WantedModule, key_of\n"
        "plain = WantedModule('shop.py', sys.stdin.read()).plain()\n"
        "assert CompileHelper()(key_of(plain), plain)\n"
        "print(key_of(plain).hex())\n"
    )
    root = str(Path(forms.__file__).parents[2])
    theirs = subprocess.run(
        [other_python(), "-c", script, root], input=SOURCE, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert theirs != KEY.hex()
    os.rename(code_file(folder, bytes.fromhex(theirs)), code_file(folder, KEY))
    found = CompileHelper()(KEY, PLAIN)
    assert found is not None
    assert unpacked(found) == unpacked(payload())
    if (pid := helper_pid(folder)) is not None:
        os.kill(pid, signal.SIGKILL)


WORKER = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from livecode.fleet.compiling import CompileHelper\n"
    "from livecode.live.code_cache import WantedModule, key_of\n"
    "plain = WantedModule('shop.py', sys.stdin.read()).plain()\n"
    "sys.stdout.write('y' if CompileHelper()(key_of(plain), plain) else 'n')\n"
)


def test_four_workers_one_compile(folder: str) -> None:
    """Four processes that want the same code at the same time start one helper, which compiles once."""
    root = str(Path(forms.__file__).parents[2])
    command = [sys.executable, "-c", WORKER, root]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    workers = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for worker in workers:
        worker.stdin.write(SOURCE)
    assert [worker.communicate(timeout=30)[0] for worker in workers] == ["y"] * 4
    assert ask(folder, PLAIN) == {"done": True, "compiled": 1}


def test_what_does_not_compile_is_said(folder: str) -> None:
    """Of a source that does not compile the helper gives the error that compiling it here raises, and lives on."""
    for source in ("def f(:\n", "x = 1\n y = 2\n", "def f():\n    return = 1\n", "if 1:\n\tx\n        y\n"):
        wrong = WantedModule("shop.py", source)
        found = CompileHelper()(key_of(wrong.plain()), wrong.plain())
        assert found is not None
        with pytest.raises(SyntaxError) as told:
            unpacked(found)
        with pytest.raises(SyntaxError) as here:
            list(wrong.compiled())
        assert (told.type, told.value.args) == (here.type, here.value.args)
    assert CompileHelper()(KEY, PLAIN) is not None


def test_what_the_helper_cannot_do_is_no_reason_not_to_ask_again(folder: str) -> None:
    """After a request that no code can be given for, the helper is asked for the next one."""
    client = CompileHelper()
    assert client(b"0" * 32, {"filename": "shop.py"}) is None
    assert client(KEY, PLAIN) is not None


def test_the_helper_ends_when_nobody_asks(folder: str) -> None:
    """A helper that is idle ends, and takes its socket along."""
    start(folder, 0.2)
    wait_until(
        lambda: helper_pid(folder) is None and not os.path.exists(helper_socket(folder)), "the end of the helper"
    )


def test_the_helper_ends_with_its_directory(folder: str) -> None:
    """A helper whose directory is gone ends, whoever may still ask it."""
    start(folder, 60)
    wait_until(lambda: os.path.exists(helper_socket(folder)), "a helper that listens")
    os.unlink(helper_socket(folder))
    wait_until(lambda: helper_pid(folder) is None, "the end of the helper")


@pytest.mark.parametrize("executable", ["/bin/false", "/bin/cat", "/missing", ""])
def test_an_executable_that_is_no_python(folder: str, executable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `sys.executable` is a server, or nothing, there is no helper, and that is found out at once."""
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(OSError):
        start(folder, 60)
    assert CompileHelper()(KEY, PLAIN) is None


def test_there_is_room_for_new_code(folder: str) -> None:
    """The oldest code goes when there is more than may be kept; what is young stays."""
    for number in range(6):
        path = Path(folder, f"{number}.code")
        path.write_bytes(b"x" * 100)
        os.utime(path, (1_000 + number, 1_000 + number) if number < 5 else None)
    make_room(folder, 250)
    assert sorted(os.listdir(folder)) == ["4.code", "5.code"]
    make_room(folder, 0)
    assert os.listdir(folder) == ["5.code"]


def test_there_is_one_helper(folder: str) -> None:
    """A second helper that is started ends at once, and the first one answers on."""
    start(folder, 60)
    wait_until(lambda: os.path.exists(helper_socket(folder)), "a helper that listens")
    first = helper_pid(folder)
    start(folder, 60)
    wait_until(lambda: helper_pid(folder) == first, "the end of the helper")
    assert ask(folder, PLAIN)["done"]
    assert helper_pid(folder) == first


def test_nobody_is_asked_when_no_directory_can_be_made(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no safe directory there is no helper, and no error."""
    os.chmod(doors, 0o755)
    with pytest.raises(LivecodeError):
        code_folder()
    assert CompileHelper()(KEY, PLAIN) is None
    os.chmod(doors, 0o700)


def long_module(price: int) -> str:
    """A module of 2,400 lines, in which every function says the price."""
    return "".join(f"def f{number}():\n    return {number}, {price}\n\n\n" for number in range(600))


def test_workers_of_a_service_share_one_compile(services: Services) -> None:
    """A long push to two workers is compiled once, by the helper; a new long module too."""
    server = services.gunicorn("shop", {"pricing.py": long_module(1)}, "--workers", "2")
    service = attach("shop")
    wait_until(lambda: len(service.workers()) == 2, "both workers listen", server)
    report = service.push({"pricing": long_module(2), "fresh": long_module(3)})
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.LIVE] * 2
    assert {server.get("pricing.f7()") for _ in range(20)} == {"(7, 2)"}
    assert {server.get("fresh.f7()") for _ in range(20)} == {"(7, 3)"}
    answer = ask(code_folder(), PLAIN)
    assert answer == {"done": True, "compiled": 3}  # the statements, the new module, and what was asked for now
    os.kill(helper_pid(code_folder()) or 0, signal.SIGKILL)


def test_a_service_without_a_helper(services: Services) -> None:
    """Where there can be no helper, a long push is as right as with one."""
    (services.doors / "code").write_text("in the way")
    started = services.threaded("shop", {"pricing.py": long_module(1)})
    assert attach("shop").push({"pricing": long_module(2), "fresh": long_module(3)}).verdict is Verdict.LIVE
    assert (started.get("pricing.f7()"), started.get("fresh.f7()")) == ("(7, 2)", "(7, 3)")


def test_a_long_module_that_does_not_compile(services: Services) -> None:
    """A long source with an error is not sent, the error has its line, and what runs stays."""
    started = services.threaded("shop", {"pricing.py": long_module(1)})
    for name in ("pricing", "fresh"):
        wrong = long_module(2) + "def f():\n    return = 1\n"
        outcome = look("shop").workers[0].push(Push((ModuleSource(name, wrong),)))
        assert outcome.verdict is Verdict.NOT_SENT
        assert outcome.failure is not None
        assert (outcome.failure.module, outcome.failure.line) == (name, 2402)
    assert started.get("pricing.f7()") == "(7, 1)"


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    """Forks of a process that has imported what every case needs."""
    with pytest.MonkeyPatch.context() as patch:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="lc", dir="/tmp") as doors:
            patch.setenv("LIVECODE_DIR", doors)
            forker = Forker("tests.live.elsewhere")
            yield forker
            forker.close()
            if (pid := helper_pid(os.path.join(doors, "code"))) is not None:
                os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")
@pytest.mark.parametrize("edit", SAME_AS_FRESH, ids=lambda edit: edit.name)
def test_pushes_do_the_same_with_the_helper(edit: Edit, forker: Forker) -> None:
    """A push whose code comes from the helper leaves the modules as a fresh import makes them."""
    live = forker.ask(pushed_elsewhere, edit.before, edit.pushes)
    final = dict(edit.before)
    for push, verdict in zip(edit.pushes, live["verdicts"], strict=True):
        final |= push if verdict == "LIVE" else {}
    assert live["asked"] > 0
    assert not live["failed"]
    assert list(differences(live["names"], forker.ask(fresh, final))) == []
