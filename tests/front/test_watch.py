"""What is saved under a folder goes live, as one transaction a batch; nothing is left behind."""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from livecode.errors import UsageError
from livecode.front.watching import tree
from livecode.front.watching.watch import Watch, watch
from livecode.model.report import Report, Verdict
from tests.front.targets import KeepingTarget

WAIT_S = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three modules."""
    (tmp_path / "one.py").write_text("x = 1\n")
    (tmp_path / "two.py").write_text("y = 1\n")
    (tmp_path / "three.py").write_text("z = 1\n")
    return tmp_path


@pytest.fixture
def target(folder: Path) -> KeepingTarget:
    """A service that has loaded them."""
    return KeepingTarget({name: folder / f"{name}.py" for name in ("one", "two", "three")})


@pytest.fixture
def said() -> queue.SimpleQueue[Report | str]:
    """What the watcher says."""
    return queue.SimpleQueue()


@pytest.fixture
def watched(folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]) -> Iterator[Watch]:
    """A watch of the folder."""
    with watch(folder, target, said.put) as running:
        yield running


def save_all(folder: Path, files: dict[str, str]) -> None:
    """Saves several files as one: an editor does it within a moment, which a busy machine cannot promise."""
    lock = folder / ".git" / "index.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    for name, text in files.items():
        (folder / name).write_text(text)
    lock.unlink()


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
    assert len(pushes(target)) == 1


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
    assert isinstance(said.get(timeout=WAIT_S), Report)
    (folder / "new.py").write_text("")  # said to be not loaded: the batch with the broken source is over then
    assert "new.py: not loaded in shop" in str(said.get(timeout=WAIT_S))
    (folder / "one.py").write_text("x = 3\n")
    assert watched.next(WAIT_S).verdict is Verdict.LIVE
    assert [r.verdict for r in watched.reports] == [Verdict.NOT_SENT, Verdict.LIVE]
    assert target.source("one") == "x = 3\n"


def test_what_is_put_back_to_what_runs_is_said(
    watched: Watch, folder: Path, said: queue.SimpleQueue[Report | str]
) -> None:
    """Nothing is pushed then, and nobody should have to guess whether it was noticed."""
    (folder / "one.py").write_text("x = (\n")
    assert isinstance(said.get(timeout=WAIT_S), Report)
    (folder / "one.py").write_text("x = 1\n")
    assert str(said.get(timeout=WAIT_S)).endswith("one.py: one is what runs again")
    assert watched.state.behind == ()


@pytest.mark.parametrize("now", ["x = 1\n", "x = 2\n"])
def test_a_file_that_was_gone_and_goes_again_is_said_again(
    watched: Watch, folder: Path, said: queue.SimpleQueue[Report | str], now: str
) -> None:
    """As it was or with another source, it is there again in between."""
    for _ in range(2):
        (folder / "one.py").unlink()
        assert "one.py is gone: one stays loaded" in str(said.get(timeout=WAIT_S))
        (folder / "one.py").write_text(now)
        word = said.get(timeout=WAIT_S)
        assert isinstance(word, Report) or str(word).endswith("one.py is there again, and is what runs")


@pytest.mark.parametrize("poll_s", [None, 0.05])
def test_a_file_that_has_a_link_in_the_same_folder_goes_live(
    folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str], poll_s: float | None
) -> None:
    """It has two names there, and one module was loaded from it."""
    (folder / "link.py").symlink_to("one.py")
    with watch(folder, target, said.put, poll_s=poll_s) as watched:
        (folder / "one.py").write_text("x = 2\n")
        assert watched.next(WAIT_S).modules == ("one",)
        assert said.qsize() == 1


def test_a_module_that_was_loaded_through_a_link_goes_live(
    folder: Path, target: KeepingTarget, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Sources that a deploy or a build tool links to are saved where they are."""
    real = tmp_path_factory.mktemp("elsewhere") / "source.py"
    real.write_text("x = 1\n")
    (folder / "one.py").unlink()
    (folder / "one.py").symlink_to(real)
    with watch(folder, target) as watched:
        real.write_text("x = 2\n")
        assert watched.next(WAIT_S).modules == ("one",)


def test_what_was_held_back_goes_along_with_the_repair(watched: Watch, folder: Path, target: KeepingTarget) -> None:
    """A good save that was in a failed transaction is not forgotten; one that was not goes live by itself."""
    save_all(folder, {"one.py": "raise\n", "two.py": "y = 2\n"})
    assert watched.next(WAIT_S).verdict is Verdict.ROLLED_BACK
    (folder / "three.py").write_text("z = 2\n")
    assert (report := watched.next(WAIT_S)).ok
    assert report.modules == ("three",)
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
    assert "new.py: not loaded in shop" in str(said.get(timeout=WAIT_S))
    (folder / "new.py").write_text("a = 2\n")
    (folder / "one.py").write_text("x = 2\n")
    assert isinstance(said.get(timeout=WAIT_S), Report)
    assert len(watched.reports) == 1


