"""What is saved under a folder goes live, as one transaction a batch; nothing is left behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchfiles import Change

from livecode.errors import UsageError
from livecode.front.watch import Watch, is_source, watch
from livecode.model.report import Report, Verdict
from tests.front.targets import KeepingTarget

WAIT_S = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two modules."""
    (tmp_path / "one.py").write_text("x = 1\n")
    (tmp_path / "two.py").write_text("y = 1\n")
    return tmp_path


@pytest.fixture
def target(folder: Path) -> KeepingTarget:
    """A service that has loaded both."""
    return KeepingTarget({"one": folder / "one.py", "two": folder / "two.py"})


@pytest.fixture
def said() -> queue.SimpleQueue[Report | str]:
    """What the watcher says."""
    return queue.SimpleQueue()


@pytest.fixture
def watched(folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]) -> Iterator[Watch]:
    """A watch of the folder."""
    with watch(folder, target, said.put) as running:
        yield running


def test_what_is_saved_goes_live(watched: Watch, folder: Path, target: KeepingTarget) -> None:
    """One save is one push of the module with that file."""
    (folder / "one.py").write_text("x = 2\n")
    report = watched.next(WAIT_S)
    assert (report.verdict, report.modules) == (Verdict.LIVE, ("one",))
    assert target.source("one") == "x = 2\n"
    assert watched.reports == (report,)


def test_a_save_without_a_change_is_not_pushed(watched: Watch, folder: Path, target: KeepingTarget) -> None:
    """The checksum decides, not the time of the file."""
    (folder / "one.py").write_text("x = 1\n")
    (folder / "two.py").write_text("y = 2\n")
    assert watched.next(WAIT_S).modules == ("two",)
    assert len(target.calls) == 1


def test_an_atomic_save_is_a_save(watched: Watch, folder: Path) -> None:
    """Editors write beside the file and rename."""
    (folder / ".one.py.swp").write_text("x = 2\n")
    (folder / ".one.py.swp").rename(folder / "one.py")
    assert watched.next(WAIT_S).modules == ("one",)


def test_a_failed_save_is_said_once_and_repaired_by_the_next(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """The same broken source again says nothing; the next good one goes live."""
    (folder / "one.py").write_text("x = (\n")
    assert watched.next(WAIT_S).verdict is Verdict.NOT_SENT
    (folder / "one.py").write_text("x = (\n")
    (folder / "new.py").write_text("")  # said to be not loaded: the batch with the broken source is over then
    assert isinstance(said.get(timeout=WAIT_S), Report)
    assert "new.py: not loaded in shop" in str(said.get(timeout=WAIT_S))
    (folder / "one.py").write_text("x = 3\n")
    assert watched.next(WAIT_S).verdict is Verdict.LIVE
    assert [r.verdict for r in watched.reports] == [Verdict.NOT_SENT, Verdict.LIVE]
    assert target.source("one") == "x = 3\n"


def test_what_was_held_back_goes_along_with_the_repair(watched: Watch, folder: Path, target: KeepingTarget) -> None:
    """A good save that was in a failed transaction is not forgotten."""
    (folder / "one.py").write_text("raise\n")
    assert watched.next(WAIT_S).verdict is Verdict.ROLLED_BACK
    (folder / "two.py").write_text("y = 2\n")
    assert watched.next(WAIT_S).modules == ("one", "two")
    (folder / "one.py").write_text("x = 2\n")
    report = watched.next(WAIT_S)
    assert (report.verdict, set(report.modules)) == (Verdict.LIVE, {"one", "two"})
    assert target.source("two") == "y = 2\n"


def test_an_unreadable_save_is_a_report(watched: Watch, folder: Path) -> None:
    """A file that is no text does not end the watch."""
    (folder / "one.py").write_bytes(b"# coding: nonsense\n")
    assert "unreadable file: v1 is still live" in str(watched.next(WAIT_S))
    (folder / "one.py").write_text("x = 2\n")
    assert watched.next(WAIT_S).verdict is Verdict.LIVE


def test_what_is_not_loaded_is_noted_once(watched: Watch, folder: Path, said: queue.SimpleQueue[Report | str]) -> None:
    """A new file is no error, and not a sentence at every save."""
    (folder / "new.py").write_text("a = 1\n")
    assert "new.py: not loaded in shop, not pushed" in str(said.get(timeout=WAIT_S))
    (folder / "new.py").write_text("a = 2\n")
    (folder / "one.py").write_text("x = 2\n")
    assert isinstance(said.get(timeout=WAIT_S), Report)
    assert len(watched.reports) == 1


def test_a_lost_service_is_said_and_the_watch_goes_on(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """What was saved meanwhile goes live when the service is back."""
    target.gone = True
    (folder / "one.py").write_text("x = 2\n")
    assert "saved, not pushed: no service named 'shop'" in str(said.get(timeout=WAIT_S))
    target.gone = False
    (folder / "two.py").write_text("y = 2\n")
    assert set(watched.next(WAIT_S).modules) == {"one", "two"}


def test_an_emptied_file_is_not_pushed(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """It is more likely to be half of a save than a wish to remove everything."""
    (folder / "one.py").write_text("")
    assert "it is empty, not pushed" in str(said.get(timeout=WAIT_S))
    (folder / "one.py").write_text("x = 2\n")
    assert watched.next(WAIT_S).verdict is Verdict.LIVE
    assert target.source("one", 2) == "x = 2\n"


def test_stop_leaves_no_thread(folder: Path, target: KeepingTarget) -> None:
    """Twice is fine; a save after it does nothing."""
    before = threading.active_count()
    watched = watch(folder, target, print)
    assert watched.running
    watched.stop()
    watched.stop()
    assert threading.active_count() == before
    assert not watched.running
    assert repr(watched) == f"stopped watching {folder} (0 pushes)"


def test_next_says_what_it_waited_for(watched: Watch, folder: Path) -> None:
    """No save, no report."""
    with pytest.raises(TimeoutError, match=f"nothing saved under {folder}"):
        watched.next(0.01)


@pytest.mark.parametrize(
    ("path", "why"), [("missing", "does not exist"), ("one.py", "is a file"), ("/", "root of the file system")]
)
def test_only_a_folder_can_be_watched(folder: Path, target: KeepingTarget, path: str, why: str) -> None:
    """And never the whole file system."""
    with pytest.raises(UsageError, match=why):
        watch(folder / path, target)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("one.py", True),
        ("shop/one.py", True),
        ("one.txt", False),
        ("one.py~", False),
        (".#one.py", False),
        ("#one.py", False),
        ("__pycache__/one.py", False),
        (".ipynb_checkpoints/one.py", False),
    ],
)
def test_only_sources_count(path: str, wanted: bool) -> None:
    """Not caches, hidden folders, or what editors leave while they save."""
    folder = Path("/home/ann/.cache/src")
    assert is_source(folder, Change.modified, str(folder / path)) is wanted
    assert not is_source(folder, Change.deleted, str(folder / path))
