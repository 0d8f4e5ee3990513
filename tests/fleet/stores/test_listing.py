"""Stores that can say which services report to them."""

from __future__ import annotations

from importlib import import_module
from uuid import uuid4

from livecode.fleet.store import HOMES, Topic, check_url, open_store


def test_a_store_lists_the_services_that_report_to_it(url: str) -> None:
    """By their own names, dots and underscores included, once each, whatever else is kept of them."""
    home = import_module(HOMES[check_url(url)])
    if not hasattr(home, "services"):
        assert check_url(url) in ("sqlite", "memcached")  # a file is of one service; a cache has no list
        return
    names = sorted(f"{kind}_{uuid4().hex[:8]}" for kind in ("a.b", "a__b", "shop-1"))
    for name in names:
        store = open_store(url, name)
        store.report("w1", "{}", 60)
        store.report("w2", "{}", 60)
        store.put({"00" * 32: b"x = 1\n"})
        store.watch(Topic.HEAD).close()
        store.close()
    assert sorted(set(home.services(url)) & set(names)) == names
    assert len(set(home.services(url))) == len(home.services(url))
