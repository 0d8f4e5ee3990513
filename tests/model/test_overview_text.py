"""The plain text of status, history, differences and services."""

from __future__ import annotations

import pytest

from livecode.model.nouns import DiskState, History, ModuleStatus, ProcessStatus, Version, checksum
from livecode.model.overview import age
from livecode.model.text import attached_text, diff_text, history_text, services_text, status_text
from tests.model.reports import HERE, worker

NOW = 1_000_000.0
PRICING = ModuleStatus(
    "shop.pricing", 8, "3f9a1c2" + "0" * 57, DiskState.DIFFERS, "shop/pricing.py", "ann@laptop", "surge", NOW - 180
)
OLDER = ModuleStatus("shop.pricing", 7, "1111111" + "0" * 57, DiskState.SAME, "shop/pricing.py")
TAX = ModuleStatus("shop.tax", 2, "2222222" + "0" * 57, DiskState.NO_FILE, "", "bo@desk", "", NOW - 3 * 86400)
GONE = ModuleStatus("shop.old", 0, "", DiskState.NO_FILE, held="2 instances of Order")
TWO = (
    ProcessStatus(worker(1), (PRICING, TAX), 3),
    ProcessStatus(worker(5), (OLDER, TAX), 2, busy="a push of shop.tax"),
)


def test_status_of_a_service() -> None:
    """Modules by version and worker, then the workers."""
    assert (
        status_text(TWO, NOW)
        == """
● STATUS  shop  2 workers on 2 hosts  Python 3.12.1
  module        version  checksum  workers  on disk  author      since          reason
  shop.pricing  v7       1111111   w5       same
  shop.pricing  v8       3f9a1c2   w1       differs  ann@laptop  3 minutes ago  surge
  shop.tax      v2       2222222   2/2      no file  bo@desk     3 days ago
  ! w5 is busy: a push of shop.tax
  shop.pricing differs from disk                                        compare: %hotdiff shop.pricing
  worker  pid  host   Python  pushes
  w1      101  web-1  3.12.1  3
  w5      105  web-2  3.12.1  2""".lstrip("\n")
    )


def test_many_modules_that_differ_are_counted() -> None:
    """The table says it of each; hundreds of lines would hide the workers."""
    many = tuple(ModuleStatus(f"m{i}", 2, checksum(str(i)), DiskState.DIFFERS) for i in range(9))
    text = status_text((ProcessStatus(worker(1), many),))
    assert "\n  9 modules differ from disk                                            compare: %hotdiff\n" in text
    assert "m3 differs from disk" not in text


def test_status_of_the_own_process() -> None:
    """Nobody wants their own process counted; what is unloaded says who holds it."""
    still = ModuleStatus("a", 2, checksum(""), DiskState.SAME, still_old=("run() (a.py:3)",))
    assert (
        status_text((ProcessStatus(HERE, (GONE, still)),))
        == """
● STATUS  this process  pid 71  Python 3.12.1
  module    version   checksum  on disk
  a         v2        e3b0c44   same
  shop.old  unloaded
  ! shop.old: unloaded, still held: 2 instances of Order
  ! a: still inside old code: run() (a.py:3)""".lstrip("\n")
    )


def test_status_of_nothing() -> None:
    """An empty status says that nothing is tracked or pushed."""
    assert "no module was pushed" in status_text((ProcessStatus(HERE, ()),))


def test_attached() -> None:
    """Who was reached, how to leave, and what runs there that is not on disk."""
    assert (
        attached_text(TWO, NOW)
        == """
● ATTACHED  shop  2 workers on 2 hosts  Python 3.12.1                   leave: %hotdetach (never stops the service)
  live patches: 2 (shop.pricing v8, 3 minutes ago, not on disk, and 1 more)    list: %hotstatus
  ! w5 is busy: a push of shop.tax""".lstrip("\n")
    )


def test_history() -> None:
    """The running version comes first; an undo says what it brought back."""
    versions = (
        Version(1, "a"),
        Version(2, "b", "ann@laptop", "try", NOW - 60),
        Version(3, "a", "ann@laptop", "", NOW, restores=1),
        Version(4, None, "bo@desk", "", NOW),
    )
    assert (
        history_text(History("m", versions), NOW)
        == """
● HISTORY  m  v4 runs                                                   back: %hotundo m --to VERSION
  version  checksum               author      when          reason
  v4       unloaded               bo@desk     just now
  v3       ca97811   restores v1  ann@laptop  just now
  v2       3e23e81                ann@laptop  1 minute ago  try
  v1       ca97811""".lstrip("\n")
    )


def test_history_of_nothing() -> None:
    """A module that was never seen has no versions."""
    assert history_text(History("m")) == "○ HISTORY  m  never pushed, not tracked"


def test_diff() -> None:
    """A unified diff with named sides, and its size in the first line."""
    assert (
        diff_text(("m.py (disk)", "a\nb\n"), ("m v2 (running)", "a\nc\nd\n"))
        == """
● DIFFERS  m v2 (running)  +2 −1
  --- m.py (disk)
  +++ m v2 (running)
  @@ -1,2 +1,3 @@
   a
  -b
  +c
  +d""".lstrip("\n")
    )


def test_diff_of_equal_sources() -> None:
    """No difference is said, not shown as nothing."""
    assert diff_text(("m.py (disk)", "a"), ("m v2 (running)", "a")) == "○ SAME  m.py (disk)  equals m v2 (running)"


def test_services() -> None:
    """One row a worker; nothing listening says what to do."""
    assert services_text((worker(1),)) == (
        "service  worker  pid  host   Python  livecode  started\nshop     w1      101  web-1  3.12.1  0.1.0"
    )
    assert "livecode.listen" in services_text(())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "just now"), (1, "1 second ago"), (90, "1 minute ago"), (7200, "2 hours ago"), (3e5, "3 days ago")],
)
def test_ages_are_in_their_largest_unit(seconds: float, words: str) -> None:
    """People think in minutes, hours and days."""
    assert age(NOW - seconds, NOW) == words
