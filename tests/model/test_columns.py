"""Tables and hints in as many columns as a terminal has, with characters of any width."""

from __future__ import annotations

import pytest

from livecode.model.columns import columns_of, fitted, folded, natural_widths, padded
from livecode.model.nouns import DiskState, ModuleStatus, ProcessStatus, Worker
from livecode.model.overview import status_sheet
from livecode.model.sheet import Commands, Head, Note, Sheet, Table, Tone
from livecode.model.text import HeaderLine, sheet_lines, sheet_text

WORKERS = tuple(Worker(f"w{n}", 1000 + n, "build-machine-7", "3.12.1", "shop", started=1.0) for n in range(1, 3))
MODULE = ModuleStatus(
    "shop.価格",
    3,
    "ab" * 32,
    DiskState.DIFFERS,
    "x.py",
    "ann@laptop",
    "prices went up because of the new contract",
    1.0,
)
STATUS = status_sheet([ProcessStatus(worker, (MODULE,)) for worker in WORKERS], 100.0, Commands(undo="livecode undo"))


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("価格", 4), ("e\u0301", 1), ("naïve", 5), ("👩\u200d🔬", 4), ("", 0)]
)
def test_columns_of(text: str, columns: int) -> None:
    """Wide ones take two, those that combine none."""
    assert columns_of(text) == columns
    assert columns_of(padded(text, 10)) == 10


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("short", 8, ["short"]),
        ("two words", 5, ["two", "words"]),
        ("shop.pricing.long", 6, ["shop.p", "ricing", ".long"]),
        ("価格価格", 5, ["価格", "価格"]),
    ],
)
def test_folded(text: str, columns: int, lines: list[str]) -> None:
    """Between words, within them where one is too long; no line is wider."""
    assert folded(text, columns) == lines
    assert all(columns_of(line) <= columns for line in lines)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_status_fits(columns: int) -> None:
    """No line is wider than the terminal, and every word of it is there."""
    lines = sheet_lines(STATUS, columns)
    assert max(map(columns_of, lines)) <= columns
    assert set("".join(sheet_text(STATUS).split())) == set("".join("".join(lines).split()))
    assert sum(isinstance(line, HeaderLine) for line in lines) >= 2


def test_a_wide_terminal_shows_what_a_pipe_gets() -> None:
    """Folding is for what does not fit."""
    assert sheet_text(STATUS, 200) == sheet_text(STATUS)


def test_columns_stand_below_each_other() -> None:
    """Also behind wide characters."""
    table = Table(("module", "version"), (("価格", "v1"), ("pricing", "v2")))
    assert natural_widths(table) == [7, 7]
    lines = sheet_text(Sheet(None, (table,))).splitlines()
    assert [columns_of(line[: line.index("v")]) for line in lines] == [9, 9, 9]


def test_prose_is_folded_before_names() -> None:
    """The checksum of a module stays whole while its reason can be shorter."""
    table = Table(("checksum", "reason"), (("0123456789abcdef", "why " * 20),), code=(0,))
    assert fitted(table, 40) == [16, 22]


def test_a_hint_that_does_not_fit_stands_below() -> None:
    """It can be copied as it is: it is never broken."""
    hint = "undo: livecode undo shop --store redis://cache-1.example.org:6379/0"
    lines = sheet_lines(Sheet(Head("✔", "LIVE", Tone.GOOD, "shop.pricing", ("v1 → v2",), hint), ()), 80)
    assert lines == ["✔ LIVE  shop.pricing  v1 → v2", f"    {hint}"]
    (note,) = sheet_lines(Sheet(None, (Note("differs", "compare: x"),)), 40)
    assert (len(note), note.endswith("compare: x")) == (40, True)
