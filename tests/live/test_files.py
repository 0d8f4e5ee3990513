"""Files that get other contents together: all of them or none, and never half of one."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from livecode.live import files
from livecode.live.files import MeanwhileError, NewContents, WriteError, write_together
from tests.services import ROOT, required_program

STEPS = ("open", "fchmod", "utime", "fsync", "link", "replace", "unlink")
"""What is asked of the system on the way."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, and the names of nothing else."""
    (tmp_path / "a.py").write_bytes(b"a1\n")
    (tmp_path / "b.py").write_bytes(b"b1\n")
    return tmp_path


def both(folder: Path) -> list[NewContents]:
    """New contents for both, and a third file."""
    return [
        NewContents(str(folder / "a.py"), b"a2\n", b"a1\n"),
        NewContents(str(folder / "new" / "c.py"), b"c2\n", None),
        NewContents(str(folder / "b.py"), b"b2\n", b"b1\n"),
    ]


def said(folder: Path) -> dict[str, bytes]:
    """What all files below say, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OLD = {"a.py": b"a1\n", "b.py": b"b1\n"}
NEW = {"a.py": b"a2\n", "b.py": b"b2\n", "new/c.py": b"c2\n"}


def test_all_are_written(folder: Path) -> None:
    """Nothing else is left in the folder; folders of new packages are made."""
    assert write_together(both(folder)) == ()
    assert said(folder) == NEW


def nth(function: Callable[..., object], number: int, what: Callable[[], object]) -> Callable[..., object]:
    """The function, but something happens in place of its call of that number."""
    calls = [0]

    def instead(*arguments: object, **more: object) -> object:
        calls[0] += 1
        if calls[0] == number:
            what()
        return function(*arguments, **more)

    return instead


def fail(number: int) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("step", STEPS[:-1])
def test_an_error_at_any_step_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """Whichever call of the system fails, all files have what they had, or all have the new contents."""
    made = nth(getattr(os, step), number, lambda: fail(errno.ENOSPC))
    monkeypatch.setattr(f"livecode.live.files.os.{step}", made)
    error = None
    try:
        write_together(both(folder))
    except WriteError as raised:
        error = raised
    monkeypatch.undo()
    assert said(folder) == (NEW if error is None else OLD)
    if error is not None:
        assert (str(error).startswith("no room on the disk"), error.left) == (True, ())
        assert not (folder / "new").exists()


def test_the_third_that_fails_puts_the_others_back_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file itself comes back, with its time, its other names and its inode."""
    os.link(folder / "a.py", folder / "same.py")
    before = os.stat(folder / "a.py")
    monkeypatch.setattr("livecode.live.files.os.replace", nth(os.replace, 2, lambda: fail(errno.EIO)))
    with pytest.raises(WriteError) as raised:
        write_together(both(folder))
    assert raised.value.path == str(folder / "b.py")
    after = os.stat(folder / "a.py")
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, 2)


def test_what_cannot_be_put_back_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails for good leaves the first file new, and the error says so."""
    real, calls = os.replace, [0]

    def replace(source: str, target: str) -> None:
        calls[0] += 1
        if calls[0] > 1:
            fail(errno.EIO)
        real(source, target)

    monkeypatch.setattr("livecode.live.files.os.replace", replace)
    with pytest.raises(WriteError) as raised:
        write_together(both(folder))
    assert raised.value.left == (str(folder / "a.py"),)
    assert (folder / "a.py").read_bytes() == b"a2\n"
    assert (folder / "b.py").read_bytes() == b"b1\n"


def test_without_hard_links_a_copy_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems that know no links do as well."""

    def link(*_: object) -> None:
        fail(errno.EOPNOTSUPP)

    monkeypatch.setattr("livecode.live.files.os.link", link)
    write_together(both(folder))
    assert said(folder) == NEW
    monkeypatch.setattr("livecode.live.files.os.replace", nth(os.replace, 2, lambda: fail(errno.EIO)))
    again = [NewContents(str(folder / "a.py"), b"a3\n", b"a2\n"), NewContents(str(folder / "b.py"), b"b3\n", b"b2\n")]
    with pytest.raises(WriteError):
        write_together(again)
    assert said(folder) == NEW


