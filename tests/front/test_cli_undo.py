"""`livecode undo --list`: what there is to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.front.typed import PRICING, printed, shop_at, typed
from tests.services import RunningService


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with three versions of a module, the last one an undo."""
    with shop_at(tmp_path_factory.mktemp("cli")) as running:
        typed("push", "shop", "pricing_lc", "-", "--reason", "twice as much", given=PRICING.replace("2", "4"))
        typed("undo", "shop", "--reason", "too much")
        yield running


def test_it_says_what_runs_and_where_an_undo_goes(shop: RunningService) -> None:
    """Newest first, with who, when and why; nothing changes."""
    before = printed("status", "shop")[0]["generation"]
    found = printed("undo", "shop", "--list")
    assert [(each["version"], each["runs"], each["restores"], each["reason"]) for each in found] == [
        (3, True, 1, "undo: too much"),
        (2, False, None, "twice as much"),
        (1, False, None, ""),
    ]
    assert found[0]["checksum"] == found[2]["checksum"]
    assert printed("undo", "shop", "pricing_lc", "--list") == found
    lines = typed("undo", "shop", "--list").stdout.splitlines()
    assert "back: livecode undo shop MODULE --to VERSION" in lines[0]
    assert "runs, restored v1" in lines[2]
    assert printed("status", "shop")[0]["generation"] == before


def test_a_name_that_was_mistyped(shop: RunningService, tmp_path: Path) -> None:
    """The module that may have been meant is named wherever one must be loaded."""
    for command in (("undo",), ("undo", "--list"), ("unload",), ("save",)):
        said = typed(command[0], "shop", "pricng_lc", *command[1:]).stdout
        assert "Did you mean 'pricing_lc'?" in said
        assert "%hot" not in said
    assert "Did you mean 'pricing_lc'?" in typed("diff", "shop", "pricng_lc").stderr


@pytest.mark.parametrize("more", [("--to", "1"), ("--now",), ("--force",), ("--reason", "x")])
def test_a_list_changes_nothing(shop: RunningService, more: tuple[str, ...]) -> None:
    """What would is misuse beside it."""
    assert typed("undo", "shop", "pricing_lc", "--list", *more).exit_code == 2
