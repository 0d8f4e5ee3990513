"""Patches that git applies, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from livecode.model.patch import FileChange, patch
from tests.services import required_program

HOW = "apt-get install git"


def git(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = required_program("git", HOW)
    return subprocess.run([program, *arguments], cwd=folder, input=given, capture_output=True, check=False)


CASES: dict[str, FileChange] = {
    "lines": FileChange("shop/pricing.py", b"a\nb\nc\n", b"a\nB\nc\nd\n"),
    "carriage returns": FileChange("crlf.py", b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
    "mixed ends": FileChange("mixed.py", b"a\r\nb\nc\r\nd\n", b"a\r\nb\nx\nc\r\nd\n"),
    "old Mac ends": FileChange("mac.py", b"a\rb\rc", b"a\rB\rc"),
    "end is lost": FileChange("lost.py", b"a\nb\n", b"a\nb"),
    "end comes": FileChange("comes.py", b"a\nb", b"a\nb\n"),
    "never an end": FileChange("never.py", b"a\nb", b"a\nc"),
    "latin-1": FileChange("latin.py", b"# coding: latin-1\nx = '\xe9'\n", b"# coding: latin-1\nx = '\xe8\xe9'\n"),
    "byte order mark": FileChange("bom.py", b"\xef\xbb\xbfa = 1\n", b"\xef\xbb\xbfa = 2\n"),
    "form feeds": FileChange("ff.py", b"a\x0c\nb\x0b\x1c\nc\n", b"a\x0c\nb\x0b\x1d\nc\n"),
    "separators": FileChange("sep.py", "x = 1\ns = 'a\u2028b\x85'\n".encode(), "x = 2\ns = 'a\u2028b\x85'\n".encode()),
    "dashes": FileChange("dashes.py", b"-- a\n++ b\n@@ c\n", b"-- b\n++ a\n@@ d\n"),
    "a new file": FileChange("new/module.py", None, b"x = 1\n"),
    "a new file without an end": FileChange("new/bare.py", None, b"x = 1"),
    "a new empty file": FileChange("new/__init__.py", None, b""),
    "a removed file": FileChange("old.py", b"x = 1\ny = 2\n", None),
    "a removed empty file": FileChange("empty.py", b"", None),
    "becomes empty": FileChange("emptied.py", b"x = 1\n", b""),
    "was empty": FileChange("filled.py", b"", b"x = 1\n"),
    "executable": FileChange("bin/run.py", b"#!/usr/bin/python\n", b"#!/usr/bin/python3\n", 0o755),
    "a new program": FileChange("bin/new.py", None, b"#!/usr/bin/python3\n", 0o755),
    "spaces": FileChange("my shop/the file.py", b"a\n", b"b\n"),
    "accents": FileChange("caf\u00e9/\u4ef7.py", b"a\n", b"b\n"),
    "quotes": FileChange('it\'s "x"\\y\tz.py', b"a\n", b"b\n"),
    "far apart": FileChange(
        "long.py",
        b"".join(b"l%d\n" % i for i in range(500)),
        b"".join(b"l%d\n" % i if i % 90 else b"new\n" for i in range(500)),
    ),
}


def written(folder: Path, change: FileChange) -> Path:
    path = folder / change.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if change.before is not None:
        path.write_bytes(change.before)
        path.chmod(change.mode)
    return path


def found(folder: Path, change: FileChange) -> bytes | None:
    """What its file says now."""
    path = folder / change.path
    return path.read_bytes() if path.exists() else None


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("repository", [True, False], ids=["repository", "plain folder"])
def test_git_applies_it(tmp_path: Path, case: str, repository: bool) -> None:
    """`git apply --check` is content, and afterwards the file has the new bytes and its mode."""
    change = CASES[case]
    path = written(tmp_path, change)
    if repository:
        assert git(tmp_path, "init", "-q").returncode == 0
        assert git(tmp_path, "config", "core.autocrlf", "false").returncode == 0
    made = patch([change])
    for arguments in (("apply", "--check"), ("apply",)):
        done = git(tmp_path, *arguments, given=made)
        assert (done.returncode, b"error" in done.stderr) == (0, False), made
        assert b"expected" not in done.stderr  # of the mode
    assert found(tmp_path, change) == change.after
    if change.after is not None:
        assert bool(path.stat().st_mode & 0o100) == bool(change.mode & 0o100)


def test_one_patch_for_all(tmp_path: Path) -> None:
    """Several files are one patch, which is applied as a whole, also in reverse."""
    for change in CASES.values():
        written(tmp_path, change)
    made = patch(CASES.values())
    assert git(tmp_path, "apply", given=made).returncode == 0
    assert [c.path for c in CASES.values() if found(tmp_path, c) != c.after] == []
    assert git(tmp_path, "apply", "-R", given=made).returncode == 0
    assert [c.path for c in CASES.values() if found(tmp_path, c) != c.before] == []


def test_git_makes_the_same_patch(tmp_path: Path) -> None:
    """For a plain change it is what `git diff` prints, so the blobs have git's own names."""
    change = CASES["lines"]
    path = written(tmp_path, change)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    path.write_bytes(change.after or b"")
    theirs = git(tmp_path, "-c", "core.autocrlf=false", "diff", "--full-index", "--no-color").stdout
    assert patch([change]) == theirs


def test_nothing_is_an_empty_patch() -> None:
    """What does not differ is not in it."""
    assert patch([FileChange("a.py", b"x\n", b"x\n")]) == b""
