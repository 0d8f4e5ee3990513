"""The plain text of reports: whole texts, because every word of them is read by somebody in trouble."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livecode.model.report import Failure, ModuleOutcome, Report, Verdict
from livecode.model.sheet import Commands
from livecode.model.text import CODE_COLUMNS, caret_line, report_text
from tests.model import reports

TEXTS = {
    "LIVE": """
✔ LIVE  shop.pricing  v7 → v8  3f9a1c2  8/8 workers  41 ms              undo: %hotundo
  ~ quote()       changed  2 importers rebound (shop.routes, jobs.nightly)
  + surge()       added
  - slump()       removed
  ↻ RATE          re-run   reads FX, which changed
  = CACHE, MODEL  kept, not re-run
  ! still inside old code: run_feed() (feed.py:31)
  differs from shop/pricing.py on disk (+4 −1)                          keep: %hotsave shop.pricing
""",
    "SAME": """
○ SAME  shop.pricing  v8  3f9a1c2  already live on 8/8: nothing sent
""",
    "NOT_SENT": """
✖ NOT SENT  shop.pricing  syntax error: v7 is still live on 8/8
  shop.pricing, line 4 (cell 12)
     3 | def quote(x):
  →  4 |     return x * (
                        ^ '(' was never closed
""",
    "REFUSED": """
■ REFUSED  shop.orders  cannot be applied live: v3 is still live on 8/8
  LC103  Order gains slot 'tip'; 1 204 live instances would lack it  → add def __hot_migrate__(self, old)
  LC201  line 2: fastlob is a C extension, already loaded            → restart only
""",
    "ROLLED_BACK": """
✖ ROLLED BACK  shop.pricing  ZeroDivisionError on load: v7 is still live
  shop.pricing, line 9:  RATE = 1 / fx["XAU"]
  ZeroDivisionError: division by zero
  from shop.fx, line 3, in get:  return 1 / 0
  … 1 frame of other code
  tried on w1 only (3 ms); 7 workers never saw it
  undone: 2 steps
  ! could not undo: thread "fx-poll" (started at line 7)
""",
    "UNDONE": """
▲ UNDONE  shop.pricing  1 of 8 workers failed: v7 is live on 8/8 again
  [w8] shop.pricing, line 22
  MemoryError
  web-1   w1 ✔ w2 ✔ w3 ✔ w4 ✔
  web-2   w5 ✔ w6 ✔ w7 ✔ w8 ✖ MemoryError, shop.pricing line 22
""",
    "CONFLICT": """
■ REFUSED  shop.pricing  somebody pushed meanwhile: nothing was sent
  LC407  ann pushed v8 (3f9a1c2) meanwhile: x-mas  → the same command again replaces it
  --- shop.pricing v8 (ann)
  +++ shop.pricing (yours)
  @@ -1,50 +1,50 @@
"""
    + "  -x\n  +y\n" * 18
    + """  -x
  … 13 more lines
  to replace it:  %%hotpush shop.pricing
""",
    "WORSE_IN_CANARY": """
▲ UNDONE  shop.pricing  errors rose in the canary: v7 is live again
  canary: worse than the old code, 2 new, 6 old, 60.0 s
  ! shop.pricing.quote(): 4 of 200 calls raised
  function  calls (old)  errors (old)  p50 (old)          p99 (old)
  quote     200 (200)    0 (0)         1.97 ms (1.97 ms)  1.97 ms (1.97 ms)  errors rose
""",
    "INTERRUPTED_CANARY": """
▲ UNDONE  shop.pricing  the canary was interrupted: v7 is live again
  canary: no worse than the old code, 2 new, 6 old, 60.0 s
  function  calls (old)  errors (old)  p50 (old)          p99 (old)
  quote     200 (200)    0 (0)         1.97 ms (1.97 ms)  1.97 ms (1.97 ms)  fine
""",
    "NO_EVIDENCE": """
✔ LIVE  shop.pricing  v7 → v8  3f9a1c2  8/8 workers                     undo: %hotundo
  canary: cannot be told yet, 2 new, 6 old, 60.0 s
  ! it went to all workers without evidence
  Python 3.11 cannot measure
""",
    "TAKEN_BACK_BY_OTHERS": """
▲ UNDONE  shop.pricing  somebody else took it back: what ran before runs again on 1/1
  ! generation 9 (take back, bob): no
""",
    "UNKNOWN": """
? UNKNOWN  shop.pricing  w2 did not answer: what it runs now is not known    look: %hotstatus
  ! [w2] pid 102 did not answer within 10 s
  shop.pricing: v8 is live on w1
  web-1   w1 ✔ w2 ? WorkerLostError
""",
    "HALTED": """
✖ HALTED  shop.pricing  could not be undone: this process must be restarted    look: %hotstatus
  shop.pricing, line 22
  MemoryError
  ! could not undo: RATE
""",
    "READY": """
◇ READY  shop.tax  new  can be applied: nothing was touched  3.1 ms
  + vat()  added
""",
    "TWO_MODULES": """
✔ LIVE  2 modules  2/2 workers  1.2 s                                   undo: %hotundo
  shop.pricing  v7 → v8  3f9a1c2
    ~ quote()       changed  2 importers rebound (shop.routes, jobs.nightly)
    + surge()       added
    - slump()       removed
    ↻ RATE          re-run   reads FX, which changed
    = CACHE, MODEL  kept, not re-run
    ! still inside old code: run_feed() (feed.py:31)
    differs from shop/pricing.py on disk (+4 −1)                        keep: %hotsave shop.pricing
  shop.tax  v1 (new)  2222222
    + vat()  added
    has no file on disk: it lives as long as the process
""",
    "OTHER_VERSIONS": """
✔ LIVE  shop.pricing  versions differ  3f9a1c2  2/2 workers             undo: %hotundo
  ! versions differ: [w1] v8, [w2] v2 → v3
  ! [w2] still inside old code: f() (a.py:1)
""",
    "UNLOADED": """
✔ LIVE  unload shop.old  v3 → unloaded  this process  2 ms              undo: %hotundo
  ! still held: shop.routes.quote
""",
    "NOTHING": """
○ SAME  nothing differs from what runs: nothing sent
""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_report_reads_as_written_here(name: str) -> None:
    """Every verdict says in words what happened, what runs now and what to do next."""
    assert report_text(reports.ALL[name]) == TEXTS[name].strip("\n")


def test_every_verdict_has_a_text() -> None:
    """No verdict is without words, not even one that carries nothing else."""
    for verdict in Verdict:
        assert verdict.value in report_text(Report(verdict, ("shop.pricing",)))


@pytest.mark.parametrize(
    ("again", "changes", "last"),
    [
        ("%hotpush shop.orders", 3, "  3 other changes are safe:  %hotpush shop.orders --safe-part"),
        ("livecode push shop shop.orders", 1, "  1 other change is safe:  livecode push shop shop.orders --safe-part"),
        ("", 2, "  2 other changes are safe:  safe_part=True applies them"),
    ],
)
def test_a_refusal_says_what_could_be_applied(again: str, changes: int, last: str) -> None:
    """With the command that does it, as the user would type it; where there is none, with the argument."""
    outcomes = tuple(replace(outcome, safe_changes=changes) for outcome in reports.REFUSED.outcomes)
    report = replace(reports.REFUSED, outcomes=outcomes, again=again)
    assert report_text(report) == TEXTS["REFUSED"].strip("\n") + "\n" + last


def test_str_of_a_report_is_its_text() -> None:
    """What prints is the whole text."""
    assert str(reports.LIVE) == report_text(reports.LIVE)


def test_the_next_command_is_the_one_of_the_users_surface() -> None:
    """On the command line, an undo is a shell command."""
    first = report_text(reports.LIVE, Commands(undo="livecode undo shop")).splitlines()[0]
    assert first.endswith("undo: livecode undo shop")


def test_without_commands_nothing_is_offered() -> None:
    """A surface that has no such command names none."""
    assert "%" not in report_text(reports.LIVE, Commands())


def test_what_runs_is_not_claimed_where_it_is_not_known() -> None:
    """Without an answer of any worker, no version is named."""
    text = report_text(replace(reports.NOT_SENT, outcomes=(), workers=0))
    assert text.splitlines()[0] == "✖ NOT SENT  shop.pricing  syntax error: what ran before still runs"


def test_a_module_that_never_ran_is_still_not_loaded() -> None:
    """A failed first push leaves nothing behind, and says so."""
    module = replace(reports.PRICING_STILL, before=0, after=0, checksum="")
    text = report_text(reports.everywhere(Verdict.NOT_SENT, module, failure=reports.SYNTAX))
    assert "syntax error: not loaded on 8/8, as before" in text


def test_many_kept_names_are_counted() -> None:
    """A long list of what was kept does not hide what changed."""
    kept = tuple(replace(reports.CHANGES[3], name=f"N{i}") for i in range(11))
    text = report_text(reports.everywhere(Verdict.LIVE, replace(reports.PRICING, changes=kept)))
    assert "= N0, N1, N2, N3, N4, N5, N6, N7 and 3 more  kept, not re-run" in text


def test_of_many_modules_the_quiet_ones_are_counted() -> None:
    """A checkout of hundreds of files does not scroll its verdict away, and hides nothing odd."""
    many = [ModuleOutcome(f"m{i:03}", 1, 2, changes=(reports.CHANGES[1],)) for i in range(300)]
    many[200] = replace(many[200], still_old=("run() (m200.py:3)",))
    text = report_text(reports.everywhere(Verdict.LIVE, *many))
    assert len(text.splitlines()) == 1 + 12 * 2 + 3 + 1
    assert "still inside old code: run() (m200.py:3)" in text
    assert "… and 287 more modules, 287 added:  m012, m013, m014, m015, m016, m017, m018, m019 and 279 more" in text


def test_a_long_line_is_shown_around_the_caret() -> None:
    """The caret of a line of thousands of characters is on the screen."""
    line = "x = " + "a" * 5000 + " ( " + "b" * 5000
    failure = Failure("SyntaxError", "bad", "m", 1, 5006, 5007, ((1, line),))
    *_, code, caret = report_text(Report(Verdict.NOT_SENT, ("m",), failure=failure)).splitlines()
    assert len(code) < CODE_COLUMNS + 20
    assert code[caret.index("^")] == "("


@pytest.mark.parametrize(
    ("text", "column", "end_column", "expected"),
    [
        ("a = (", 5, 6, "    ^"),
        ("\tx = (", 6, 7, "\t    ^"),
        ("日本 = (", 6, 7, "       ^"),
        ("a = bcd", 5, 8, "    ^^^"),
        ("a", 4, 0, "   ^"),
    ],
)
def test_the_caret_stands_under_its_column(text: str, column: int, end_column: int, expected: str) -> None:
    """Tabs are kept and wide characters count twice."""
    assert caret_line(text, column, end_column) == expected
