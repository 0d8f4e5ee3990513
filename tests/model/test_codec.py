"""Values of the model to plain JSON values and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livecode.model.codec import from_plain, to_plain
from livecode.model.nouns import History, ModuleSource, ProcessStatus, Push, Version, Worker
from livecode.model.report import Outcome, Refusal, Report, Verdict

KINDS = (Push, ProcessStatus, History, Outcome, Report)
WORKER = {"name": "w1", "pid": 1, "host": "h", "python": "3.11.2"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(st.sampled_from(KINDS).flatmap(st.from_type))
def test_round_trip(value: object) -> None:
    """What was sent is what arrives, through JSON too."""
    plain = json.loads(json.dumps(to_plain(value)))
    assert repr(from_plain(type(value), plain)) == repr(value)


@pytest.mark.parametrize("kind", [Push, ModuleSource, Worker, Version, Refusal, Report])
@pytest.mark.parametrize("plain", [None, 1, "text", [], [1], True, {}])
def test_what_is_no_value_is_refused(kind: type, plain: object) -> None:
    """Whatever is no description of the type raises ValueError."""
    with pytest.raises(ValueError, match=f"not a {kind.__name__}"):
        from_plain(kind, plain)


@pytest.mark.parametrize(
    "fields",
    [
        {"pid": "1"},
        {"pid": 1.0},
        {"pid": None},
        {"name": 1},
        {"name": None},
        {"started": "now"},
        {"host": ["h"]},
    ],
)
def test_fields_of_another_type(fields: dict[str, Any]) -> None:
    """A field of another type is refused."""
    with pytest.raises(ValueError, match="expected"):
        from_plain(Worker, WORKER | fields)


def test_a_whole_number_may_stand_for_a_float() -> None:
    """JSON does not tell 1 from 1.0."""
    found = from_plain(Worker, WORKER | {"started": 3})
    assert isinstance(found.started, float)


def test_a_number_too_large_is_refused() -> None:
    """A whole number that no float can hold is no value of a float field."""
    with pytest.raises(ValueError, match="not a Worker"):
        from_plain(Worker, WORKER | {"started": 10**400})


def test_true_is_no_number() -> None:
    """A truth value does not pass for a number."""
    with pytest.raises(ValueError, match="expected int"):
        from_plain(Worker, WORKER | {"pid": True})


def test_unknown_fields_are_left_out() -> None:
    """A newer version may say more."""
    assert from_plain(Worker, WORKER | {"mood": "good"}) == Worker("w1", 1, "h", "3.11.2")


def test_missing_fields() -> None:
    """A missing field takes its default; one that has none is refused by name."""
    assert from_plain(Worker, WORKER).service == ""
    with pytest.raises(ValueError, match="pid"):
        from_plain(Worker, {key: value for key, value in WORKER.items() if key != "pid"})


def test_enums_are_their_words() -> None:
    """An enum is written as its word; a word that it does not have is refused."""
    assert to_plain(Verdict.NOT_SENT) == "NOT SENT"
    for word in ("MAYBE", "live", "", None, []):
        with pytest.raises(ValueError):
            from_plain(Report, {"verdict": word, "modules": []})


def test_pairs_have_their_length() -> None:
    """A tuple of fixed length is refused with another one."""
    plain = {"worker": WORKER, "verdict": "LIVE", "timings_ms": [["plan", 1]]}
    assert from_plain(Outcome, plain).timings_ms == (("plan", 1.0),)
    with pytest.raises(ValueError):
        from_plain(Outcome, plain | {"timings_ms": [["plan", 1, 2]]})


def test_text_is_no_list() -> None:
    """A string is not taken for a list of letters."""
    with pytest.raises(ValueError, match="expected a list"):
        from_plain(Report, {"verdict": "LIVE", "modules": "abc"})


def test_nothing_stays_nothing() -> None:
    """None is kept where the type allows it."""
    assert from_plain(ModuleSource, {"module": "m", "source": None}).source is None
