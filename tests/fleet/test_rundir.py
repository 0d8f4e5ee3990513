"""Where doors are: which directory, how safe it must be, how files are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livecode.errors import DoorError, UnsafeDirectoryError, UsageError
from livecode.fleet import rundir

VARIABLES = ("LIVECODE_DIR", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (("/a", "/b", "/c"), "/a"),
        (("", "/b:/b2", "/c"), "/b"),
        (("", "", "/c"), "/c/livecode"),
        (("", "", ""), f"/tmp/livecode-{os.geteuid()}"),
    ],
)
def test_directory(environment: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """$LIVECODE_DIR, else $RUNTIME_DIRECTORY, else below $XDG_RUNTIME_DIR, else in /tmp."""
    for name, value in zip(VARIABLES, environment, strict=True):
        monkeypatch.setenv(name, value)
    assert rundir.directory() == expected


def test_made_safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A directory that is made can be entered by its user alone."""
    monkeypatch.setenv("LIVECODE_DIR", str(tmp_path / "doors"))
    assert os.stat(rundir.make_directory()).st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o770, 0o500])
def test_wrong_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    """A directory that others can enter is refused, with the mode and the command that mends it."""
    tmp_path.chmod(mode)
    monkeypatch.setenv("LIVECODE_DIR", str(tmp_path))
    with pytest.raises(UnsafeDirectoryError, match=rf"mode {mode:04o}.*chmod 0700"):
        rundir.make_directory()


def test_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link is refused, wherever it leads: its owner could turn it."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("LIVECODE_DIR", str(tmp_path / "link"))
    with pytest.raises(UnsafeDirectoryError, match="link"):
        rundir.make_directory()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_other_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another user's directory is refused, and both users are named."""
    (tmp_path / "doors").mkdir(mode=0o700)
    os.chown(tmp_path / "doors", 12345, -1)
    monkeypatch.setenv("LIVECODE_DIR", str(tmp_path / "doors"))
    with pytest.raises(UnsafeDirectoryError, match="belongs to user 12345, and this is user 0"):
        rundir.make_directory()


def test_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a file is in the way, that is said."""
    (tmp_path / "doors").write_text("")
    monkeypatch.setenv("LIVECODE_DIR", str(tmp_path / "doors"))
    with pytest.raises(DoorError, match="set LIVECODE_DIR"):
        rundir.make_directory()


def test_long_path() -> None:
    """A path that cannot be bound is refused with both sizes and the way out."""
    with pytest.raises(DoorError, match=rf"bytes and the system allows {rundir.MAX_PATH_BYTES}.*LIVECODE_DIR"):
        rundir.socket_path("/" + "d" * 90, "shop-1234567-0123abcd")


@pytest.mark.parametrize("name", ["shop", "a", "A.b_c-9", "7", "x" * rundir.MAX_NAME])
def test_names(name: str) -> None:
    """A good name survives in the names of its files."""
    assert rundir.check_name(name) == name
    assert rundir.split_stem(rundir.new_stem(name)) == (name, os.getpid())


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "a\n", "x" * (rundir.MAX_NAME + 1), None, 7, b"shop"])
def test_bad_names(name: object) -> None:
    """What cannot be a name is a UsageError that shows it and says what is accepted."""
    with pytest.raises(UsageError, match="cannot be the name of a service"):
        rundir.check_name(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("stem", ["", "shop", "shop-1", "shop-x-ab", "-1-ab", "1-ab"])
def test_foreign_files(stem: str) -> None:
    """Files that are not called like a door's are nobody's door."""
    assert rundir.split_stem(stem) is None


def test_card_is_private_and_complete(doors: Path) -> None:
    """The file beside the socket is this user's alone and replaces nothing by halves."""
    path = rundir.write_card(str(doors), "shop-1-ab", "{}")
    assert (os.stat(path).st_mode & 0o777, os.listdir(doors)) == (0o600, ["shop-1-ab.json"])
