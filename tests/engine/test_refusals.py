"""The table of refusals."""

from __future__ import annotations

import re

import pytest

from livecode.engine.refusals import CODES, refusal


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_meaning_and_a_way_out(code: str) -> None:
    """A refusal without words of its own takes both from the table."""
    found = refusal(code)
    assert re.fullmatch(r"LC[1-5]\d\d", code)
    assert (found.code, found.what, found.way_out) == (code, *CODES[code])
    assert found.what
    assert found.way_out


def test_own_words_replace_those_of_the_table() -> None:
    """What, way out, module and line can be given."""
    found = refusal("LC103", "no", way_out="go", module="m", line=3)
    assert (found.what, found.way_out, found.module, found.line) == ("no", "go", "m", 3)


def test_an_unknown_code_is_a_fault() -> None:
    """A code that is not in the table cannot be used."""
    with pytest.raises(KeyError):
        refusal("LC999")
