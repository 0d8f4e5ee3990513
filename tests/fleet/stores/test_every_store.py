"""What every store does: the same tests on all of them, with real servers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from livecode.errors import StaleBaseError, StoreError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from tests.fleet.stores import racing
from tests.fleet.stores.backends import eventually

ONE, SEVEN, FORTY = Head(1, "one"), Head(7, "seven"), Head(40, "forty")
LONG_S = 30.0
"""For waits that end by themselves."""

SHORT_S = 0.4
"""For waits in which nothing may come: longer than any store polls."""

Open = Callable[[], Store]


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


class TestHead:
    def test_nobody_pushed(self, store: Store) -> None:
        """A service that nobody has pushed to has no head, no history and no reports."""
        assert store.head() == NO_HEAD
        assert store.history(10) == ()
        assert store.reports() == {}

    def test_published(self, store: Store, again: Open) -> None:
        """What one process publishes, every other one reads."""
        reader = again()
        store.publish(0, ONE)
        assert store.head() == reader.head() == ONE

    def test_jumps(self, store: Store) -> None:
        """The next generation is any greater number."""
        store.publish(0, SEVEN)
        store.publish(7, FORTY)
        assert store.head() == FORTY
        assert store.history(10) == (FORTY, SEVEN)

    @pytest.mark.parametrize("base", [0, 6, 8])
    def test_stale(self, store: Store, base: int) -> None:
        """Who built on another generation than the head's is told which one is there, and changes nothing."""
        store.publish(0, SEVEN)
        with pytest.raises(StaleBaseError) as stale:
            store.publish(base, FORTY)
        assert (stale.value.base, stale.value.found) == (base, 7)
        assert store.head() == SEVEN
        assert store.history(10) == (SEVEN,)

    def test_stale_without_a_head(self, store: Store) -> None:
        """A store that lost its head does not take one that was built on what it lost."""
        with pytest.raises(StaleBaseError) as stale:
            store.publish(7, FORTY)
        assert stale.value.found == 0
        assert store.head() == NO_HEAD

    def test_text(self, store: Store, again: Open) -> None:
        """A text comes back as it was: with every character, and long."""
        text = "päiväpeitto\r\n\t\x00 \U0001f40d 0 {}" * 10_000
        store.publish(0, Head(1, text))
        store.publish(1, Head(2, ""))
        assert again().history(2) == (Head(2, ""), Head(1, text))


class TestRacing:
    NAMES = ("ann", "bob", "cid", "dan")

    def check(self, store: Store, acknowledged: dict[str, list[int]]) -> None:
        """Each generation was acknowledged once, and is in the history in its place, by who got it."""
        expected = {g: f"{name} {g}" for name, generations in acknowledged.items() for g in generations}
        total = sum(map(len, acknowledged.values()))
        assert sorted(expected) == list(range(1, total + 1))
        assert store.history(total) == tuple(Head(g, expected[g]) for g in range(total, 0, -1))
        assert store.head() == Head(total, expected[total])

    def test_in_threads(self, store: Store, again: Open) -> None:
        """Of publishers who race, one gets each generation, and nothing that was acknowledged is lost."""
        self.check(store, racing.in_threads({name: again() for name in self.NAMES}, 12))

    def test_in_one_store(self, store: Store) -> None:
        """The same when the threads share one store."""
        self.check(store, racing.in_threads(dict.fromkeys(self.NAMES, store), 12))

    def test_in_processes(self, store: Store, url: str, service: str) -> None:
        """The same between processes."""
        self.check(store, racing.in_processes(self.NAMES, url, service, 8))


class TestHistory:
    def test_newest_first(self, store: Store) -> None:
        """The history begins with the head, and has no more entries than were asked for."""
        heads = [Head(generation, f"push {generation}") for generation in range(1, 7)]
        for head in heads:
            store.publish(head.generation - 1, head)
        assert store.history(3) == tuple(heads[:2:-1])
        assert store.history(100) == tuple(heads[::-1])
        assert store.history(0) == ()


