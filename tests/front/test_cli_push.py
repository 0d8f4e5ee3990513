"""What `livecode push` takes from standard input, and what it proposes next."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from livecode.engine.check import MAX_SOURCE_BYTES
from tests.front.typed import PRICING, printed, shop_at, typed
from tests.services import RunningService


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with shop_at(tmp_path_factory.mktemp("cli")) as running:
        yield running


def test_the_source_of_one_module(shop: RunningService) -> None:
    """`livecode push shop MODULE -`, with any line ends, in any encoding that it claims."""
    source = PRICING.replace("2", "4").replace("\n", "\r\n")
    assert typed("push", "shop", "pricing_lc", "-", given=source).stdout.startswith("✔ LIVE  pricing_lc")
    assert shop.get("pricing_lc.quote(1)") == "4"
    latin = f"# coding: latin-1\nNAME = 'é'\n{PRICING}".encode("latin-1")
    assert typed("push", "shop", "pricing_lc", "-", given=latin).exit_code == 0
    assert shop.get("pricing_lc.NAME") == "'é'"


def test_several_modules_are_one_transaction(shop: RunningService) -> None:
    """`livecode push shop -` takes what `Service.push` does, as JSON; null takes a module out."""
    given = json.dumps({"pricing_lc": PRICING.replace("2", "5"), "extra_lc": "X = 1\n"})
    assert printed("push", "shop", "-", given=given)["modules"] == ["pricing_lc", "extra_lc"]
    assert shop.get("pricing_lc.quote(1)") == "5"
    failed = json.dumps({"pricing_lc": PRICING.replace("2", "6"), "extra_lc": "1 / 0\n"})
    assert typed("push", "shop", "-", given=failed).exit_code == 1
    assert shop.get("pricing_lc.quote(1)") == "5"
    assert typed("push", "shop", "-", given='{"extra_lc": null}').exit_code == 0
    assert printed("eval", "shop", "'extra_lc' in __import__('sys').modules")[0]["text"] == "False"


@pytest.mark.parametrize(
    ("arguments", "given", "why"),
    [
        (("-",), "", "nothing came: for the source of one module, name it: livecode push NAME MODULE -"),
        (("-",), "x = 1\n", "this is no JSON"),
        (("-",), '["pricing_lc"]', "not '[\"pricing_lc\"]'"),
        (("-",), '{"pricing_lc": 3}', "text, or null to take it out, not int"),
        (("-",), '{"a": "", "a": ""}', "a is named twice"),
        (("-", "pricing_lc"), "x", "stands last"),
        (("a", "b", "-"), "x", "stands last"),
        (("a", "-", "--file", "f"), "x", "without --file"),
        (("a", "-"), b"\x7fELF\0\0", "null byte in line 1 (a binary file?)"),
        (("a", "-"), b"\n\nx = '\xff'\n", "line 3 is not utf-8 text"),
        (("a", "-"), b"#" * (MAX_SOURCE_BYTES + 1), "more than the 4 MiB that are accepted"),
        (("-",), b" " * (8 * MAX_SOURCE_BYTES + 1), "more than the 32 MiB"),
    ],
)
def test_what_cannot_be_meant(shop: RunningService, arguments: tuple[str, ...], given: str | bytes, why: str) -> None:
    """One line says what is accepted; nothing was sent."""
    done = typed("push", "shop", *arguments, given=given)
    assert done.exit_code == 2
    assert why in done.stderr


def test_no_more_is_read_than_is_accepted(shop: RunningService) -> None:
    """Hundreds of megabytes do not come into memory before they are refused."""
    done = typed("push", "shop", "a", "-", given=b"\n" * (100 << 20))
    assert (done.exit_code, "4 MiB" in done.stderr) == (2, True)


def test_next_commands_are_typed_as_this_one_was(shop: RunningService) -> None:
    """By process id, and with a store: what is proposed reaches the same service."""
    name = str(shop.pid)
    pushed = typed("push", name, "pricing_lc", "-", given=PRICING.replace("2", "7"))
    assert f"undo: livecode undo {name}" in pushed.stdout
    assert f"push: livecode push {name} MODULE" in typed("attach", name).stdout
    typed("push", "shop", "pricing_lc", "-", given=PRICING.replace("2", "8"))
    assert "undo: livecode undo shop" in typed("log", "shop").stdout
    missing = typed("unload", "shop", "no_such_lc").stdout
    assert ("look at livecode status shop" in missing, "%hot" in missing) == (True, False)