@pytest.mark.parametrize(
    "item",
    [("a.py", b"other\n"), ("new.py", b"there\n"), ("b.py", None)],
    ids=["other contents", "not there", "there already"],
)
def test_what_is_not_as_it_was_known_is_not_touched(folder: Path, item: tuple[str, bytes | None]) -> None:
    """Somebody was faster: nothing is written."""
    name, before = item
    with pytest.raises(MeanwhileError):
        write_together([*both(folder), NewContents(str(folder / name), b"x\n", before)])
    assert said(folder) == OLD


def test_a_new_file_takes_nobodys_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where somebody makes it in the very last moment."""
    path = folder / "late.py"
    monkeypatch.setattr("livecode.live.files.os.link", nth(os.link, 1, lambda: path.write_bytes(b"theirs\n")))
    with pytest.raises(MeanwhileError):
        write_together([NewContents(str(path), b"mine\n", None)])
    assert path.read_bytes() == b"theirs\n"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664, 0o2755])
def test_mode_and_owner_stay(folder: Path, mode: int) -> None:
    """They are what people set, not what a new file gets."""
    path = folder / "a.py"
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    path.chmod(mode)
    before = path.stat()
    write_together(both(folder))
    after = path.stat()
    kept = (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid)
    assert kept == (mode, before.st_uid, before.st_gid)


def test_an_owner_that_cannot_be_kept_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of somebody else in a folder of ours becomes ours."""

    def fchown(*_: object) -> None:
        fail(errno.EPERM)

    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[4] += 1
        return os.stat_result(found)

    monkeypatch.setattr("livecode.live.files.os.fchown", fchown)
    monkeypatch.setattr("livecode.live.files.os.fstat", fstat)
    remarks = write_together(both(folder)[:1])
    assert [path for path, _ in remarks] == [str(folder / "a.py")]
    assert "it belongs to" in remarks[0][1]


def test_extended_attributes_stay(folder: Path) -> None:
    """Labels and access lists are such attributes."""
    if not hasattr(os, "setxattr"):
        pytest.skip("this system has no os.setxattr")
    try:
        os.setxattr(folder / "a.py", "user.note", b"kept")
    except OSError as error:
        pytest.skip(f"the file system of {folder} has no extended attributes: {error}")
    write_together(both(folder))
    assert os.getxattr(folder / "a.py", "user.note") == b"kept"


