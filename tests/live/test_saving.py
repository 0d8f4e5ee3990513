"""The files of modules: what they say beside what runs, what stands in the way of saving, and saving."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import livecode
from livecode.live import saving, tracking
from livecode.live.process import Process, this_process
from livecode.live.running import MAX_VERSIONS
from livecode.model.nouns import checksum
from livecode.model.saving import FileFound, FileSaved, FileState, SaveOrder, SaveVerdict

ONE = "x = 1\ndef f():\n    return x\n"
TWO = "x = 1\ndef f():\n    return x + 1\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tracked folder, which is the working folder, too."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    livecode.track(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("saved_"):
            del sys.modules[name]
    tracking.untrack_all()


@pytest.fixture
def process() -> Process:
    """What the modules run in."""
    return this_process()


def loaded(project: Path, name: str, data: bytes = ONE.encode(), pushed: str | None = TWO) -> Path:
    """The file of a module that was loaded from it, and pushed since."""
    path = project / f"{name}.py"
    path.write_bytes(data)
    importlib.invalidate_caches()
    importlib.import_module(name)
    if pushed is not None:
        assert livecode.push({name: pushed}).ok
    return path


def ordered(found: FileFound) -> SaveOrder:
    return SaveOrder(found.module, found.checksum, found.path, found.found)


def saved(process: Process, *names: str, force: bool = False, place: str = "") -> tuple[FileSaved, ...]:
    """Looks and saves, as one who asks at the door."""
    looks = [saving.look(process, name, force=force, place=place) for name in names]
    return saving.save(process, [ordered(found) for found in looks], force=force, key="k")


def codes(found: FileFound | FileSaved) -> list[str]:
    return [refusal.code for refusal in found.refusals]


def test_what_runs_is_written_and_is_on_disk_then(project: Path, process: Process) -> None:
    """The file says what runs, the status says so, and a second time there is nothing to do."""
    path = loaded(project, "saved_plain")
    (file,) = saved(process, "saved_plain")
    assert (file.verdict, file.version, file.added, file.removed) == (SaveVerdict.SAVED, 2, 1, 1)
    assert path.read_text() == TWO
    (module,) = [m for m in livecode.status()[0].modules if m.module == "saved_plain"]
    assert module.disk == "same"
    assert saved(process, "saved_plain")[0].verdict is SaveVerdict.SAME
    assert livecode.push({"saved_plain": TWO}).verdict is livecode.Verdict.SAME


def test_again_and_again(project: Path, process: Process) -> None:
    """What was saved counts as known: later versions are saved over it, and an undo over them."""
    path = loaded(project, "saved_often")
    saved(process, "saved_often")
    livecode.push({"saved_often": TWO.replace("+ 1", "+ 2")})
    assert saved(process, "saved_often")[0].verdict is SaveVerdict.SAVED
    livecode.undo("saved_often", to=1)
    assert saved(process, "saved_often")[0].verdict is SaveVerdict.SAVED
    assert path.read_text() == ONE


LATIN = "# -*- coding: latin-1 -*-\nx = 'é'\n"
NAMES = {
    "utf8": (b"x = 1\n", "x = 'é€'\n", "x = 'é€'\n".encode()),
    "mark": (b"\xef\xbb\xbfx = 1\n", "x = 2\n", b"\xef\xbb\xbfx = 2\n"),
    "latin": (LATIN.encode("latin-1"), LATIN.replace("é", "è"), LATIN.replace("é", "è").encode("latin-1")),
    "crlf": (b"x = 1\r\ny = 1\r\n", "x = 2\ny = 1\nz = 1\n", b"x = 2\r\ny = 1\r\nz = 1\r\n"),
    "mac": (b"x = 1\ry = 1\r", "x = 2\ny = 1\n", b"x = 2\ry = 1\r"),
    "mixed": (b"x = 1\r\ny = 1\nz = 1\r\n", "x = 1\ny = 1\nw = 1\nz = 1\n", b"x = 1\r\ny = 1\nw = 1\r\nz = 1\r\n"),
    "latin_crlf": (
        LATIN.encode("latin-1").replace(b"\n", b"\r\n"),
        LATIN + "y = 'à'\n",
        (LATIN + "y = 'à'\n").encode("latin-1").replace(b"\n", b"\r\n"),
    ),
    "no_end": (b"x = 1\n", "x = 2", b"x = 2"),
    "feed": (b"x = 1\n\x0c\ny = 1\n", "x = 1\n\x0c\ny = 2\n", b"x = 1\n\x0c\ny = 2\n"),
}


@pytest.mark.parametrize("name", NAMES)
def test_encoding_and_line_ends_are_kept(project: Path, process: Process, name: str) -> None:
    """By the cookie of the text, by the byte order mark and the line ends of the file."""
    before, source, expected = NAMES[name]
    path = loaded(project, f"saved_{name}", before, source)
    (file,) = saved(process, f"saved_{name}")
    assert file.verdict is SaveVerdict.SAVED
    assert path.read_bytes() == expected
    assert saved(process, f"saved_{name}")[0].verdict is SaveVerdict.SAME


def test_another_encoding_is_told(project: Path, process: Process) -> None:
    """A text without the cookie that the file had is UTF-8, as Python will read it."""
    path = loaded(project, "saved_recoded", LATIN.encode("latin-1"), "x = 'é'\n")
    (file,) = saved(process, "saved_recoded")
    assert path.read_text("utf-8") == "x = 'é'\n"
    assert "its encoding becomes utf-8" in file.remarks[0]


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("narrow", "# coding: latin-1\nx = 'a'\ny = '€'\n", "line 3 has '\\u20ac', which iso-8859-1 cannot say"),
        ("unheard", "# coding: klingon\nx = 1\n", "unknown encoding"),
        ("wide", "# coding: utf-16\nx = 1\n", "not Python source"),
    ],
)
def test_what_python_could_not_read_again_is_refused(
    project: Path, process: Process, name: str, source: str, why: str
) -> None:
    """A push does not look at the cookie; the file would."""
    path = loaded(project, f"saved_{name}", pushed=source)
    (file,) = saved(process, f"saved_{name}")
    assert (file.verdict, codes(file)) == (SaveVerdict.REFUSED, ["LC416"])
    assert why in file.refusals[0].what
    assert path.read_text() == ONE


def test_a_file_that_changed_meanwhile_is_refused(project: Path, process: Process) -> None:
    """It is neither what was loaded nor what ran: says how much changed, and when; --force writes over it."""
    path = loaded(project, "saved_edited")
    path.write_text(ONE + "theirs = 1\n")
    (file,) = saved(process, "saved_edited")
    assert (file.verdict, codes(file)) == (SaveVerdict.REFUSED, ["LC412"])
    assert "+1 −0 lines (file of " in file.refusals[0].what
    assert path.read_text() == ONE + "theirs = 1\n"
    assert saved(process, "saved_edited", force=True)[0].verdict is SaveVerdict.SAVED
    assert path.read_text() == TWO


def test_a_file_that_says_what_ran_earlier_is_written_over(project: Path, process: Process) -> None:
    """Nothing is lost: that version is remembered."""
    path = loaded(project, "saved_back")
    livecode.push({"saved_back": TWO.replace("+ 1", "+ 2")})
    path.write_text(TWO)
    assert saving.look(process, "saved_back").state is FileState.EARLIER
    assert saved(process, "saved_back")[0].verdict is SaveVerdict.SAVED


def test_a_file_that_somebody_knows_to_be_older_is_written_over(project: Path, process: Process) -> None:
    """The log remembers more than a process."""
    path = loaded(project, "saved_known")
    path.write_text("x = 0\n")
    assert codes(saving.look(process, "saved_known")) == ["LC412"]
    assert codes(saving.look(process, "saved_known", known=[checksum("x = 0\n")])) == []


def test_a_file_that_vanished_is_not_made_again_unless_forced(project: Path, process: Process) -> None:
    """Somebody removed or renamed it; that is a change, too."""
    path = loaded(project, "saved_gone")
    path.unlink()
    (file,) = saved(process, "saved_gone")
    assert (codes(file), path.exists()) == (["LC412"], False)
    assert "--force makes it again" in file.refusals[0].way_out
    (file,) = saved(process, "saved_gone", force=True)
    assert (file.verdict, file.is_new, path.read_text()) == (SaveVerdict.SAVED, True, TWO)


def test_a_link_stays_and_its_target_is_written(
    project: Path, process: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The module's path may be a link to a file elsewhere."""
    target = tmp_path_factory.mktemp("elsewhere") / "real.py"
    target.write_text(ONE)
    (project / "saved_link.py").symlink_to(target)
    importlib.import_module("saved_link")
    livecode.push({"saved_link": TWO})
    (file,) = saved(process, "saved_link")
    assert (file.verdict, file.path, file.link) == (SaveVerdict.SAVED, str(target), str(project / "saved_link.py"))
    assert (project / "saved_link.py").is_symlink()
    assert target.read_text() == TWO


