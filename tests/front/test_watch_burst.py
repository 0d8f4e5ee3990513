"""When the saves that belong together are over, and what tells of more to come."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from livecode.front.watching.burst import BOUND_S, BUSY_BOUND_S, MAX_QUIET_S, QUIET_S, Burst
from livecode.front.watching.git import Repository, lock_of
from tests.services import required_program


def burst_of(*times: float) -> Burst:
    """One file is saved at each of these times."""
    burst = Burst()
    for number, now in enumerate(times):
        burst.add(now, [f"{number}.py"])
    return burst


@pytest.mark.parametrize(
    ("times", "silence"),
    [
        ((0.0,), QUIET_S),
        ((0.0, 0.001), QUIET_S * 2),
        ((0.0, 0.001, 0.002), QUIET_S * 4),
        ((0.0, 0.05), 0.15),  # three times its longest pause
        (tuple(n / 1000 for n in range(300)), QUIET_S * 16),
        ((0.0, 0.3), MAX_QUIET_S),
    ],
)
def test_the_silence_at_the_end_grows_with_the_burst(times: tuple[float, ...], silence: float) -> None:
    """One file is live at once; a formatter that pauses at a long file is waited for."""
    assert burst_of(*times).left_s(times[-1]) == pytest.approx(silence)


def test_the_same_file_twice_is_one(tmp_path: Path) -> None:
    """A save in two steps is as fast as one."""
    burst = Burst()
    burst.add(0.0, ["one.py"])
    burst.add(0.002, ["one.py"])
    assert burst.left_s(0.002) == pytest.approx(QUIET_S)
    assert burst.left_s(0.002 + QUIET_S) <= 0


def test_a_burst_without_an_end_is_cut() -> None:
    """What goes on for ever is pushed as far as it came."""
    burst = burst_of(*(n / 100 for n in range(int(BOUND_S * 100) + 1)))
    assert burst.left_s(BOUND_S) <= 0


def test_who_was_busy_is_waited_for_once_more() -> None:
    """The lock of a checkout goes before a poll, or a queue of notices, has told of its last files."""
    burst = burst_of(0.0, 0.001)
    after = BOUND_S + 5.0
    assert burst.left_s(after, busy=True) > 0
    assert burst.left_s(after) <= 0
    burst.wait_from(after)
    assert burst.left_s(after) == pytest.approx(burst.silence_s)


def test_a_file_that_is_being_written_is_waited_for() -> None:
    """Until it is closed, or too long."""
    burst = Burst()
    burst.add(0.0, ["one.py"], {"one.py"})
    assert burst.left_s(1.0) == pytest.approx(BOUND_S - 1.0)
    burst.add(1.0, ["one.py"])
    assert burst.left_s(1.0) <= MAX_QUIET_S


def test_git_is_waited_for() -> None:
    """For longer: it says when it is done."""
    burst = burst_of(0.0)
    assert burst.left_s(5.0, busy=True) == pytest.approx(BUSY_BOUND_S - 5.0)
    assert burst.left_s(5.0) <= 0


def test_git_is_busy_while_it_holds_its_lock(tmp_path: Path) -> None:
    """In the repository itself and in a worktree; a lock of a git that crashed says nothing."""
    main, tree = tmp_path / "main", tmp_path / "tree"
    git = [required_program("git", "apt-get install git"), "-C", str(main), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([git[0], "init", "-q", str(main)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", str(tree)], check=True)
    (main / "src").mkdir()
    for folder in (main / "src", tree):
        lock = lock_of(folder)
        assert lock is not None
        assert not Repository(str(folder)).is_busy
        Path(lock).touch()
        assert Repository(str(folder)).is_busy
        subprocess.run(["touch", "-d", "1 hour ago", lock], check=True)
        assert not Repository(str(folder)).is_busy
    assert lock_of(tmp_path) is None
    assert not Repository(str(tmp_path)).is_busy
