"""A STAND-IN for Kyoto Tycoon, which is not packaged: the part of its documented HTTP interface that livecode uses.

    python kyoto_server.py PORT

It is not Kyoto Tycoon. Where a real `ktserver` is installed, the tests use that one.

Source: https://dbmx.net/kyototycoon/spex.html, section Protocol.
"""

from __future__ import annotations

import sys
import threading
import time
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

Rows = dict[bytes, bytes]
DEFAULT = b"shop.kch"
"""The name of the database that is meant where none is named."""


@dataclass(frozen=True, slots=True)
class Record:
    value: bytes
    expires: float


class RefusedError(Exception):
    """Status 450: the logic of a call was not fulfilled."""


class Database:
    """Records in memory. One call at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._records: dict[bytes, Record] = {}

    def get(self, key: bytes) -> bytes | None:
        record = self._records.get(key)
        return record.value if record is not None and record.expires > time.time() else None

    def set(self, key: bytes, value: bytes, rows: Rows) -> None:
        xt = int(rows.get(b"xt", b"1000000000"))
        self._records[key] = Record(value, time.time() + xt if xt >= 0 else -xt)

    def remove(self, key: bytes) -> None:
        if self.get(key) is None:
            raise RefusedError("no record")
        del self._records[key]

    def names(self) -> list[bytes]:
        return [key for key in self._records if self.get(key) is not None]


def rpc_void(database: Database, rows: Rows) -> Rows:
    return {}


def rpc_set(database: Database, rows: Rows) -> Rows:
    database.set(rows[b"key"], rows[b"value"], rows)
    return {}


def rpc_remove(database: Database, rows: Rows) -> Rows:
    database.remove(rows[b"key"])
    return {}


def rpc_cas(database: Database, rows: Rows) -> Rows:
    if database.get(rows[b"key"]) != rows.get(b"oval"):
        raise RefusedError("status conflict")
    if b"nval" in rows:
        database.set(rows[b"key"], rows[b"nval"], rows)
    else:
        database.remove(rows[b"key"])
    return {}


def rpc_match_prefix(database: Database, rows: Rows) -> Rows:
    keys = [key for key in database.names() if key.startswith(rows[b"prefix"])]
    return {b"num": b"%d" % len(keys), **{b"_" + key: b"%d" % n for n, key in enumerate(keys)}}


def rpc_get_bulk(database: Database, rows: Rows) -> Rows:
    found = {key: database.get(key[1:]) for key in rows if key.startswith(b"_")}
    there = {key: value for key, value in found.items() if value is not None}
    return {b"num": b"%d" % len(there), **there}


PROCEDURES: dict[str, Callable[[Database, Rows], Rows]] = {
    f"/rpc/{procedure.__name__.removeprefix('rpc_')}": procedure
    for procedure in (rpc_void, rpc_set, rpc_remove, rpc_cas, rpc_match_prefix, rpc_get_bulk)
}

DECODERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "B": b64decode, "U": unquote_to_bytes}


def read_rows(body: bytes, columns: str) -> Rows:
    decode = DECODERS[columns]
    pairs = (line.split(b"\t", 1) for line in body.split(b"\n") if line)
    return {decode(key): decode(value) for key, value in pairs}


def write_rows(rows: Rows) -> tuple[bytes, str]:
    """A table as the server writes it: as it is where it can, else like URLs if that is short, else base64."""
    flat = b"".join([*rows, *rows.values()])
    if not any(byte < 32 or byte > 126 for byte in flat):
        return b"".join(b"%b\t%b\n" % row for row in rows.items()), ""
    if sum(32 < byte < 127 for byte in flat) > len(flat) * 0.7:
        encoded = {quote_from_bytes(key).encode(): quote_from_bytes(value).encode() for key, value in rows.items()}
        return b"".join(b"%b\t%b\n" % row for row in encoded.items()), "U"
    return b"".join(b"%b\t%b\n" % (b64encode(key), b64encode(value)) for key, value in rows.items()), "B"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    databases: ClassVar[defaultdict[bytes, Database]] = defaultdict(Database)

    def do_POST(self) -> None:
        rows = read_rows(self._body(), (self.headers.get("Content-Type") or "").partition("colenc=")[2])
        database = self.databases[rows.get(b"DB", DEFAULT)]
        try:
            with database.lock:
                procedure = PROCEDURES.get(self.path)
                answer = procedure(database, rows) if procedure else None
        except RefusedError as refused:
            self._answer(450, *self._table({b"ERROR": str(refused).encode()}))
        except KeyError:
            self._answer(400, *self._table({b"ERROR": b"invalid parameters"}))
        else:
            if answer is None:
                self._answer(501, *self._table({b"ERROR": b"not implemented"}))
            else:
                self._answer(200, *self._table(answer))

    def do_GET(self) -> None:
        database, key = self._place()
        with database.lock:
            value = database.get(key)
        self._answer(404 if value is None else 200, value or b"")

    def do_PUT(self) -> None:
        database, key = self._place()
        value = self._body()
        with database.lock:
            refused = self.headers.get("X-Kt-Mode") == "add" and database.get(key) is not None
            if not refused:
                database.set(key, value, {})
        self._answer(450 if refused else 201, b"")

    def log_message(self, *args: object) -> None:
        pass

    def _place(self) -> tuple[Database, bytes]:
        """The database and the key that the path names: /KEY or /DATABASE/KEY."""
        name, _, key = self.path.removeprefix("/").rpartition("/")
        return self.databases[unquote_to_bytes(name) or DEFAULT], unquote_to_bytes(key)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _table(self, rows: Rows) -> tuple[bytes, str]:
        body, columns = write_rows(rows)
        return body, "text/tab-separated-values" + (f"; colenc={columns}" if columns else "")

    def _answer(self, status: int, body: bytes, content_type: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