class TestBlobs:
    def test_kept(self, store: Store, again: Open) -> None:
        """Blobs are kept by their digests, whatever is in them."""
        blobs = {
            digest(content): content for content in (b"", b"x = 1\n", bytes(range(256)) * 40, b"\r\n", b"y" * 5000)
        }
        store.put(blobs)
        assert again().get(list(blobs)) == blobs

    def test_missing(self, store: Store) -> None:
        """A blob that is not there is absent from the answer."""
        store.put({digest(b"a"): b"a"})
        assert store.get([digest(b"b"), digest(b"a")]) == {digest(b"a"): b"a"}
        assert store.get([digest(b"b")]) == {}
        assert store.get([]) == {}

    def test_nothing(self, store: Store) -> None:
        """Nothing to keep is no error."""
        store.put({})
        assert store.get([]) == {}

    def test_immutable(self, store: Store) -> None:
        """A digest that is there already is not written again."""
        store.put({digest(b"a"): b"a"})
        store.put({digest(b"a"): b"something else", digest(b"b"): b"b"})
        assert store.get([digest(b"a"), digest(b"b")]) == {digest(b"a"): b"a", digest(b"b"): b"b"}

    def test_large(self, store: Store, again: Open) -> None:
        """Blobs of several MiB are kept, also those that cannot be compressed."""
        blobs = {digest(content): content for content in (os.urandom(3 << 20), b"z" * (3 << 20), os.urandom(1 << 20))}
        store.put(blobs)
        assert again().get(list(blobs)) == blobs

    def test_many(self, store: Store) -> None:
        """Hundreds of blobs go and come in one call."""
        blobs = {digest(content): content for content in (b"%d" % n for n in range(300))}
        store.put(blobs)
        assert store.get(list(blobs)) == blobs


class TestReports:
    def test_newest(self, store: Store, again: Open) -> None:
        """A worker's report takes the place of the one before, and every process reads it."""
        store.report("web-1:71", "starting", 60)
        store.report("web-1:71", "at 3", 60)
        store.report("web ä/2:*>72", "at 2", 60)
        assert again().reports() == {"web-1:71": "at 3", "web ä/2:*>72": "at 2"}

    def test_withdrawn(self, store: Store) -> None:
        """What was withdrawn is gone at once; withdrawing it twice is no error."""
        store.report("w1", "at 3", 60)
        store.report("w2", "at 3", 60)
        store.withdraw("w1")
        store.withdraw("w1")
        assert store.reports() == {"w2": "at 3"}

    def test_expires(self, store: Store) -> None:
        """A report goes when its worker stops to renew it; another one's stays."""
        store.report("w1", "at 3", 1)
        store.report("w2", "at 3", 1)
        store.report("w2", "at 4", 120)
        eventually(lambda: "w1" not in store.reports())
        assert store.reports() == {"w2": "at 4"}

    def test_comes_back(self, store: Store) -> None:
        """A worker whose report expired or was withdrawn reports again."""
        store.report("w1", "at 3", 60)
        store.withdraw("w1")
        store.report("w1", "at 4", 60)
        assert store.reports() == {"w1": "at 4"}

    def test_many_at_once(self, store: Store, again: Open) -> None:
        """No report is lost when many workers report at once; what was refused is said again, as workers do."""
        stores = [again() for _ in range(4)]

        def say(n: int) -> None:
            try:
                stores[n % 4].report(f"w{n}", f"at {n}", 60)
            except StoreError:  # four at once make what a new store needs: one may come too early
                stores[n % 4].report(f"w{n}", f"at {n}", 60)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(say, range(48)))
        assert store.reports() == {f"w{n}": f"at {n}" for n in range(48)}


