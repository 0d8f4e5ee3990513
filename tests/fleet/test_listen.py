"""listen(): one line, light, once a process, off when it is switched off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from livecode.errors import UnsafeDirectoryError, UsageError
from livecode.fleet.discovery import look
from livecode.fleet.listen import Listener, listen
from livecode.live import tracking
from tests.services import Services

pytestmark = pytest.mark.usefixtures("forgetful")


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Takes back what tracking changed in this process."""
    yield
    tracking.untrack_all()


@pytest.fixture
def listener(doors: Path) -> Iterator[Listener]:
    """This process, listening."""
    with listen("shop", track=()) as opened:
        yield opened


def test_attachable(listener: Listener) -> None:
    """After listen() a look finds this process, under the name it gave itself."""
    (found,) = look("shop").workers
    assert (found.worker.name, found.worker.pid, found.path) == ("w1", os.getpid(), listener.path)


def test_twice(listener: Listener) -> None:
    """The same name again is the same listener: a module that is imported twice does no harm."""
    assert listen("shop") is listener


def test_another_name(listener: Listener) -> None:
    """Another name is refused, and both are named."""
    with pytest.raises(UsageError, match="listens as 'shop' already, so it cannot listen as 'bar' too"):
        listen("bar")
    assert not listener.closed


def test_closed_and_reopened(listener: Listener) -> None:
    """A closed listener has left the directory, and another name can be taken."""
    listener.close()
    assert (listener.closed, listener.path, look().workers) == (True, "", ())
    with listen("bar", track=()) as again:
        assert [found.worker.service for found in look().workers] == ["bar"]
    assert again.closed


def test_repr(listener: Listener) -> None:
    """repr says what it is and where."""
    assert repr(listener) == f"<livecode.Listener 'shop', open at {listener.path}>"
    listener.close()
    assert repr(listener) == "<livecode.Listener 'shop', closed>"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x" * 49, None])
def test_bad_name(doors: Path, name: object) -> None:
    """A bad name opens nothing."""
    with pytest.raises(UsageError, match="cannot be the name of a service"):
        listen(name)  # type: ignore[arg-type]
    assert list(doors.iterdir()) == []


def test_switched_off(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LIVECODE=0 nothing is opened, tracked or imported, and the program runs on."""
    monkeypatch.setenv("LIVECODE", "0")
    with listen("shop") as listener:
        assert (listener.closed, listener.path, listener.name) == (True, "", "shop")
    assert list(doors.iterdir()) == []
    assert tracking.folders() == ()


def test_unsafe_directory(doors: Path) -> None:
    """listen() opens nothing in a directory that others can enter."""
    doors.chmod(0o755)
    with pytest.raises(UnsafeDirectoryError, match="chmod 0700"):
        listen("shop", track=())
    doors.chmod(0o700)


def test_tracks_the_working_folder(doors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `track` the working folder is tracked."""
    monkeypatch.chdir(tmp_path)
    with listen("shop"):
        assert tracking.folders() == (str(tmp_path),)


@pytest.mark.parametrize("where", ["/", "gone"])
def test_untrackable_working_folder(
    doors: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """A working folder that cannot be tracked is no reason not to listen."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / where)
    (tmp_path / "gone").rmdir()
    with listen("shop") as listener:
        assert (listener.closed, tracking.folders()) == (False, ())
    monkeypatch.chdir("/")


def test_tracks_what_it_is_told(doors: Path, tmp_path: Path) -> None:
    """`track` takes one folder or several."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with listen("shop", track=tmp_path / "a"), listen("shop"):
        assert tracking.folders() == (str(tmp_path / "a"),)
    with listen("shop", track=[str(tmp_path / "b")]):
        assert tracking.folders()[-1] == str(tmp_path / "b")


def test_folder_that_was_asked_for(doors: Path, tmp_path: Path) -> None:
    """A folder that was named must be there, or nothing is opened."""
    with pytest.raises(UsageError, match="does not exist"):
        listen("shop", track=tmp_path / "missing")
    assert list(doors.iterdir()) == []


IMPORTS = """
import json, os, sys, socket, threading
before = set(sys.modules)
{way}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HEAVY = {"IPython", "zmq", "ipykernel", "jupyter_client", "tornado", "watchfiles", "rich", "click", "asyncio"}
HEAVY |= {"dataclasses", "inspect", "ast", "typing", "concurrent", "logging", "re", "pathlib", "subprocess"}
INNER: tuple[str, ...] = (
    "livecode.engine",
    "livecode.model",
    "livecode.front",
    "livecode.live.process",
    "livecode.fleet.ops",
    "livecode.fleet.compil",
)
INNER += ("livecode.live.code_cache", "livecode.live.compiling")


@pytest.mark.parametrize(
    "way",
    [
        "import livecode; livecode.listen('shop')",
        "from livecode.fleet.listen import listen; listen('shop')",
        "os.environ['LIVECODE'] = '0'; from livecode.fleet.listen import listen; listen('shop')",
    ],
)
def test_imports(services: Services, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the door imports neither front end nor engine nor model, and little of the standard library."""
    monkeypatch.chdir(tmp_path)
    script = services.script(IMPORTS.format(way=way))
    printed, errors = script.communicate(timeout=60)
    assert (errors, script.returncode) == ("", 0)
    imported = json.loads(printed)
    assert "livecode.fleet.listen" in imported
    assert not [name for name in imported if name.partition(".")[0] in HEAVY or name.startswith(INNER)]