def test_other_names_of_the_file_are_told(project: Path, process: Process) -> None:
    """A hard link keeps the old text, as the file is replaced."""
    path = loaded(project, "saved_hard")
    os.link(path, project / "twin.txt")
    (file,) = saved(process, "saved_hard")
    assert file.remarks == ("the file has 1 other name (hard links), which keep the old text",)
    assert (project / "twin.txt").read_text() == ONE


def test_a_read_only_file_is_refused(project: Path, process: Process) -> None:
    """Also for root, who could: somebody meant it; says how to change it."""
    path = loaded(project, "saved_locked")
    path.chmod(0o444)
    (file,) = saved(process, "saved_locked", force=True)
    assert codes(file) == ["LC414"]
    assert file.refusals[0].way_out == f"chmod u+w {path}"
    assert path.read_text() == ONE


def test_a_folder_that_cannot_be_written_is_refused(
    project: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found before anything is written."""
    loaded(project, "saved_folder")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(project) and real(path, mode))
    (file,) = saved(process, "saved_folder")
    assert codes(file) == ["LC414"]
    assert str(project) in file.refusals[0].what


def test_what_is_no_regular_file_is_refused(project: Path, process: Process) -> None:
    """A pipe would keep who opens it waiting for ever."""
    path = loaded(project, "saved_pipe")
    path.unlink()
    os.mkfifo(path)
    assert codes(saving.look(process, "saved_pipe", force=True)) == ["LC414"]


def test_a_new_module_goes_into_the_folder_of_its_package(project: Path, process: Process) -> None:
    """Where an import would find it; from then on it has that file."""
    (project / "saved_shop").mkdir()
    (project / "saved_shop" / "__init__.py").write_text("")
    importlib.invalidate_caches()
    importlib.import_module("saved_shop")
    livecode.push({"saved_shop.promo": "RATE = 2\n"})
    (file,) = saved(process, "saved_shop.promo")
    path = project / "saved_shop" / "promo.py"
    assert (file.verdict, file.path, file.is_new, file.added) == (SaveVerdict.SAVED, str(path), True, 1)
    assert path.read_text() == "RATE = 2\n"
    (module,) = [m for m in livecode.status()[0].modules if m.module == "saved_shop.promo"]
    assert (module.disk, module.file) == ("same", str(path))
    livecode.push({"saved_shop.promo": "RATE = 3\n"})
    assert saved(process, "saved_shop.promo")[0].verdict is SaveVerdict.SAVED
    assert path.read_text() == "RATE = 3\n"


def test_a_new_package_gets_its_folder(project: Path, process: Process) -> None:
    """With its modules, all at once."""
    livecode.push({"saved_pack": "A = 1\n", "saved_pack.inner": "B = 1\n"})
    place = str(project / "saved_pack" / "__init__.py")
    looks = [saving.look(process, name) for name in ("saved_pack", "saved_pack.inner")]
    assert [found.path for found in looks] == [place, str(project / "saved_pack" / "inner.py")]
    files = saving.save(process, [ordered(found) for found in looks])
    assert [file.verdict for file in files] == [SaveVerdict.SAVED] * 2
    assert (project / "saved_pack" / "inner.py").read_text() == "B = 1\n"


def test_a_new_module_that_could_be_in_two_places(
    project: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two are named; the end of one of the paths says which."""
    (project / "lib").mkdir()
    monkeypatch.syspath_prepend(project / "lib")
    livecode.push({"saved_where": "x = 1\n"})
    found = saving.look(process, "saved_where")
    assert codes(found) == ["LC415"]
    assert str(project / "lib" / "saved_where.py") in found.refusals[0].what
    (file,) = saved(process, "saved_where", place="lib/saved_where.py")
    assert file.path == str(project / "lib" / "saved_where.py")


@pytest.mark.parametrize("place", ["../evil.py", "/tmp/evil.py", "saved_new.py/../../evil.py", "other.py", "/"])
def test_nothing_else_can_be_written(project: Path, process: Process, place: str) -> None:
    """Neither for a module with a file nor for one without."""
    loaded(project, "saved_own")
    livecode.push({"saved_new": "x = 1\n"})
    for name in ("saved_own", "saved_new"):
        assert codes(saving.look(process, name, place=place, force=True)) == ["LC415"]
    order = SaveOrder("saved_own", saving.look(process, "saved_own").checksum, place, "")
    assert saving.save(process, [order], force=True)[0].verdict is SaveVerdict.REFUSED
    assert not Path("/tmp/evil.py").exists()


def test_a_new_module_outside_of_tracked_folders(project: Path, process: Process) -> None:
    """It has no place."""
    assert project
    livecode.push({"saved_lost": "x = 1\n"})
    tracking.untrack_all()
    assert codes(saving.look(process, "saved_lost")) == ["LC415"]


def test_a_file_that_is_there_already_is_not_that_of_a_new_module(project: Path, process: Process) -> None:
    """It was never loaded from it."""
    livecode.push({"saved_twice": "x = 1\n"})
    (project / "saved_twice.py").write_text("x = 2\n")
    found = saving.look(process, "saved_twice")
    assert codes(found) == ["LC412"]
    assert "was never loaded from it" in found.refusals[0].what


def test_an_unloaded_module(project: Path, process: Process) -> None:
    """No file is removed; how it differs can be seen."""
    path = loaded(project, "saved_away")
    livecode.unload("saved_away")
    found = saving.look(process, "saved_away")
    assert (found.checksum, found.path, codes(found)) == ("", str(path), ["LC507"])
    contents = saving.contents(process, "saved_away", "")
    assert (contents.before_bytes, contents.after_bytes) == (ONE.encode(), None)


def test_a_module_of_an_installed_package_takes_force(
    project: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the service's own."""
    packages = project / "site-packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    (packages / "saved_foreign.py").write_text(ONE)
    importlib.import_module("saved_foreign")
    assert livecode.push({"saved_foreign": TWO}, force=True).ok
    assert codes(saving.look(process, "saved_foreign")) == ["LC504"]
    assert saved(process, "saved_foreign", force=True)[0].verdict is SaveVerdict.SAVED


def test_unknown_modules(process: Process) -> None:
    """A name that nobody loaded has no file."""
    assert codes(saving.look(process, "saved_never")) == ["LC507"]
    assert codes(saving.look(process, "_socket"))[0] in ("LC201", "LC508")  # an extension, or built in


def test_all_or_nothing(project: Path, process: Process) -> None:
    """One that is refused keeps the others from being written."""
    first, second = loaded(project, "saved_first"), loaded(project, "saved_second")
    second.write_text("theirs = 1\n")
    files = saved(process, "saved_first", "saved_second")
    assert [file.verdict for file in files] == [SaveVerdict.UNDONE, SaveVerdict.REFUSED]
    assert first.read_text() == ONE


def test_a_write_that_fails_is_told_file_by_file(
    project: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that failed says why; the others are as they were."""
    first = loaded(project, "saved_third")
    loaded(project, "saved_fourth")
    real = os.replace

    def replace(source: str, target: str) -> None:
        if target.endswith("saved_fourth.py"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr("livecode.live.files.os.replace", replace)
    files = saved(process, "saved_third", "saved_fourth")
    assert [file.verdict for file in files] == [SaveVerdict.UNDONE] * 2
    assert [bool(file.failure) for file in files] == [False, True]
    assert first.read_text() == ONE


def test_what_changed_since_it_was_looked_at_is_refused(project: Path, process: Process) -> None:
    """The file, and what runs."""
    path = loaded(project, "saved_moving")
    found = saving.look(process, "saved_moving")
    path.write_text(TWO.replace("+ 1", "+ 9"))
    livecode.push({"saved_moving": TWO.replace("+ 1", "+ 9")})
    livecode.push({"saved_moving": TWO})
    (file,) = saving.save(process, [ordered(found)])
    assert codes(file) == ["LC412"]
    livecode.push({"saved_moving": TWO.replace("+ 1", "+ 7")})
    (file,) = saving.save(process, [ordered(found)])
    assert codes(file) == ["LC413"]


def test_a_save_can_be_put_back_once(project: Path, process: Process) -> None:
    """By who knows its key, unless somebody wrote the file meanwhile."""
    path = loaded(project, "saved_undone")
    saved(process, "saved_undone")
    assert saving.put_back("other")
    saving.save(process, [ordered(saving.look(process, "saved_undone"))], key="k")
    path.write_text(ONE)
    saved(process, "saved_undone")
    assert saving.put_back("k") == ()
    assert path.read_text() == ONE
    saved(process, "saved_undone")
    path.write_text("theirs = 1\n")
    assert saving.put_back("k") == (str(path),)
    assert path.read_text() == "theirs = 1\n"


def test_a_repository_and_the_working_folder_are_told(project: Path, process: Process) -> None:
    """So that a patch has paths that fit."""
    loaded(project, "saved_repo")
    (project / ".git").mkdir()
    found = saving.look(process, "saved_repo")
    assert (found.root, found.folder) == (str(project), str(project))


def test_what_was_written_is_known_however_many_versions_ago(project: Path, process: Process) -> None:
    """Versions are forgotten some time; the file is still the one that was saved."""
    path = loaded(project, "saved_long_ago")
    saved(process, "saved_long_ago")
    for number in range(MAX_VERSIONS + 2):
        livecode.push({"saved_long_ago": f"x = {number + 100}\n"})
    assert saved(process, "saved_long_ago")[0].verdict is SaveVerdict.SAVED
    assert path.read_text() == f"x = {MAX_VERSIONS + 101}\n"


def test_what_is_written_is_what_was_checked(project: Path, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that comes in between is not what was looked at."""
    path = loaded(project, "saved_race")
    real = saving._begun

    def begun(order: SaveOrder, found: FileFound) -> FileSaved:
        livecode.push({"saved_race": TWO.replace("+ 1", "+ 5")})
        return real(order, found)

    monkeypatch.setattr(saving, "_begun", begun)
    (file,) = saved(process, "saved_race")
    assert (file.verdict, file.checksum, path.read_text()) == (SaveVerdict.SAVED, checksum(TWO), TWO)