class TestWatch:
    @pytest.fixture
    def news(self, store: Store) -> dict[Topic, Watch]:
        """A watch of each topic, on a store in which something was published before."""
        store.publish(0, ONE)
        store.report("w1", "at 1", 60)
        return {topic: store.watch(topic) for topic in Topic}

    def test_nothing(self, news: dict[Topic, Watch]) -> None:
        """A watch sees only what is published after it was made."""
        assert not news[Topic.HEAD].wait(SHORT_S)
        assert not news[Topic.REPORTS].wait(SHORT_S)
        assert not news[Topic.HEAD].wait(0)

    def test_head(self, news: dict[Topic, Watch], again: Open) -> None:
        """A publish elsewhere is noticed once, by who watches heads, and the head is there to be read then."""
        other = again()
        for base in (1, 2, 3):
            other.publish(base, Head(base + 1, "next"))
            assert news[Topic.HEAD].wait(LONG_S)
            assert other.head().generation == base + 1
        assert not news[Topic.HEAD].wait(SHORT_S)
        assert not news[Topic.REPORTS].wait(SHORT_S)

    def test_reports(self, news: dict[Topic, Watch], again: Open) -> None:
        """A report and its withdrawal are noticed by who watches reports, and wake nobody else."""
        other = again()
        other.report("w1", "at 2", 60)
        assert news[Topic.REPORTS].wait(LONG_S)
        other.withdraw("w1")
        assert news[Topic.REPORTS].wait(LONG_S)
        assert not news[Topic.HEAD].wait(SHORT_S)

    def test_while_waiting(self, news: dict[Topic, Watch], store: Store) -> None:
        """A publish ends a wait that is under way, of everyone who waits."""
        other = store.watch(Topic.HEAD)
        with ThreadPoolExecutor(2) as pool:
            waits = [pool.submit(watch.wait, LONG_S) for watch in (news[Topic.HEAD], other)]
            store.publish(1, SEVEN)
            assert all(wait.result() for wait in waits)

    def test_stale(self, news: dict[Topic, Watch], store: Store) -> None:
        """A publish that was refused leaves the store as it was: at most, somebody looks in vain."""
        with pytest.raises(StaleBaseError):
            store.publish(5, SEVEN)
        news[Topic.HEAD].wait(SHORT_S)
        assert store.head() == ONE

    def test_closed(self, news: dict[Topic, Watch]) -> None:
        """Closing a watch ends its wait, with False; a closed watch does not wait."""
        answers: list[bool] = []
        waiting = threading.Thread(target=lambda: answers.append(news[Topic.HEAD].wait(3600)))
        waiting.start()
        news[Topic.HEAD].close()
        waiting.join(LONG_S)
        assert answers == [False]
        assert not news[Topic.HEAD].wait(3600)

    def test_store_closed(self, store: Store) -> None:
        """Closing a store ends all waits."""
        watches = [store.watch(topic) for topic in Topic]
        with ThreadPoolExecutor(2) as pool:
            waits = [pool.submit(watch.wait, 3600) for watch in watches]
            store.close()
            assert [wait.result(LONG_S) for wait in waits] == [False, False]


class TestServices:
    def test_apart(self, store: Store, url: str, service: str, opened: Callable[..., Store]) -> None:
        """Two services in one store do not see each other, also when one's name begins like the other's."""
        other = opened(url, f"{service}.b")
        watches = [other.watch(topic) for topic in Topic]
        store.publish(0, SEVEN)
        store.report("w1", "at 7", 60)
        assert (other.head(), other.history(5), other.reports()) == (NO_HEAD, (), {})
        assert not any(watch.wait(SHORT_S) for watch in watches)
        other.publish(0, FORTY)
        other.report("w1", "at 40", 60)
        assert (store.head(), store.history(5), store.reports()) == (SEVEN, (SEVEN,), {"w1": "at 7"})


class TestOpening:
    def test_again(self, store: Store, again: Open) -> None:
        """What was in a store when it was closed is there when it is opened again; closing twice is no error."""
        store.publish(0, SEVEN)
        store.put({digest(b"a"): b"a"})
        store.report("w1", "at 7", 60)
        store.close()
        store.close()
        later = again()
        assert (later.head(), later.history(5), later.reports()) == (SEVEN, (SEVEN,), {"w1": "at 7"})
        assert later.get([digest(b"a")]) == {digest(b"a"): b"a"}

    def test_threads(self, store: Store) -> None:
        """All methods work from many threads at once."""
        store.publish(0, SEVEN)

        def work(n: int) -> tuple[Head, dict[str, bytes], bool]:
            content = b"%d" % n * 100_000
            store.put({digest(content): content})
            store.report(f"w{n}", "at 7", 60)
            return store.head(), store.get([digest(content)]), f"w{n}" in store.reports()

        with ThreadPoolExecutor(8) as pool:
            for n, (head, blobs, reported) in enumerate(pool.map(work, range(24))):
                assert head == SEVEN
                assert blobs == {digest(b"%d" % n * 100_000): b"%d" % n * 100_000}
                assert reported
