"""What `livecode mcp` is made of: schemas, edits, diffs."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livecode.errors import UsageError
from livecode.front.agents.changes import MAX_SOURCE_CHARACTERS, diff_text, limited, wanted_sources
from livecode.front.agents.desk import Rules
from livecode.front.agents.looking import MAX_CHARACTERS, _fitting
from livecode.front.agents.tools import TOOLS, offered
from livecode.front.commands.approve import _printable
from livecode.model.fitting import misfit
from livecode.model.nouns import ModuleSource

SOURCE = "a = 1\nb = 1\n"

scalars = st.none() | st.booleans() | st.integers(-3, 300) | st.floats(allow_nan=False, width=16) | st.text(max_size=3)
words = sorted({name for tool in TOOLS for name in tool.input["properties"]} | {"source", "edits", "old", "new"})
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(TOOLS), st.dictionaries(st.sampled_from(words), values, max_size=4))
def test_arguments_are_checked_as_the_schema_says(tool: Any, arguments: dict[str, Any]) -> None:
    """The own checker accepts what the library accepts."""
    accepted = jsonschema.Draft202012Validator(tool.input).is_valid(arguments)
    assert (misfit(tool.input, arguments) is None) is accepted


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schemas_are_schemas(tool: Any) -> None:
    """Both of each tool are valid, and what is required is described."""
    for schema in (tool.input, tool.output):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert set(schema["required"]) <= set(schema["properties"])
    assert tool.input["additionalProperties"] is False


def test_what_changes_is_offered_last() -> None:
    """Only to whom may push."""
    assert {tool.name for tool in offered(Rules())} == {tool.name for tool in TOOLS if not tool.changes}
    assert offered(Rules(may_push=True)) == TOOLS


def test_edits_are_made_one_after_the_other() -> None:
    """Each sees what the one before made; the source is given whole, or not at all."""
    edits = [{"old": "a = 1", "new": "a = 2"}, {"old": "a = 2\nb", "new": "c"}]
    (item,) = wanted_sources([{"module": "m", "edits": edits}], {"m": SOURCE})
    assert item.source == "c = 1\n"
    changes = [{"module": "m", "unload": True}, {"module": "n", "source": ""}]
    assert [item.source for item in wanted_sources(changes, {"m": SOURCE, "n": None})] == [None, ""]


@pytest.mark.parametrize(("old", "why"), [("= 1", "is there 2 times"), ("z", "is not in the source"), ("", "is empty")])
def test_an_edit_that_does_not_fit(old: str, why: str) -> None:
    """It says which one, and what to do."""
    edits = [{"old": "a", "new": "x"}, {"old": old, "new": "y"}]
    with pytest.raises(UsageError, match=f"m, edit 2: .*{why}"):
        wanted_sources([{"module": "m", "edits": edits}], {"m": SOURCE})


def test_a_diff_names_what_comes_and_goes() -> None:
    """A new module, an unload, a missing end of line."""
    assert diff_text({"m": None}, [ModuleSource("m", "a = 1")]) == (
        "--- /dev/null\n+++ m (wanted)\n@@ -0,0 +1 @@\n+a = 1\n\\ No newline at end\n"
    )
    assert diff_text({"m": "a"}, [ModuleSource("m", None)]) == "--- m (runs)\n+++ /dev/null\nm is unloaded\n"
    assert diff_text({"m": SOURCE}, [ModuleSource("m", SOURCE)]) == ""


def test_a_long_source_comes_in_parts() -> None:
    """As many lines as are told at once; one line that is longer is an error."""
    lines = ["#" * (MAX_CHARACTERS // 3) + "\n"] * 5
    assert [_fitting(lines, first, 5)[1] for first in (1, 3, 5)] == [2, 4, 5]
    with pytest.raises(UsageError, match="line 2 has"):
        _fitting(["a\n", "#" * (MAX_CHARACTERS + 1)], 2, 2)
    assert _fitting([], 1, 0) == ("", 0)


def test_a_change_has_an_end() -> None:
    """Nobody keeps sources without end."""
    half = "#" * (MAX_SOURCE_CHARACTERS // 2 + 1)
    changes = [{"module": "m", "source": half}, {"module": "n", "source": half}]
    with pytest.raises(UsageError, match="go in one change"):
        wanted_sources(changes, {"m": None, "n": None})


def test_what_is_too_long_says_so() -> None:
    """How much is missing is part of the text."""
    assert limited("abc", 3, "it") == "abc"
    assert limited("abcde", 3, "it") == "abc\n… 2 more characters of it are not shown\n"


def test_a_source_cannot_move_the_cursor() -> None:
    """What a terminal would obey is shown to the person who decides, not done."""
    assert _printable("a\x1b[2K\r\tb\n\u202ec") == "a\\x1b[2K\\r\tb\n\\u202ec"
