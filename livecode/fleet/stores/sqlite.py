"""The embedded store: one SQLite file in the directory of the doors, shared by the workers of one machine.

It is in WAL mode: readers never wait, a killed writer leaves nothing torn, and what was acknowledged survives the end
of any process (``synchronous=NORMAL``: not a power failure, which ends the service too). Time is this machine's.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from livecode.errors import StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch

T = TypeVar("T")

HISTORY = 1000
"""Generations that are kept."""
BUSY_S = 5.0
"""How long a writer waits for another one."""
POLL_S = 0.02
NOTICE = "-head"
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS heads (service TEXT, generation INTEGER, text TEXT, PRIMARY KEY (service, generation));
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, content BLOB);
CREATE TABLE IF NOT EXISTS reports (service TEXT, key TEXT, text TEXT, until REAL, PRIMARY KEY (service, key));
CREATE TABLE IF NOT EXISTS notices (service TEXT, topic TEXT, number INTEGER, PRIMARY KEY (service, topic));
"""
_stores: weakref.WeakSet[SQLiteStore] = weakref.WeakSet()


def open_store(url: str, service: str) -> Store:
    """The store in the file that ``sqlite:///path`` names.

    Raises:
        UsageError: The URL names no file.
    """
    path = unquote(urlsplit(url).path)
    if not path.startswith("/"):
        raise UsageError(f"{url!r} names no file: three slashes and an absolute path, e.g. sqlite:///run/shop.sqlite")
    return SQLiteStore(path, service)