def test_the_umask_counts_for_new_files(folder: Path) -> None:
    """A file that nobody had before is made like any other."""
    code = (
        "import os, sys; from livecode.live.files import *; os.umask(0o027)\n"
        "write_together([NewContents(sys.argv[1], b'x', None)])"
    )
    path = folder / "fresh.py"
    subprocess.run([sys.executable, "-c", code, path], check=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_bytecode_of_the_old_file_is_not_taken_for_that_of_the_new(folder: Path) -> None:
    """Python knows a source by its size and second, so a file of the same size gets another second."""
    path = folder / "a.py"
    now = path.stat().st_mtime_ns
    ahead = (now // 10**9 + 30) * 10**9 + 500
    os.utime(path, ns=(ahead, ahead))
    write_together([NewContents(str(path), b"a2\n", b"a1\n")])
    assert path.stat().st_mtime_ns // 10**9 != ahead // 10**9


KILLED = """
import os, signal, sys
from livecode.live import files
step, number, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
real, calls = getattr(os, step), [0]
def instead(*arguments, **more):
    calls[0] += 1
    if calls[0] == number and sys.argv[4] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*arguments, **more)
    if calls[0] == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
for name in ("a.py", "b.py"):
    open(os.path.join(folder, name), "rb").read()
setattr(files.os, step, instead)
items = [files.NewContents(os.path.join(folder, n), (n[0] + "2\\n").encode(), (n[0] + "1\\n").encode())
         for n in ("a.py", "b.py")]
files.write_together(items)
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "number"), [("open", 3), ("fsync", 1), ("link", 2), ("replace", 1), ("replace", 2)])
def test_killed_in_the_middle(folder: Path, step: str, number: int, when: str) -> None:
    """Each file has the old or the new contents, and the next one who writes there removes what was left."""
    command = [sys.executable, "-c", KILLED, step, str(number), str(folder), when]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": ROOT}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    a, b = (folder / "a.py").read_bytes(), (folder / "b.py").read_bytes()
    assert (a, b) in {(b"a1\n", b"b1\n"), (b"a2\n", b"b1\n"), (b"a2\n", b"b2\n")}
    write_together([NewContents(str(folder / "a.py"), b"a3\n", a)])
    assert said(folder) == {"a.py": b"a3\n", "b.py": b}


WRITES = """
import sys
from livecode.live.files import *
path, mine = sys.argv[1], sys.argv[2].encode()
print("ready", flush=True); sys.stdin.readline()
won = 0
for _ in range(200):
    before = open(path, "rb").read()
    try:
        after = mine * 4000 + str(int(before.rpartition(b" ")[2] or 0) + 1).encode()
        write_together([NewContents(path, after, before)])
        won += 1
    except MeanwhileError:
        pass
print(won)
"""


def test_many_who_write_the_same_file(folder: Path) -> None:
    """Each of them writes over what it has seen and over nothing else, so no write is lost; others see whole files."""
    path = folder / "a.py"
    path.write_bytes(b"x 0")
    environment = {**os.environ, "PYTHONPATH": ROOT}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path), word],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for word in ("left ", "right ")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    torn, over = list[bytes](), threading.Event()

    def read() -> None:
        while not over.is_set():
            text = path.read_bytes().rpartition(b" ")[0]
            if text not in (b"x", b"left " * 3999 + b"left", b"right " * 3999 + b"right"):
                torn.append(text)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        won = [int(writer.communicate("go\n")[0]) for writer in writers]
    finally:
        over.set()
        reader.join()
    assert torn == []
    assert int(path.read_bytes().rpartition(b" ")[2]) == sum(won) > 0


def test_who_waits_too_long_for_a_folder_gives_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who hangs does not hold up others for ever."""
    monkeypatch.setattr(files, "LOCK_S", 0.05)
    with files._locked(str(folder)), pytest.raises(MeanwhileError, match="somebody else has been writing"):
        write_together(both(folder))
    assert said(folder) == OLD


FORKS = """
import os, signal, sys
from livecode.live import files
path = sys.argv[1]
with files._locked(os.path.dirname(path)):
    child = os.fork()
    if child == 0:
        signal.pause()
files.write_together([files.NewContents(path, b"a2", b"a1\\n")])
os.kill(child, signal.SIGKILL)
"""


def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(folder: Path) -> None:
    """Workers are forked at any time, and live for long."""
    command = [sys.executable, "-c", FORKS, str(folder / "a.py")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": ROOT})
    assert (folder / "a.py").read_bytes() == b"a2"


FULL = """
import os, subprocess, sys
from livecode.live.files import *
folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
paths = {os.path.join(folder, name): name.encode() * 20000 for name in "ab"}
for path, data in paths.items():
    open(path, "wb").write(data)
try:
    write_together([NewContents(path, data.upper(), data) for path, data in paths.items()])
except WriteError as error:
    print(error, sorted(os.listdir(folder)), all(open(path, "rb").read() == data for path, data in paths.items()))
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
try:
    write_together([NewContents(path, b"x", data) for path, data in paths.items()])
except WriteError as error:
    print(error)
"""
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def test_a_disk_that_is_full_or_read_only(tmp_path: Path) -> None:
    """A real file system without room keeps the files, and nothing is left there."""
    required_program("unshare", "apt-get install util-linux")
    probe = subprocess.run(
        [*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip("no file systems of one's own: sysctl kernel.unprivileged_userns_clone=1, or run as root")
    command = [*OWN_MOUNTS, sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT}, check=False)
    assert done.stdout.splitlines() == [
        "no room on the disk (No space left on device) ['a', 'b'] True",
        "the file system is read-only",
    ], done.stderr
