"""A canary in words: one row a function, new beside old, the worst first."""

from __future__ import annotations

import re

import pytest

from livecode.model.canary import NO_WORSE, canary_sheet, latency_text
from livecode.model.html import STYLE, sheet_html
from livecode.model.measured import (
    Advice,
    Decision,
    Finding,
    FunctionDecision,
    FunctionMeasure,
    Measured,
    Timed,
    slot_of,
)
from livecode.model.text import sheet_text


def calls(name: str, count: int, ms: float, *errors: tuple[str, int], timed: Timed = Timed.CALL) -> FunctionMeasure:
    """So many calls that all took as long."""
    slots = ((slot_of(int(ms * 1e6)), count),) if count else ()
    return FunctionMeasure(f"shop.pricing.{name}", count, errors, count * ms, slots, timed=timed)


OLD = Measured((calls("quote", 1_204, 5.0), calls("rates", 166, 0.3, timed=Timed.STEP), calls("audit", 0, 1)), 12.4, 3)
WORSE = (
    Measured(
        (
            calls("rates", 40, 0.3, timed=Timed.STEP),
            calls("quote", 312, 20.0, ("KeyError", 4)),
            calls("surge", 60, 80.0, ("OSError", 3)),
            calls("refund", 3, 1.0),
            calls("audit", 0, 1),
        ),
        12.3,
        1,
        ("Python 3.11 cannot",),
    ),
    Decision(
        Advice.TAKE_BACK,
        "shop.pricing.quote(): errors rose, 4 of 312 calls raised (KeyError 4), in old code 0 of 1,204",
        (
            FunctionDecision("shop.pricing.quote", Finding.ERRORS_ROSE, "4 of 312"),
            FunctionDecision("shop.pricing.surge", Finding.NO_OLD_CALLS, "3 of 60 calls raised"),
            FunctionDecision("shop.pricing.refund", Finding.TOO_FEW, "3 of the 20 that it takes"),
            FunctionDecision("shop.pricing.rates", Finding.FINE),
            FunctionDecision("shop.pricing.audit", Finding.NOT_CALLED),
        ),
    ),
)


def test_a_canary_that_is_worse() -> None:
    """The reason first, then every function that was called, then what the table does not say."""
    new, decision = WORSE
    assert (
        sheet_text(canary_sheet(new, OLD, decision, "shop.pricing"))
        == """
◐ CANARY  shop.pricing  worse than the old code  1 new, 3 old  12.3 s
  ! shop.pricing.quote(): errors rose, 4 of 312 calls raised (KeyError 4), in old code 0 of 1,204
  function  calls (old)  errors (old)  p50 (old)               p99 (old)
  quote     312 (1,204)  4 (0)         18.9 ms (4.72 ms)       18.9 ms (4.72 ms)       errors rose
  surge     60 (new)     3             75.5 ms                 75.5 ms                 no old calls
  refund    3 (new)      0             983 µs                  983 µs                  too few calls
  rates     40 (166)     0 (0)         295 µs a step (295 µs)  295 µs a step (295 µs)  fine
  shop.pricing.surge(): 3 of 60 calls raised
  not called: shop.pricing.audit
  ! not measured: Python 3.11 cannot""".lstrip("\n")
    )


def test_a_canary_that_is_not() -> None:
    """The head says it, and the sentence is not said twice."""
    decision = Decision(Advice.KEEP, NO_WORSE, (FunctionDecision("shop.pricing.quote", Finding.FINE),))
    new = Measured((calls("quote", 312, 5.0),), 2.0, 1)
    assert (
        sheet_text(canary_sheet(new, OLD, decision))
        == """
◐ CANARY  no worse than the old code  1 new, 3 old  2.00 s
  function            calls (old)  errors (old)  p50 (old)          p99 (old)
  shop.pricing.quote  312 (1,204)  0 (0)         4.72 ms (4.72 ms)  4.72 ms (4.72 ms)  fine""".lstrip("\n")
    )


def test_a_canary_of_which_nothing_is_known() -> None:
    """Why, and no table."""
    why = "Python 3.11 cannot measure calls without slowing every call; 3.12 can"
    said = sheet_text(canary_sheet(Measured(), Measured(), Decision(Advice.UNDECIDED, why), "shop.pricing"))
    assert said == f"◐ CANARY  shop.pricing  cannot be told yet\n  {why}"


def test_many_functions_are_cut() -> None:
    """Twenty rows, the most called first, and the number of the others."""
    functions = tuple(calls(f"f{number}", 100 + number, 1.0) for number in range(30))
    found = tuple(FunctionDecision(each.name, Finding.FINE) for each in functions)
    lines = sheet_text(canary_sheet(Measured(functions), Measured(), Decision(Advice.KEEP, NO_WORSE, found))).split(
        "\n"
    )
    assert (len(lines), lines[2].split()[:2], lines[-1]) == (
        23,
        ["shop.pricing.f29", "129"],
        "  and 10 more functions",
    )


def test_html_has_the_same_words() -> None:
    """Every word of the text, in the same order."""
    new, decision = WORSE
    sheet = canary_sheet(new, OLD, decision, "shop.pricing")
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", sheet_html(sheet))
    assert shown.split() == sheet_text(sheet).split()


@pytest.mark.parametrize("tone", ["bad", "warn"])
def test_badges_are_white(tone: str) -> None:
    """A tone that colours words, too, must not colour the word on its own ground: brown on brown."""
    (rule,) = re.findall(rf"\.lc-badge\.lc-{tone}{{(.*?)}}", STYLE)
    coloured = re.search(rf"^\.livecode \.lc-{tone}[,{{]", STYLE, re.MULTILINE) is not None
    assert "color:#fff" in rule or not coloured


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.0005, "< 1 µs"),
        (0.0123, "12.3 µs"),
        (0.87, "870 µs"),
        (0.9996, "1.00 ms"),
        (12.44, "12.4 ms"),
        (999.6, "1.00 s"),
        (61_000, "61.0 s"),
    ],
)
def test_latencies(ms: float, text: str) -> None:
    """Three digits, in the unit in which that is readable."""
    assert latency_text(ms) == text