def notice(path: str) -> None:
    """Leaves a notice of a new head beside the store, for those who look by stat(2): a hint, it may be missing."""
    try:
        with open(os.open(f"{path}{NOTICE}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{time.time_ns()}\n")
    except OSError:  # the disk is full: they look at the store itself every so often
        return


class SQLiteStore:
    """A service's log in one file.

    Its connection is closed for the moment of a fork: SQLite keeps what it has locked in memory, and a child that
    inherits this believes to hold locks which are its parent's.
    Source: https://www.sqlite.org/howtocorrupt.html, "Carrying an open database connection across a fork()".
    """

    def __init__(self, path: str, service: str) -> None:
        self.url, self.path, self.service = f"sqlite://{path}", path, service
        self._lock = threading.RLock()
        _stores.add(self)
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._watches: list[_Poll] = []

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def head(self) -> Head:
        return self._ask(self._head)

    def publish(self, base: int, head: Head) -> None:
        if head.generation <= base:
            raise ValueError(f"generation {head.generation} cannot follow {base}")

        def replace(connection: sqlite3.Connection) -> None:
            found = self._head(connection)
            if found.generation != base:
                raise StaleBaseError(base, found.generation)
            connection.execute("INSERT INTO heads VALUES (?, ?, ?)", (self.service, head.generation, head.text))
            connection.execute(
                "DELETE FROM heads WHERE service = ? AND generation <= ?", (self.service, head.generation - HISTORY)
            )
            self._notify(connection, Topic.HEAD)

        self._write(replace)
        notice(self.path)

    def history(self, limit: int) -> tuple[Head, ...]:
        query = "SELECT generation, text FROM heads WHERE service = ? ORDER BY generation DESC LIMIT ?"
        rows = self._ask(lambda connection: connection.execute(query, (self.service, limit)).fetchall())
        return tuple(Head(*row) for row in rows)

    def put(self, blobs: Mapping[str, bytes]) -> None:
        insert = "INSERT OR IGNORE INTO blobs VALUES (?, ?)"
        self._write(lambda connection: connection.executemany(insert, blobs.items()))

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        query = "SELECT content FROM blobs WHERE digest = ?"

        def look(connection: sqlite3.Connection) -> dict[str, bytes]:
            found = ((digest, connection.execute(query, (digest,)).fetchone()) for digest in digests)
            return {digest: row[0] for digest, row in found if row is not None}

        return self._ask(look)

    def report(self, key: str, text: str, ttl_s: float) -> None:
        row = (self.service, key, text, time.time() + ttl_s)

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?)", row)
            self._notify(connection, Topic.REPORTS)

        self._write(keep)

    def withdraw(self, key: str) -> None:
        def forget(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM reports WHERE service = ? AND key = ?", (self.service, key))
            connection.execute("DELETE FROM reports WHERE until < ?", (time.time(),))
            self._notify(connection, Topic.REPORTS)

        self._write(forget)

    def reports(self) -> dict[str, str]:
        query = "SELECT key, text FROM reports WHERE service = ? AND until >= ?"
        return dict(self._ask(lambda connection: connection.execute(query, (self.service, time.time())).fetchall()))

    def watch(self, topic: Topic) -> Watch:
        poll = _Poll(lambda: self._ask(lambda connection: self._noticed(connection, topic)))
        self._watches.append(poll)
        return poll

    def close(self) -> None:
        for poll in self._watches:
            poll.close()
        with self._lock:
            connection, self._connection = self._mine(), None
        if connection is not None:
            connection.close()

    def _head(self, connection: sqlite3.Connection) -> Head:
        query = "SELECT generation, text FROM heads WHERE service = ? ORDER BY generation DESC LIMIT 1"
        row = connection.execute(query, (self.service,)).fetchone()
        return NO_HEAD if row is None else Head(*row)

    def _notify(self, connection: sqlite3.Connection, topic: Topic) -> None:
        upsert = "INSERT INTO notices VALUES (?, ?, 1) ON CONFLICT (service, topic) DO UPDATE SET number = number + 1"
        connection.execute(upsert, (self.service, topic.value))

    def _noticed(self, connection: sqlite3.Connection, topic: Topic) -> int:
        query = "SELECT number FROM notices WHERE service = ? AND topic = ?"
        row = connection.execute(query, (self.service, topic.value)).fetchone()
        return 0 if row is None else int(row[0])

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._using() as connection:
            return question(connection)

    def _write(self, change: Callable[[sqlite3.Connection], object]) -> None:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                change(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._mine() or self._open()
                yield connection
            except sqlite3.Error as error:
                self._drop_broken(error)
                raise StoreError(f"the store {self.path}: {error}{_way_out(error)}") from error

    def before_fork(self) -> None:
        """Closes the connection and lets nobody open one."""
        self._lock.acquire()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def after_fork(self) -> None:
        """Lets it be opened again, in the parent as in the child."""
        self._lock.release()

    def _mine(self) -> sqlite3.Connection | None:
        if self._connection is not None and self._identity() != self._opened:  # removed, and perhaps made anew
            self._connection.close()
            self._connection = None
        return self._connection

    def _identity(self) -> tuple[int, int] | None:
        """What tells the file that is there now from another one of its name."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _open(self) -> sqlite3.Connection:
        try:
            self._make_file()
            self._opened = self._identity()
        except OSError as error:
            raise StoreError(f"the store {self.path} cannot be opened: {error.strerror}") from error
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, SCHEMA_VERSION):
                raise StoreError(f"the store {self.path} was made by another livecode (format {version}): remove it")
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _make_file(self) -> None:
        """Sees to it that there is a file which only this user can read. One that is there is not opened.

        Closing it again would take the locks from every other connection of this process to it, such as that of a
        worker in whose process somebody pushes; the next one to close would then remove what others still write.
        Source: https://www.sqlite.org/howtocorrupt.html, "Posix advisory locks canceled by a separate thread".
        """
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if os.path.isdir(self.path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.path) from None
            if not os.access(self.path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.path) from None

    def _drop_broken(self, error: sqlite3.Error) -> None:
        """After an error that the file itself makes, the next call begins with a new connection."""
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()


_resting: list[SQLiteStore] = []


def _before_fork() -> None:
    _resting[:] = list(_stores)
    for store in _resting:
        store.before_fork()


def _after_fork() -> None:
    while _resting:
        _resting.pop().after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _way_out(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "; make room on that disk, and push again: nothing was changed"
    if "malformed" in text or "not a database" in text:
        return "; it is damaged: remove the file, and push again (the workers keep what they run)"
    if "locked" in text:
        return f"; another process has kept it for {BUSY_S:g} s: try again"
    return ""


class _Poll:
    """A watch that asks every so often: within one machine, workers are woken through their doors first."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number, self._closed = number, threading.Event()
        self._seen = number()

    def wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            try:
                found = self._number()
            except StoreError:
                return True
            if found != self._seen:
                self._seen = found
                return True
            if (left := deadline - time.monotonic()) <= 0 or self._closed.wait(min(left, POLL_S)):
                return False
        return False

    def close(self) -> None:
        self._closed.set()
