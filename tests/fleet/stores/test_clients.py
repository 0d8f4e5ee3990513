"""The clients of stores, which are extras."""

from __future__ import annotations

import sys

import pytest

from livecode.errors import MissingExtraError
from livecode.fleet.store import HOMES, open_store


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("redis://host", "redis", "redis"),
        ("rediss://host", "redis", "redis"),
        ("nats://host", "nats", "nats"),
        ("memcached://host", "pymemcache", "memcached"),
    ],
)
def test_missing(monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str) -> None:
    """A store whose client is not installed names the command that installs it."""
    monkeypatch.delitem(sys.modules, HOMES[url.partition(":")[0]], raising=False)
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'livecode\[{extra}\]'"):
        open_store(url, "shop")
