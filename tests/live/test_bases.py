"""Classes that get other bases, a first one, none, or another metaclass while they live."""

from __future__ import annotations

import os
import sys

import pytest

from tests.live.bases import LIVE, REFUSED, ROLLED_BACK, Rebased, rebased
from tests.live.forker import Forker
from tests.live.roll_back import each_step_fails

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

FREE = sys.version_info >= (3, 15)


@pytest.mark.parametrize("case", LIVE, ids=lambda case: case.name)
def test_a_live_class_gets_its_new_bases(case: Rebased, forker: Forker) -> None:
    """Instances, subclasses and held methods see the new bases; the class stays itself."""
    said = forker.ask(rebased, case.before, case.after, case.held, list(case.true))
    assert (said["verdict"], said["wrong"]) == ("LIVE", {}), said


@pytest.mark.parametrize("case", LIVE, ids=lambda case: case.name)
def test_an_exception_at_any_step_takes_the_bases_back(case: Rebased, forker: Forker) -> None:
    """Bases, metaclasses, abstract methods and registries are as they were, and the push can be repeated."""
    assert forker.ask(each_step_fails, {"m": case.before}, {"m": case.after}) == {}


@pytest.mark.skipif(FREE, reason="this Python gives any class its first base")
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_cannot_get_a_base_is_refused(case: Rebased, forker: Forker) -> None:
    """A class whose instances come from a `__new__` that calls that of `object` keeps having no base."""
    said = forker.ask(rebased, case.before, case.after, case.held, list(case.true))
    assert (said["verdict"], said["codes"], said["wrong"]) == ("REFUSED", ["LC106"], {})


@pytest.mark.parametrize("case", ROLLED_BACK[: 2 if FREE else 3], ids=lambda case: case.name)
def test_bases_that_do_not_fit_are_taken_back(case: Rebased, forker: Forker) -> None:
    """Where CPython says no, the class stays as it was."""
    said = forker.ask(rebased, case.before, case.after, case.held, list(case.true))
    assert (said["verdict"], said["wrong"]) == ("ROLLED BACK", {}), said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("first base", [] if FREE else ["datetime.tzinfo"]),
        ("last base", [] if FREE else ["empty class"]),
        ("abstract base", ["A keeps its metaclass type"] if FREE else ["A keeps its metaclass type", "tzinfo"]),
        ("metaclass of a base", []),
    ],
)
def test_what_differs_from_a_fresh_import_is_said(name: str, words: list[str], forker: Forker) -> None:
    """The report names what a restart would make otherwise, and nothing else."""
    case = next(case for case in LIVE if case.name == name)
    said = forker.ask(rebased, case.before, case.after, case.held, [])["said"]
    said = [line for line in said if "a moment after" not in line]
    assert len(said) == len(words), said
    assert all(word in line for word, line in zip(words, said, strict=True)), said