def test_a_lost_service_is_said_and_the_watch_goes_on(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """What was saved meanwhile goes live by itself when the service is back."""
    target.gone = True
    (folder / "one.py").write_text("x = 2\n")
    assert "saved, not pushed: no service named 'shop'" in str(said.get(timeout=WAIT_S))
    assert [each.why for each in watched.state.behind] == ["no worker answered"]
    target.gone = False
    assert watched.next(WAIT_S).modules == ("one",)
    assert watched.state.behind == ()


def test_a_service_that_is_back_with_what_was_saved_is_said(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """It was restarted, and has read the file."""
    target.gone = True
    (folder / "one.py").write_text("x = 2\n")
    assert "saved, not pushed" in str(said.get(timeout=WAIT_S))
    target.sources["one"].append("x = 2\n")
    target.gone = False
    assert said.get(timeout=WAIT_S) == "shop answers again, and runs what was saved"
    assert (watched.reports, watched.state.behind) == ((), ())


def test_an_emptied_file_is_not_pushed(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """It is more likely to be half of a save than a wish to remove everything."""
    (folder / "one.py").write_text("")
    assert "it is empty, not pushed" in str(said.get(timeout=WAIT_S))
    (folder / "one.py").write_text("x = 2\n")
    assert watched.next(WAIT_S).verdict is Verdict.LIVE
    assert target.source("one", 2) == "x = 2\n"


@pytest.mark.parametrize("poll_s", [None, 0.05])
def test_stop_leaves_no_thread_and_no_descriptor(folder: Path, target: KeepingTarget, poll_s: float | None) -> None:
    """Twice is fine; a save after it does nothing."""
    before, open_before = threading.active_count(), descriptors()
    watched = watch(folder, target, print, poll_s=poll_s)
    assert watched.running
    watched.stop()
    watched.stop()
    assert (threading.active_count(), descriptors()) == (before, open_before)
    assert not watched.running
    assert repr(watched) == f"stopped watching {folder} (0 pushes)"


@pytest.mark.parametrize("wrong", [{"patterns": ["#"]}, {"poll_s": 0.0}, {"poll_s": float("nan")}])
def test_a_watch_that_cannot_begin_leaves_nothing(
    folder: Path, target: KeepingTarget, wrong: dict[str, object]
) -> None:
    """Neither a thread nor a descriptor."""
    before, open_before = threading.active_count(), descriptors()
    with pytest.raises(UsageError):
        watch(folder, target, **wrong)  # type: ignore[arg-type]
    assert (threading.active_count(), descriptors()) == (before, open_before)


def pushes(target: KeepingTarget) -> list[dict[str, object]]:
    """What was pushed; a watch begins with a dry run, so that the first save is as fast as the others."""
    return [call for call in target.calls if "sources" in call]


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/dev/fd"))


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


def test_a_burst_is_one_transaction(watched: Watch, folder: Path, target: KeepingTarget) -> None:
    """All that git checks out."""
    save_all(folder, {"one.py": "x = 2\n", "two.py": "y = 2\n", "three.py": "z = 2\n"})
    assert set(watched.next(WAIT_S).modules) == {"one", "two", "three"}
    assert len(pushes(target)) == 1


def test_a_deleted_module_is_said_once_and_stays(
    watched: Watch, folder: Path, target: KeepingTarget, said: queue.SimpleQueue[Report | str]
) -> None:
    """Others may use it; the command to unload it is named."""
    (folder / "one.py").unlink()
    assert "one.py is gone: one stays loaded; unload it if nothing needs it" in str(said.get(timeout=WAIT_S))
    assert pushes(target) == []
    (folder / "one.py").write_text("x = 2\n")
    assert watched.next(WAIT_S).modules == ("one",)


def test_what_is_behind_is_in_the_state(watched: Watch, folder: Path) -> None:
    """Until the next good save."""
    (folder / "one.py").write_text("x = (\n")
    assert not watched.next(WAIT_S).ok
    assert [(each.modules, each.why) for each in watched.state.behind] == [(("one",), "syntax error, line 1")]
    assert "! one differs from what runs: syntax error, line 1" in str(watched)
    (folder / "one.py").write_text("x = 3\n")
    assert watched.next(WAIT_S).ok
    assert watched.state.behind == ()


@pytest.mark.parametrize("content", [b"caf\xe9 = 1\n", b"x = 1\0\n"])
def test_what_is_no_text_is_a_report(watched: Watch, folder: Path, content: bytes) -> None:
    """It says why, and what runs on."""
    (folder / "one.py").write_bytes(content)
    report = watched.next(WAIT_S)
    assert report.verdict is Verdict.NOT_SENT
    assert "not Python source" in str(report)
    assert "v1 is still live" in str(report)


def test_a_file_of_100_mb_is_not_read(watched: Watch, folder: Path) -> None:
    """Its size says enough."""
    with (folder / "one.py").open("wb") as file:
        file.truncate(100_000_000)
    assert "95.4 MiB, more than the" in str(watched.next(WAIT_S))
    (folder / "one.py").write_text("x = 2\n")
    assert watched.next(WAIT_S).ok


def test_a_folder_that_may_not_be_looked_into_is_left_out(
    folder: Path, target: KeepingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said; root may look into everything, so the answer of the system is played here."""
    secret, scandir = folder / "secret", os.scandir
    secret.mkdir()

    def refuse(path: str) -> object:
        if path == str(secret):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(tree.os, "scandir", refuse)
    with watch(folder, target, print) as watched:
        assert f"{secret} may not be looked into, and is left out" in str(watched)


def test_a_display_that_fails_does_not_end_the_watch(
    folder: Path, target: KeepingTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is told of the next save, too; what went wrong is on standard error."""

    def fail(_: Report | str) -> None:
        raise ValueError("no screen")

    watched = watch(folder, target, fail)
    for text in ("x = 2\n", "x = 3\n"):
        (folder / "one.py").write_text(text)
        assert watched.next(WAIT_S).ok
    watched.stop()
    assert "ValueError: no screen" in capfd.readouterr().err
