"""The log of a service in Redis: `redis://user:password@host:6379/0`, `rediss://` with TLS. Needs Redis 5 or newer.

    livecode:{shop}:head            hash: generation, text
    livecode:{shop}:history         list of "GENERATION\\nTEXT", newest first, bounded
    livecode:{shop}:blob:DIGEST     packed source (`livecode.fleet.stores.packing`)
    livecode:{shop}:report:KEY      what a worker says, with a time to live
    livecode:{shop}:reporting       sorted set: KEY by the time (Redis's clock, in ms) when its report expires
    livecode:{shop}:news:TOPIC      stream: one tiny entry for each thing published

Compare-and-swap, history and notice are one Lua script, so they happen together or not at all. A watch is a blocking
XREAD by the last id that was read: unlike with pub/sub, nothing is lost between two reads.

**Persistence.** Redis acknowledges what is in its memory. Without `appendonly yes` a server that is killed comes back
without the last pushes, or with none: the store went *back*, which every worker notices and none applies, but the
pushes are gone. With `appendonly yes` and `appendfsync always` nothing acknowledged is lost, also when the machine
loses power: the file is written and synced before the answer is sent, for some milliseconds a push. The default
`appendfsync everysec` is not enough even for a killed process: while Redis syncs its file in the background, it holds
the next writes back for up to two seconds, and has acknowledged them (seen in 1 of 25 kills in the middle of pushes).
`maxmemory-policy` must be `noeviction` (the default): the others may drop the head or sources as if they were a cache.

Source: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/, `flushAppendOnlyFile` in Redis's
aof.c, and https://redis.io/docs/latest/commands/xread/.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from livecode.errors import MissingExtraError, StaleBaseError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from livecode.fleet.stores.packing import pack, unpack
from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place
from livecode.fleet.stores.watching import Watches

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as missing:
    raise MissingExtraError("a store in Redis", "redis", "redis") from missing

SAYS_NOTHING = {"driver_info": None} if find_spec("redis.driver_info") else {}
"""redis-py tells Redis its version, for which newer ones search the installed packages at each connection (5 ms)."""

HISTORY = 256
NEWS = 16
"""How many entries the streams of notices keep, about: a watch that comes late sees that there were some."""

AT_ONCE = 32
"""Blobs that are asked for in one command, so that no answer takes long."""

AWAY = "is Redis running there, and reachable from here? try redis-cli -u URL ping; the next call tries again"

BLOCK_S = 15.0
"""How long one XREAD waits. A connection that died in silence is noticed when the answer is due."""

SLICE_S = 1.0
"""How long a line listens, at most, before it looks whether it was closed."""

PUBLISH = f"""
local found = tonumber(redis.call('HGET', KEYS[1], 'generation') or '0')
if found ~= tonumber(ARGV[1]) then return found end
redis.call('HSET', KEYS[1], 'generation', ARGV[2], 'text', ARGV[3])
redis.call('LPUSH', KEYS[2], ARGV[2] .. '\\n' .. ARGV[3])
redis.call('LTRIM', KEYS[2], 0, {HISTORY - 1})
redis.call('XADD', KEYS[3], 'MAXLEN', '~', {NEWS}, '*', 'generation', ARGV[2])
return -1
"""
"""-1 if it was published, else the generation that is there."""

REPORT = f"""
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_ms)
redis.call('ZADD', KEYS[2], now_ms + ARGV[3], ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', {NEWS}, '*', 'key', ARGV[1])
"""

WITHDRAW = f"""
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', {NEWS}, '*', 'key', ARGV[1])
"""


def open_store(url: str, service: str) -> Store:
    """The log of a service in the Redis at that URL.

    Raises:
        UsageError: The URL is none that redis-py understands.
    """
    return RedisStore(Place.of(url), service)


def services(url: str) -> tuple[str, ...]:
    """The services whose workers have reported to the Redis at that URL."""
    place = Place.of(url)
    pool = _pool(place)
    try:
        with _told(place):
            keys = redis.Redis(connection_pool=pool).scan_iter(match="livecode:{*}:reporting", count=1000)
            return tuple(key.decode()[len("livecode:{") : -len("}:reporting")] for key in keys)
    finally:
        pool.disconnect()


class RedisStore:
    """See `livecode.fleet.store.Store`. One connection for all commands, and one for each watch."""

    def __init__(self, place: Place, service: str) -> None:
        self.url = place.shown
        self._place = place
        self._prefix = f"livecode:{{{service}}}:"  # braces: all keys of a service are in one slot of a Redis cluster
        self._pool = _pool(place)
        self._client: Any = redis.Redis(connection_pool=self._pool)  # its types are those of sync and async at once
        self._publish = self._client.register_script(PUBLISH)
        self._report = self._client.register_script(REPORT)
        self._withdraw = self._client.register_script(WITHDRAW)
        self._watches = Watches()
        self._closed = False

    def head(self) -> Head:
        """The newest generation."""
        with self._asking():
            generation, text = self._client.hmget(self._key("head"), "generation", "text")
        return NO_HEAD if generation is None else Head(int(generation), (text or b"").decode())

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base`."""
        keys = [self._key("head"), self._key("history"), self._news(Topic.HEAD)]
        with self._asking():
            found = int(self._publish(keys, [base, head.generation, head.text]))
        if found >= 0:
            raise StaleBaseError(base, found)

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads, 256 at most."""
        if limit <= 0:
            return ()
        with self._asking():
            lines = self._client.lrange(self._key("history"), 0, limit - 1)
        parted = (line.decode().partition("\n") for line in lines)
        return tuple(Head(int(generation), text) for generation, _, text in parted)

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs that are not there yet."""
        with self._asking(), self._client.pipeline(transaction=False) as pipeline:
            for digest, content in blobs.items():
                pipeline.set(self._key("blob", digest), pack(content), nx=True)
            pipeline.execute()

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs that are there."""
        found: dict[str, bytes] = {}
        for at in range(0, len(digests), AT_ONCE):
            some = digests[at : at + AT_ONCE]
            with self._asking():
                kept = self._client.mget([self._key("blob", digest) for digest in some])
            contents = (None if packed is None else unpack(packed) for packed in kept)
            found |= {digest: content for digest, content in zip(some, contents, strict=True) if content is not None}
        return found

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long."""
        with self._asking():
            self._report(self._report_keys(key), [key, text, max(int(ttl_s * 1000), 1)])

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said."""
        with self._asking():
            self._withdraw(self._report_keys(key), [key])

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired."""
        with self._asking():
            keys = [key.decode() for key in self._client.zrange(self._key("reporting"), 0, -1)]
            texts = self._client.mget([self._key("report", key) for key in keys]) if keys else []
        return {key: text.decode() for key, text in zip(keys, texts, strict=True) if text is not None}

    def watch(self, topic: Topic) -> Watch:
        """A new watch, on a connection of its own."""
        return self._watches.open(lambda: _News(self._pool, self._place, self._news(topic), self._newest(topic)))

    def close(self) -> None:
        """Lets connections go, and ends what waits."""
        self._closed = True
        self._watches.close()
        self._pool.disconnect()

    def _newest(self, topic: Topic) -> bytes:
        """The id of the last notice."""
        with self._asking():
            entries = self._client.xrevrange(self._news(topic), count=1)
        return entries[0][0] if entries else b"0-0"

    def _key(self, *names: str) -> str:
        return self._prefix + ":".join(names)

    def _news(self, topic: Topic) -> str:
        return self._key("news", topic.value)

    def _report_keys(self, key: str) -> list[str]:
        return [self._key("report", key), self._key("reporting"), self._news(Topic.REPORTS)]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if self._closed:
            raise self._place.closed()
        with _told(self._place):
            yield


class _News:
    """A line on which one stream is read, from an id on."""

    def __init__(self, pool: redis.ConnectionPool, place: Place, stream: str, last: bytes) -> None:
        self._place, self._stream, self._last = place, stream, last
        self._closed = threading.Event()
        self._listening = threading.Lock()
        self._connection = pool.connection_class(**pool.connection_kwargs)
        with _told(place):
            self._connection.connect()
            self._ask()

    def hear(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            if self._brought_news(min(max(deadline - time.monotonic(), 0.0), SLICE_S)):
                return True
            if time.monotonic() >= deadline:
                return False
        return False

    def close(self) -> None:
        self._closed.set()
        if (connected := getattr(self._connection, "_sock", None)) is not None:
            with suppress(OSError):  # ends the wait at once; redis-py has no public way, and without it a slice ends it
                connected.shutdown(socket.SHUT_RDWR)
        with self._listening:
            self._connection.disconnect()

    def _brought_news(self, timeout_s: float) -> bool:
        with self._listening, _told(self._place):
            if self._closed.is_set():
                return False
            if self._connection.can_read(timeout=timeout_s):
                return self._read()
        if time.monotonic() > self._answer_due:
            raise self._place.unreachable("silence", AWAY)
        return False

    def _read(self) -> bool:
        """Whether the answer that has come brought notices. The next question is on its way then."""
        answer: Any = self._connection.read_response()
        if answer:
            self._last = answer[0][1][-1][0]
        self._ask()
        return bool(answer)

    def _ask(self) -> None:
        self._connection.send_command(
            "XREAD", "COUNT", NEWS, "BLOCK", int(BLOCK_S * 1000), "STREAMS", self._stream, self._last
        )
        self._answer_due = time.monotonic() + BLOCK_S + ANSWER_S


def _pool(place: Place) -> redis.ConnectionPool:
    """One connection, which the threads of a process take turns on: two hundred workers are four hundred in all."""
    try:
        return redis.BlockingConnectionPool.from_url(
            place.url,
            max_connections=1,
            timeout=ANSWER_S,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),  # a publish that is sent twice would be refused as stale by its own first copy
            protocol=2,
            **SAYS_NOTHING,
        )
    except ValueError as error:
        raise UsageError(f"{place.shown} is not the URL of a Redis ({error}), e.g. redis://host:6379/0") from None


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Errors of redis-py, as StoreError."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise place.refusing(error, "put user and password into the URL, redis://user:password@host:6379/0") from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise place.unreachable(error, AWAY) from error
    except redis.ReadOnlyError as error:
        raise place.refusing(error, "this is a replica, give the URL of the primary") from error
    except redis.RedisError as error:
        raise place.refusing(
            error, "see Redis's log; if it is full, raise maxmemory or make room on its disk"
        ) from error
