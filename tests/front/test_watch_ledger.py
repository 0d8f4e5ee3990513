"""What of a batch is pushed, and what waits for its repair: tables of what was read, what runs, and what follows."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from livecode.front.watching.ledger import (
    Again,
    Choice,
    Item,
    Ledger,
    Reading,
    again_after,
    present,
    renamed_in_case,
)
from livecode.front.watching.words import (
    Behind,
    WatchState,
    behind_words,
    blamed,
    gone,
    not_loaded,
    watch_sheet,
    why_not,
)
from livecode.model.loaded import LoadedFile
from livecode.model.nouns import Worker, checksum
from livecode.model.report import Failure, Outcome, Refusal, Report, Verdict
from livecode.model.sheet import IN_NOTEBOOK
from livecode.model.text import sheet_text

WORKER = Worker("w1", 71, "web-1", "3.12.1", "shop")


def loaded(*names: str, source: str = "old") -> list[LoadedFile]:
    """Modules that run that source, each from the file of its name."""
    return [LoadedFile(f"/src/{name}.py", name, f"/src/{name}.py", checksum(source)) for name in names]


def reading(name: str, source: str = "new") -> Reading:
    """A file that says this."""
    return Reading(f"/src/{name}.py", source)


def modules(choice: Choice) -> list[str]:
    """What is pushed."""
    return [item.module for item in choice.items]


def report_of(verdict: Verdict, items: Iterable[Item], failure: Failure | None = None, *codes: str) -> Report:
    """What became of a push."""
    refusals = tuple(Refusal(code, "what") for code in codes)
    outcome = Outcome(WORKER, verdict, failure=failure, refusals=refusals)
    return Report(verdict, tuple(item.module for item in items), (outcome,), 1)


class Desk:
    """A ledger with the files and the service that go with it."""

    def __init__(self, *names: str) -> None:
        self.ledger = Ledger()
        self.files = dict.fromkeys(names, "old")
        self.running = dict.fromkeys(names, "old")

    def save(self, verdict: Verdict | None = None, failure: Failure | None = None, **sources: str) -> list[str]:
        """What is pushed when these are saved; it becomes live unless a verdict says otherwise."""
        self.files |= sources
        saved = [f"/src/{name}.py" for name in sources]
        readings = [Reading(path, self.files[path[5:-3]]) for path in sorted(self.ledger.to_read(saved))]
        found = [file for name, source in self.running.items() for file in loaded(name, source=source)]
        choice = self.ledger.choose(saved, readings, [f for f in found if f.path in {r.path for r in readings}])
        if choice.items:
            report = report_of(verdict or Verdict.LIVE, choice.items, failure)
            self.ledger.settle(choice.items, report)
            if report.ok:
                self.running |= {item.module: item.reading.source for item in choice.items}
        return modules(choice)


def test_only_what_differs_is_pushed() -> None:
    """By checksum; of what is not loaded there is nothing to push."""
    choice = Ledger().choose((), [reading("a"), reading("b", "old"), reading("c")], loaded("a", "b"))
    assert modules(choice) == ["a"]
    assert (choice.same, choice.not_loaded) == (("/src/b.py",), ("/src/c.py",))


def test_a_worker_that_runs_something_else_is_reason_enough() -> None:
    """All workers shall run it."""
    both = [*loaded("a", source="new"), *loaded("a", source="old")]
    assert modules(Ledger().choose((), [reading("a")], both)) == ["a"]


def test_one_file_may_be_two_modules() -> None:
    """Both change."""
    twice = [LoadedFile("/src/a.py", name, "/src/a.py", checksum("old")) for name in ("a", "shop.a")]
    assert modules(Ledger().choose((), [reading("a")], twice)) == ["a", "shop.a"]


def test_a_copy_elsewhere_is_another_view_of_the_file_where_it_cannot_be_here() -> None:
    """A container has the file under another path; on the own machine that is another file, which is said."""
    copies = [LoadedFile("/src/a.py", "a", "/app/a.py", checksum("old"))]
    assert modules(Ledger().choose((), [reading("a")], copies)) == ["a"]
    choice = Ledger().choose((), [reading("a")], copies, {"/app/a.py"})
    assert (modules(choice), choice.elsewhere) == ([], tuple(copies))


def test_what_runs_as_main_is_left_out() -> None:
    """It would hold up all that is saved with it."""
    main = [LoadedFile("/src/a.py", "__main__", "/src/a.py"), *loaded("b")]
    choice = Ledger().choose((), [reading("a"), reading("b")], main)
    assert (modules(choice), choice.as_main) == (["b"], ("/src/a.py",))


def test_an_emptied_file_is_no_source() -> None:
    """It is likely to be half of a save."""
    choice = Ledger().choose((), [reading("a", "")], loaded("a"))
    assert (modules(choice), [item.module for item in choice.empty]) == ([], ["a"])


def test_a_file_that_is_gone_is_told_if_it_is_loaded() -> None:
    """Once a module, however many workers have it."""
    gone_files = [Reading("/src/a.py", is_gone=True), Reading("/src/b.py", is_gone=True)]
    choice = Ledger().choose((), gone_files, [*loaded("a"), *loaded("a", source="other")])
    assert [file.module for file in choice.gone] == ["a"]


def test_what_failed_is_not_pushed_again_as_it_is() -> None:
    """Neither when it is saved again nor when something else is."""
    desk = Desk("a", "b")
    assert desk.save(Verdict.ROLLED_BACK, a="bad") == ["a"]
    assert desk.save(a="bad") == []
    assert desk.save(b="good") == ["b"]
    assert list(desk.ledger.held) == ["/src/a.py"]


def test_what_failed_together_is_repaired_together() -> None:
    """The good part of a failed transaction goes along with the repair."""
    desk = Desk("a", "b", "c")
    assert desk.save(Verdict.ROLLED_BACK, a="bad", b="good") == ["a", "b"]
    assert desk.save(c="good") == ["c"]
    assert sorted(desk.save(a="repaired")) == ["a", "b"]
    assert (desk.running, desk.ledger.held) == ({"a": "repaired", "b": "good", "c": "good"}, {})


def test_a_save_that_is_taken_back_is_no_longer_behind() -> None:
    """What is on disk is what runs."""
    desk = Desk("a")
    desk.save(Verdict.ROLLED_BACK, a="bad")
    assert desk.save(a="old") == []
    assert desk.ledger.held == {}


def test_what_failed_while_something_was_held_gets_another_try() -> None:
    """It may have needed what was held; by itself, and once."""
    desk = Desk("a", "b")
    desk.save(Verdict.ROLLED_BACK, a="bad")
    desk.save(Verdict.ROLLED_BACK, b="needs a")
    assert not desk.ledger.is_waiting
    assert desk.save(a="repaired") == ["a"]
    assert desk.ledger.is_waiting
    assert desk.save(Verdict.ROLLED_BACK) == ["b"]
    assert not desk.ledger.is_waiting


def test_what_nobody_could_be_asked_about_is_tried_by_itself() -> None:
    """With what is saved until then; what is known to be broken stays so."""
    desk = Desk("a", "b")
    desk.save(Verdict.ROLLED_BACK, a="bad")
    desk.ledger.hold([reading("a", "bad"), reading("b")], "no worker answered")
    assert desk.ledger.held["/src/a.py"].again is Again.NEVER
    desk.files["b"] = "new"
    assert desk.save() == ["b"]


@pytest.mark.parametrize(
    ("verdict", "codes", "again"),
    [
        (Verdict.NOT_SENT, (), Again.NEVER),
        (Verdict.ROLLED_BACK, (), Again.NEVER),
        (Verdict.REFUSED, ("LC103",), Again.NEVER),
        (Verdict.REFUSED, ("LC406",), Again.SOON),
        (Verdict.REFUSED, ("LC407",), Again.WHEN_SAVED),
        (Verdict.UNDONE, (), Again.WHEN_SAVED),
        (Verdict.HALTED, (), Again.WHEN_SAVED),
        (Verdict.UNKNOWN, (), Again.SOON),
    ],
)
def test_when_the_same_source_is_pushed_again(verdict: Verdict, codes: tuple[str, ...], again: Again) -> None:
    """It depends on whose fault it was."""
    assert again_after(report_of(verdict, (), None, *codes)) is again


def test_somebody_elses_push_is_replaced_by_saving_again() -> None:
    """And not by saving another file."""
    ledger = Ledger()
    items = (Item("a", reading("a")),)
    ledger.settle(items, report_of(Verdict.REFUSED, items, None, "LC407"))
    assert modules(ledger.choose(("/src/b.py",), [reading("a"), reading("b")], loaded("a", "b"))) == ["b"]
    assert modules(ledger.choose(("/src/a.py",), [reading("a")], loaded("a"))) == ["a"]


@pytest.mark.parametrize(
    ("name", "listing", "there", "now"),
    [
        ("Shop.py", {"Shop.py"}, True, ""),
        ("Shop.py", {"shop.py"}, False, "shop.py"),
        ("Shop.py", {"shop.py", "Shop.py"}, True, ""),
        ("Shop.py", {"other.py"}, False, ""),
        ("straße.py", {"STRASSE.py"}, False, "STRASSE.py"),
    ],
)
def test_a_rename_in_case_alone(name: str, listing: set[str], there: bool, now: str) -> None:
    """Where case does not count, the old name still leads to the file; imports go by what the folder says."""
    assert (present(name, listing), renamed_in_case(name, listing)) == (there, now)


def test_words() -> None:
    """What is said besides Reports."""
    file = LoadedFile("/src/Shop.py", "Shop", "/src/Shop.py")
    assert gone("Shop.py", file, IN_NOTEBOOK) == (
        "Shop.py is gone: Shop stays loaded; unload it if nothing needs it: %hotunload Shop"
    )
    assert "is called shop.py now: Shop stays loaded, and no import will find it" in gone(
        "Shop.py", file, IN_NOTEBOOK, "shop.py"
    )
    assert not_loaded([f"{n}.py" for n in range(9)], "shop").startswith("saved 0.py, 1.py, 2.py and 6 more: not loaded")


def test_who_is_to_blame() -> None:
    """The module that failed says why; the others of its transaction wait for it."""
    items = (Item("a", reading("a")), Item("b", reading("b")))
    failed = report_of(Verdict.NOT_SENT, items, Failure("SyntaxError", "'(' was never closed", "a", 4))
    assert (blamed(failed), why_not(failed)) == ("a", "syntax error, line 4")
    ledger = Ledger()
    ledger.settle(items, failed)
    assert [held.why for held in ledger.held.values()] == ["syntax error, line 4", "waits for a"]
    refused = report_of(Verdict.REFUSED, items, None, "LC103")
    assert (blamed(refused), why_not(refused)) == ("", "LC103 what")


def test_the_state_in_words() -> None:
    """One line, and one for each file that is not what runs."""
    behind = Behind("src/shop/pricing.py", ("shop.pricing",), "syntax error, line 4")
    state = WatchState("src", "shop", "events", 1204, 3, 1, (behind,))
    assert sheet_text(watch_sheet(state, "Ctrl-C")) == (
        "● WATCHING  src  what is saved goes live in shop  1,204 files by events  3 live, 1 failed    stop: Ctrl-C\n"
        "  ! shop.pricing differs from what runs: syntax error, line 4"
    )
    assert behind_words(Behind("src/a.py", (), "no worker answered")).startswith("src/a.py differs")
    many = WatchState("src", "shop", "events", 1, behind=(behind,) * 7, stopped=True, closed=("src/secret",))
    text = sheet_text(watch_sheet(many))
    assert "○ STOPPED  src  pushed into shop" in text
    assert "2 more saved files are not what runs" in text
    assert "src/secret may not be looked into, and is left out" in text
