"""Each way to notice what is saved notices the same: inotify, what watchfiles hears, and looking again and again."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.front.watching import inotify, lookout, tree
from livecode.front.watching import patrol as watch_patrol
from livecode.front.watching.inotify import InotifyLookout
from livecode.front.watching.lookout import Lookout, Means, look_out, why_no_events
from livecode.front.watching.notices import NoticesLookout
from livecode.front.watching.patrol import Patrol
from livecode.front.watching.polling import PollingLookout

WAIT_S = 20.0
GONE_S = 0.4
"""Shorter than for people."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
WAYS = [
    pytest.param(InotifyLookout, marks=linux, id="inotify"),
    pytest.param(NoticesLookout, id="watchfiles"),
    pytest.param(lambda folder: PollingLookout(folder, 0.02), id="polling"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package."""
    folder = tmp_path / "src"
    (folder / "shop").mkdir(parents=True)
    (folder / "one.py").write_text("x = 1\n")
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "pricing.py").write_text("x = 1\n")
    return folder


@pytest.fixture(params=WAYS)
def patrol(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patrol]:
    """A patrol of the folder, that looks out in each way."""
    make: Callable[[str], Lookout] = request.param
    monkeypatch.setattr(lookout, "_listening", make)
    monkeypatch.setattr(watch_patrol, "GONE_S", GONE_S)
    made = Patrol(str(folder), (), None, print)
    yield made
    made.close()


def until(patrol: Patrol, *wanted: Path) -> None:
    """Returns when all of these were in batches, and nothing else was."""
    left, names = {str(path) for path in wanted}, {str(path) for path in wanted}
    end = time.monotonic() + WAIT_S
    while left:
        assert time.monotonic() < end, f"never noticed: {left}"
        batch = patrol.next_batch(0.5)
        assert batch <= names
        left -= batch


def test_a_save(patrol: Patrol, folder: Path) -> None:
    """Two files in one batch each, or both in one."""
    (folder / "one.py").write_text("x = 2\n")
    (folder / "shop" / "pricing.py").write_text("x = 2\n")
    until(patrol, folder / "one.py", folder / "shop" / "pricing.py")


def test_an_atomic_save(patrol: Patrol, folder: Path) -> None:
    """A file that is written beside it and renamed, as VS Code, PyCharm and formatters do it."""
    (folder / "one.py.tmp.123").write_text("x = 2\n")
    os.replace(folder / "one.py.tmp.123", folder / "one.py")
    until(patrol, folder / "one.py")


def test_a_save_of_vim(patrol: Patrol, folder: Path) -> None:
    """It tries whether it may write, moves the file away, writes it anew, and removes the old one."""
    (folder / "4913").write_text("")
    (folder / "4913").unlink()
    (folder / "one.py").rename(folder / "one.py~")
    (folder / "one.py").write_text("x = 2\n")
    (folder / "one.py~").unlink()
    until(patrol, folder / "one.py")


def test_a_save_of_the_same_length_within_the_same_second(patrol: Patrol, folder: Path) -> None:
    """With the same times, too: a file system may count them in steps of two seconds."""
    path = folder / "one.py"
    stamp = os.stat(path)
    for text in ("x = 2\n", "x = 3\n", "x = 4\n"):
        path.write_text(text)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        until(patrol, path)


def test_a_new_package(patrol: Patrol, folder: Path) -> None:
    """Its files count from the start, also those that were there before anybody could look."""
    (folder / "new" / "deep").mkdir(parents=True)
    (folder / "new" / "__init__.py").write_text("")
    (folder / "new" / "deep" / "a.py").write_text("x = 1\n")
    until(patrol, folder / "new" / "__init__.py", folder / "new" / "deep" / "a.py")
    (folder / "new" / "deep" / "a.py").write_text("x = 2\n")
    until(patrol, folder / "new" / "deep" / "a.py")


def test_a_folder_that_moves_in_and_out(patrol: Patrol, folder: Path, tmp_path: Path) -> None:
    """As a checkout of another branch does it."""
    package, away = folder / "shop", tmp_path / "away"
    files = (package / "__init__.py", package / "pricing.py")
    package.rename(away)
    until(patrol, *files)
    (away / "pricing.py").write_text("x = 2\n")
    assert patrol.next_batch(0.1) == set()
    away.rename(package)
    until(patrol, *files)
    (package / "pricing.py").write_text("x = 3\n")
    until(patrol, package / "pricing.py")


def test_a_file_that_is_gone_is_told_after_a_while(patrol: Patrol, folder: Path) -> None:
    """It might come back."""
    (folder / "one.py").unlink()
    assert patrol.next_batch(GONE_S / 2) == set()
    until(patrol, folder / "one.py")


def test_a_file_that_comes_back_was_never_gone(patrol: Patrol, folder: Path) -> None:
    """One batch, in which it is there."""
    (folder / "one.py").unlink()
    patrol.next_batch(0.1)
    (folder / "one.py").write_text("x = 2\n")
    until(patrol, folder / "one.py")
    assert patrol.next_batch(GONE_S * 1.5) == set()


def test_a_linked_file_and_a_linked_folder(folder: Path, patrol: Patrol, tmp_path: Path) -> None:
    """What they lead to counts under their own path, when it is written and when it is replaced."""
    outside = tmp_path / "outside"
    (outside / "package").mkdir(parents=True)
    (outside / "two.py").write_text("x = 1\n")
    (outside / "package" / "a.py").write_text("x = 1\n")
    (folder / "linked.py").symlink_to(outside / "two.py")
    (folder / "package").symlink_to(outside / "package")
    until(patrol, folder / "linked.py", folder / "package" / "a.py")
    (outside / "two.py").write_text("x = 2\n")
    until(patrol, folder / "linked.py")
    (outside / "new").write_text("x = 3\n")
    os.replace(outside / "new", outside / "two.py")
    until(patrol, folder / "linked.py")
    (outside / "package" / "a.py").write_text("x = 2\n")
    until(patrol, folder / "package" / "a.py")


def test_a_link_on_the_way_that_is_switched(folder: Path, patrol: Patrol, tmp_path: Path) -> None:
    """As Kubernetes updates a ConfigMap: `..data` leads to another folder from one moment to the next."""
    for name, text in (("..v1", "x = 1\n"), ("..v2", "x = 2\n")):
        (folder / name).mkdir()
        (folder / name / "conf.py").write_text(text)
    (folder / "..data").symlink_to("..v1")
    (folder / "conf.py").symlink_to("..data/conf.py")
    until(patrol, folder / "conf.py")
    (folder / "..tmp").symlink_to("..v2")
    os.replace(folder / "..tmp", folder / "..data")
    until(patrol, folder / "conf.py")


def test_rules_may_change(folder: Path, patrol: Patrol) -> None:
    """A .gitignore that is saved holds from then on."""
    (folder / ".gitignore").write_text("shop\n")
    until(patrol, folder / "shop" / "__init__.py", folder / "shop" / "pricing.py")
    (folder / "shop" / "pricing.py").write_text("x = 2\n")
    assert patrol.next_batch(0.3) == set()


def test_what_does_not_count_is_not_noticed(folder: Path, patrol: Patrol) -> None:
    """Caches and data that are written beside the sources."""
    for name in (".git/index.py", "__pycache__/one.py", "node_modules/a.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x = 1\n")
    (folder / "log.txt").write_text("a line\n")
    assert patrol.next_batch(0.4) == set()


def test_a_checkout_of_many_files_is_one_batch(folder: Path, patrol: Patrol) -> None:
    """However long git takes, as it says when it is done."""
    (folder / ".git").mkdir()
    patrol._git = type(patrol._git)(str(folder))
    lock = folder / ".git" / "index.lock"
    lock.touch()
    files = [folder / "shop" / f"m{n}.py" for n in range(300)]

    def check_out() -> None:
        for number, path in enumerate(files):
            path.write_text(f"x = {number}\n")
            if number % 100 == 50:
                time.sleep(0.6)  # the disk is slow, or the machine busy: longer than any silence
        lock.unlink()

    worker = threading.Thread(target=check_out)
    worker.start()
    batch = patrol.next_batch(WAIT_S)
    worker.join()
    assert batch == {str(path) for path in files}


def test_a_file_that_is_written_slowly_is_read_when_it_is_whole(folder: Path) -> None:
    """inotify tells when it is closed."""
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    patrol = Patrol(str(folder), (), None, print)
    sizes: list[int] = []

    def write() -> None:
        with (folder / "big.py").open("w") as file:
            for _ in range(5):
                file.write("x = 1\n" * 100)
                file.flush()
                time.sleep(0.1)

    worker = threading.Thread(target=write)
    worker.start()
    assert patrol.next_batch(WAIT_S) == {str(folder / "big.py")}
    sizes.append((folder / "big.py").stat().st_size)
    worker.join()
    patrol.close()
    assert sizes == [3000]


def test_the_folder_itself_may_vanish_and_come_back(folder: Path, tmp_path: Path) -> None:
    """It is said, and the watch goes on."""
    said: list[str] = []
    patrol = Patrol(str(folder), (), None, said.append)
    folder.rename(tmp_path / "away")
    end = time.monotonic() + WAIT_S
    while not said and time.monotonic() < end:
        patrol.next_batch(0.1)
    assert said == [f"{folder} is gone: waiting until it is there again"]
    (tmp_path / "away").rename(folder)
    while len(said) < 2 and time.monotonic() < end:
        patrol.next_batch(0.1)
    assert said[1:] == [f"{folder} is there again"]
    (folder / "one.py").write_text("x = 2\n")
    until(patrol, folder / "one.py")
    patrol.close()


def test_too_much_that_comes_later_is_said_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is watched goes on being watched."""
    said: list[str] = []
    patrol = Patrol(str(folder), (), None, said.append)
    monkeypatch.setattr(tree, "MAX_ENTRIES", 20)
    for number in range(30):
        (folder / "data" / str(number)).mkdir(parents=True)
    while not said:
        assert patrol.next_batch(WAIT_S) == set()
    (folder / "data" / "more").mkdir()
    (folder / "one.py").write_text("x = 2\n")
    until(patrol, folder / "one.py")
    assert len(said) == 1
    assert said[0].startswith("new folders are not watched: ")
    patrol.close()


def test_lost_events_are_made_up_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says that its queue ran over: everything is looked at."""
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    from inotify_simple import Event, flags

    patrol = Patrol(str(folder), (), None, print)
    lost = [Event(-1, flags.Q_OVERFLOW, 0, "")]
    (folder / "one.py").write_text("x = 2\n")
    monkeypatch.setattr(inotify.INotify, "read", lambda *_, **__: lost)
    assert patrol.next_batch(WAIT_S) == {str(folder / "one.py")}
    patrol.close()


# ── which way is chosen ──────────────────────────────────────────────────────────────────────────────────────────


def chosen(folder: Path, poll_s: float | None = None, **environment: str) -> tuple[Means, str]:
    """How the folder is watched, and why."""
    found = look_out(str(folder), poll_s, environment)
    found.lookout.close()
    return found.means, found.why


def test_events_where_there_are_some(folder: Path) -> None:
    """Nothing to say about it, and nothing left in the folder."""
    before = sorted(folder.rglob("*"))
    assert chosen(folder) == (Means.EVENTS, "")
    assert sorted(folder.rglob("*")) == before


def test_polling_for_who_wants_it(folder: Path) -> None:
    """By the option, or by the variable of watchfiles."""
    assert chosen(folder, 0.1) == (Means.POLLING, "")
    assert chosen(folder, WATCHFILES_FORCE_POLLING="1") == (Means.POLLING, "WATCHFILES_FORCE_POLLING is set")


def test_polling_on_a_share(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the type of the file system."""
    monkeypatch.setattr(lookout, "kind_of_file_system", lambda _: "nfs4")
    means, why = chosen(folder)
    assert (means, why) == (Means.POLLING, "it is on nfs4, which does not tell what other machines change there")


@linux
@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.ENOSPC, "max_user_watches=524288"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOSYS, "the system does not tell of changes: Function not implemented"),
    ],
)
def test_polling_at_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: str) -> None:
    """The reason says which one, and how it is raised. The watch goes on in the other way."""
    said: list[str] = []

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(inotify.INotify, "add_watch", refuse)
    patrol = Patrol(str(folder), (), None, said.append)
    assert why in said[0]
    assert why in why_no_events(OSError(number, os.strerror(number)))
    (folder / "one.py").write_text("x = 2\n")
    until(patrol, folder / "one.py")
    patrol.close()


@linux
def test_a_limit_that_is_reached_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new folder is one watch too many: it is looked at from then on."""
    said: list[str] = []
    patrol = Patrol(str(folder), (), None, said.append)

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(inotify.INotify, "add_watch", refuse)
    (folder / "new").mkdir()
    (folder / "new" / "a.py").write_text("x = 1\n")
    until(patrol, folder / "new" / "a.py")
    assert "src is looked at again and again: inotify is at its limit of watches" in said[0]
    assert (len(said), patrol.means) == (1, "polling")
    (folder / "new" / "a.py").write_text("x = 2\n")
    until(patrol, folder / "new" / "a.py")
    patrol.close()


@linux
def test_polling_where_inotify_says_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems have it, and it never tells of anything."""
    monkeypatch.setattr(inotify, "PROBE_S", 0.05)
    monkeypatch.setattr(inotify.INotify, "read", lambda *_, **__: [])
    assert chosen(folder) == (
        Means.POLLING,
        "the system does not tell of changes: inotify is there, but does not tell of anything",
    )
