"""What is special about the embedded store: one file, which a process may have open more than once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from livecode.errors import StoreError
from livecode.fleet.store import Head
from livecode.fleet.stores.sqlite import open_store

LAST_ONE = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM heads').fetchall(); c.close()"
)
"""Opens and closes the file in a process of its own, which tidies up if it believes to be alone with it."""


def test_a_second_connection_leaves_the_first_one_its_locks(tmp_path: Path) -> None:
    """Who pushes within a worker opens the worker's file again: others must still see that it is in use."""
    path = tmp_path / "shop.sqlite"
    worker = open_store(f"sqlite://{path}", "shop")
    worker.publish(0, Head(1, "one"))
    pusher = open_store(f"sqlite://{path}", "shop")
    assert pusher.head() == Head(1, "one")
    subprocess.run([sys.executable, "-c", LAST_ONE, str(path)], check=True)
    assert path.with_name("shop.sqlite-wal").exists()
    pusher.publish(1, Head(2, "two"))
    pusher.close()
    assert worker.head() == Head(2, "two")
    worker.close()


def test_a_file_is_made_for_this_user_alone(tmp_path: Path) -> None:
    """Whoever can read it can read the sources."""
    path = tmp_path / "shop.sqlite"
    open_store(f"sqlite://{path}", "shop").head()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    """A folder, and a file of something else."""
    with pytest.raises(StoreError, match="cannot be opened: Is a directory"):
        open_store(f"sqlite://{tmp_path}", "shop").head()
    (tmp_path / "other").write_text("no store" * 1000)
    with pytest.raises(StoreError, match="not a database") as raised:
        open_store(f"sqlite://{tmp_path / 'other'}", "shop").head()
    assert isinstance(raised.value.__cause__, sqlite3.DatabaseError)
