"""Bodies and query strings that are not quite right: refused, with the place and the reason."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.http import schemas
from livecode.http.exchange import Problem
from livecode.http.parsing import MAX_DEPTH, parse_json, parse_query
from livecode.http.routes import LIMIT
from livecode.http.schemas import check


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": NaN}', "no number"),
        (b'{"a": -Infinity}', "no number"),
        (b'{"a": 1e999}', "larger than any"),
        (b'{"a": ' + b"9" * 5000 + b"}", "5000 digits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[" * 100_000, "deep"),
        (b'{"a":' * 100_000, "deep"),
        (b'{"a": "\n"}', "not JSON"),
    ],
)
def test_what_is_no_json_says_why(body: bytes, said: str) -> None:
    """With 400, and nothing is recursed into."""
    with pytest.raises(Problem, match=said) as raised:
        parse_json(body)
    assert raised.value.status == 400


def test_brackets_in_text_are_not_depth() -> None:
    """A source may have as many as it likes."""
    source = '[{"\\' * 1000
    assert parse_json(json.dumps({"modules": {"a": source}}).encode()) == {"modules": {"a": source}}
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse_json(b" \n") == {}


@pytest.mark.parametrize(
    ("body", "where", "said"),
    [
        ([], "/", "expected an object, got a list"),
        ({}, "/", "'modules' is missing"),
        ({"modules": {}}, "/modules", "at least 1"),
        ({"modules": {"a": 1}}, "/modules/a", "expected text or null, got a whole number"),
        ({"modules": {"a": True}}, "/modules/a", "got true or false"),
        ({"modules": {"a": "\ud800"}}, "/modules/a", "lone surrogate"),
        ({"modules": {"../a": ""}}, "/modules", "dotted module name"),
        ({"modules": {"a\0": ""}}, "/modules", "dotted module name"),
        ({"modules": {"": ""}}, "/modules", "at least 1"),
        ({"modules": {"a" * 300: ""}}, "/modules", "at most 255 characters"),
        ({"modules": {"a": ""}, "reson": ""}, "/", "did you mean 'reason'?"),
        ({"modules": {"a": ""}, "dry_run": 1}, "/dry_run", "expected true or false"),
        ({"modules": {"a": ""}, "dry_run": "true"}, "/dry_run", "expected true or false"),
        ({"modules": {"a": ""}, "reason": "x" * 2001}, "/reason", "at most 2000"),
        ({"modules": {"a": ""}, "rerun": ["x", "x"]}, "/rerun", "twice"),
        ({"modules": {"a": ""}, "rerun": ["x", 1]}, "/rerun/1", "expected text"),
        ({"modules": {"a": ""}, "policy": {"canary": -1}}, "/policy/canary", "at least 0"),
        ({"modules": {"a": ""}, "policy": {"canary_s": 0}}, "/policy/canary_s", "more than 0"),
        ({"modules": {"a": ""}, "policy": {"now": True}}, "/policy", "'now' is not known here"),
    ],
)
def test_what_does_not_fit_says_where(body: Any, where: str, said: str) -> None:
    """A JSON pointer, what was expected, and what kind of value was there."""
    with pytest.raises(Problem) as raised:
        check(schemas.PUSH, body)
    assert (raised.value.status, raised.value.where) == (400, where)
    assert said in raised.value.detail


def test_a_message_repeats_no_source() -> None:
    """What was sent may be secret, and is long."""
    with pytest.raises(Problem) as raised:
        check(schemas.PUSH, {"modules": ["SECRET" * 1000]})
    assert "SECRET" not in raised.value.detail


words = st.sampled_from(
    ["modules", "reason", "dry_run", "policy", "canary", "canary_s", "rerun", "to", "a.b", "", "x y"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("schema", [schemas.PUSH, schemas.RELOAD, schemas.UNDO], ids=["push", "reload", "undo"])
@given(value=values)
def test_what_is_published_is_what_is_enforced(schema: dict[str, Any], value: Any) -> None:
    """Another implementation of JSON Schema accepts and refuses the same."""
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    try:
        check(schema, value)
    except Problem:
        assert not expected
    else:
        assert expected


@pytest.mark.parametrize(
    "query",
    [
        b"limit=0",
        b"limit=201",
        b"limit=x",
        b"limit=1&limit=2",
        b"limit=",
        b"limit=%31%00",
        b"limit=1.0",
        b"x=1",
        b"limit=%FF",
        b"limit=\xd9\xa1",
    ],
)
def test_a_query_is_as_strict(query: bytes) -> None:
    """Unknown, double and odd parameters are refused."""
    with pytest.raises(Problem) as raised:
        parse_query(query, {"limit": LIMIT})
    assert raised.value.status == 400
    assert raised.value.where.startswith("query ")


def test_a_query_that_fits() -> None:
    """Numbers are numbers, percent signs and plus signs are resolved."""
    assert parse_query(b"limit=7&module=a%2Eb", {"limit": LIMIT, "module": schemas.MODULE}) == {
        "limit": 7,
        "module": "a.b",
    }
