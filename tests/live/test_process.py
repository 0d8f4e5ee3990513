"""What a tracked process does with pushes that are good, bad, new, gone, simultaneous and interrupted."""

from __future__ import annotations

import os

import pytest

from tests.live import processes
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

BIG = "x = 1\n" * 1_000_000


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("not a name", "x = 1\n", "LC501"),
        ("a..b", "x = 1\n", "LC501"),
        ("", "x = 1\n", "LC501"),
        ("class", "x = 1\n", "LC501"),
        ("m.1", "x = 1\n", "LC501"),
        ("__main__", "x = 1\n", "LC502"),
        ("nowhere.m", "x = 1\n", "LC503"),
        ("m.sub", "x = 1\n", "LC503"),
        ("json", "x = 1\n", "LC504"),
        ("wave", "x = 1\n", "LC504"),
        ("click", "x = 1\n", "LC504"),
        ("m", "x = 1\0\n", "LC505"),
        ("m", BIG, "LC505"),
        ("m", "x = '\ud800'\n", "LC505"),
        ("nowhere", None, "LC507"),
        ("json", None, "LC504"),
        ("sys", "x = 1\n", "LC508"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(name: str, source: str | None, code: str, forker: Forker) -> None:
    """Each kind of bad input has its code, a reason and a way out, and leaves the process as it was."""
    said = forker.ask(processes.refused, {"m.py": "x = 0\n"}, name, source)
    assert (said["verdict"], said["codes"], said["unchanged"]) == ("REFUSED", [code], True)
    assert all(" → " in text and len(text) > 20 for text in said["says"])


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        ("def f(:\n    pass\n", "SyntaxError", 1),
        ("if True:\n\tx = 1\n        y = 2\n", "TabError", 3),
        ("x = 1\n  y = 2\n", "IndentationError", 2),
        ("x = (1,\n", "SyntaxError", 1),
        ("return 1\n", "SyntaxError", 1),
        ("def f():\n    nonlocal y\n", "SyntaxError", 2),
    ],
)
def test_what_does_not_compile_is_not_sent(source: str, error: str, line: int, forker: Forker) -> None:
    """A source that does not compile is named with its chunk and line, and nothing is touched."""
    said = forker.ask(processes.refused, {"m.py": "x = 0\n"}, "m", source)
    assert (said["verdict"], said["failure"], said["unchanged"]) == ("NOT SENT", [error, "m", line], True)


def test_a_module_without_source_is_refused_by_what_it_is(forker: Forker) -> None:
    """Bytecode alone, a namespace package, an archive, a module that the program made, a part of the interpreter."""
    said = forker.ask(processes.without_source)
    words = {
        "bare": "bytecode",
        "space": "namespace package",
        "zipped": "archive",
        "made": "made by",
        "builtins": "part",
    }
    assert [(name, text[:5], words[name] in text) for name, text in said.items()] == [
        (name, "LC508", True) for name in words
    ]


def test_the_running_script_is_not_pushed_as_a_second_copy(forker: Forker) -> None:
    """What runs as `__main__` cannot be pushed under its file's name."""
    assert forker.ask(processes.script_of_its_own)["codes"] == ["LC502"]


def test_native_code_is_refused(forker: Forker) -> None:
    """A C extension is refused even if it is forced."""
    assert forker.ask(processes.loaded_natively)["codes"] == ["LC201"]


def test_a_new_module_without_a_file_is_a_real_module(forker: Forker) -> None:
    """It has a spec, a loader that gives its source, lines in tracebacks under its name; its package has it."""
    said = forker.ask(processes.new_module)
    assert (said["verdict"], said["versions"], said["attribute"], said["disk"]) == ("LIVE", [0, 1], True, "no file")
    assert said["spec"] == ["shop.promo", "<shop.promo>", "shop"]
    assert said["get_source"]
    assert said["getsource"] == "def voucher(code):\n    return 1 / code\n"
    assert said["doc"] == "Vouchers."
    assert 'File "<shop.promo>", line 4, in voucher' in said["trace"]
    assert "return 1 / code" in said["trace"]


def test_a_new_package_comes_and_goes_with_its_modules(forker: Forker) -> None:
    """A package and a module in it come in one push, depend on each other, and leave nothing behind."""
    said = forker.ask(processes.new_package)
    assert said["verdicts"] == ["LIVE", "LIVE", "LIVE"]
    assert said["values"] == [41, 42]
    assert (said["gone"], said["importable"], said["finder"]) == (True, False, False)


def test_a_new_module_that_fails_takes_the_whole_push_back(forker: Forker) -> None:
    """The other modules are as they were, nothing is importable that was not, and the corrected push goes live."""
    said = forker.ask(processes.failing_new_module)
    assert said["first"]["verdict"] == "ROLLED BACK"
    assert said["first"]["failure"] == ["OSError", "b", 2]
    assert (said["unchanged"], said["then"], said["x"]) == (True, "LIVE", 3)


def test_unload_takes_a_module_out_and_says_who_holds_it(forker: Forker) -> None:
    """It is refused while somebody imports it; afterwards it is told when the last of its objects is gone."""
    said = forker.ask(processes.unloading)
    assert said["refusal"]["codes"] == ["LC506"]
    assert "__main__ (taken)" in said["refusal"]["says"][0]
    assert (said["verdict"], said["versions"], said["works"], said["out"]) == ("LIVE", [1, 0], 1, True)
    assert said["states"][0] == "some of its objects are still held"
    assert said["states"][1].startswith("all of it is gone")
    assert said["again"] == 1


def test_undo_goes_back_step_by_step(forker: Forker) -> None:
    """An undo is a push of its own, and an undo after it brings back what ran before that."""
    assert forker.ask(processes.undo_chain) == [2, 1, [None, None, None, 2, 1], None]


def test_the_same_source_is_not_compiled_again(forker: Forker) -> None:
    """The checksum alone decides that there is nothing to do."""
    assert forker.ask(processes.same_source) == {"verdict": "SAME", "compiled": [], "x": 1}


def test_a_file_that_changed_before_it_was_tracked_is_not_believed(forker: Forker) -> None:
    """What runs is compared with what the file compiles to; a difference is refused, not guessed away."""
    said = forker.ask(processes.drift)
    assert (said["codes"], said["runs"]) == (["LC401"], 1)


def test_a_module_imported_before_the_tracking_can_be_pushed(forker: Forker) -> None:
    """A file that agrees with what runs is believed."""
    said = forker.ask(processes.imported_before)
    assert (said["verdict"], said["runs"]) == ("LIVE", 3)


def test_a_removed_name_stays_while_calls_read_it(forker: Forker) -> None:
    """A call inside old code still finds the name; it is counted, said, and the name goes when the call has ended."""
    said = forker.ask(processes.lingering_name)
    assert (said["verdict"], said["got"], said["there"], said["gone"]) == ("LIVE", [1], True, True)
    assert said["warnings"] == ["RATE stays until the calls end that are inside old code and read it"]
    assert [text.partition(",")[0] for text in said["inside"]] == ["slow() of v1 (m.py:4)"]
    assert said["still"] == []


def test_callers_never_fail_while_versions_change(forker: Forker) -> None:
    """Under forced thread switching, no call raises while names and signatures come and go 200 times."""
    assert forker.ask(processes.mixed_generations) == {"verdicts": ["LIVE"], "errors": {}, "called": True}


def test_the_event_loop_of_the_service_shows_the_push(forker: Forker) -> None:
    """In an asyncio service the change becomes visible on the loop's own thread."""
    assert forker.ask(processes.on_the_loop) == {"verdict": "LIVE", "value": 2, "where": ["MainThread"]}


def test_a_loop_that_is_stuck_does_not_stop_a_push(forker: Forker) -> None:
    """After some patience the push is shown from the asking thread."""
    assert forker.ask(processes.busy_loop) == {"verdict": ["LIVE"], "value": 2}


def test_a_second_push_meanwhile_is_refused(forker: Forker) -> None:
    """It says which push is under way and by whom; the first one is not disturbed."""
    said = forker.ask(processes.two_pushes)
    assert said["second"]["codes"] == ["LC406"]
    assert "m by ann@here" in said["second"]["says"][0]
    assert (said["busy"], said["first"], said["x"]) == ("m by ann@here", "LIVE", 2)


def test_a_push_waits_for_a_dry_run(forker: Forker) -> None:
    """Somebody who only looks is in nobody's way, however long it takes."""
    assert forker.ask(processes.push_after_a_look) == "LIVE"


def test_a_marked_statement_keeps_its_value(forker: Forker) -> None:
    """`# livecode: keep` keeps a value although what it reads has changed."""
    assert forker.ask(processes.kept_statement) == [2, [1], [2]]


def test_what_cannot_be_undone_is_said(forker: Forker) -> None:
    """Threads and exit handlers of a push that failed are named, with the line that made them."""
    said = forker.ask(processes.effects)
    assert said["verdict"] == "ROLLED BACK"
    assert said["not undone"] == [
        'thread "fx-poll" (started at line 3)',
        "1 atexit handler (registered at line 4)",
    ]


def test_a_source_that_exits_does_not_end_the_service(forker: Forker) -> None:
    """SystemExit and KeyboardInterrupt are rolled back like any other error, and that is said."""
    said = forker.ask(processes.not_an_exception)
    assert [item["verdict"] for item in said["said"]] == ["ROLLED BACK", "ROLLED BACK"]
    assert all("was kept from the service" in item["not undone"][-1] for item in said["said"])
    assert said["x"] == 1


def test_a_child_forked_during_a_push_can_be_pushed_to(forker: Forker) -> None:
    """The lock of the parent's push is not inherited."""
    assert forker.ask(processes.forked_during_push) == ["LIVE", "LIVE"]


def test_pushes_leave_no_memory_behind(forker: Forker) -> None:
    """A thousand pushes keep a bounded history and nothing else."""
    said = forker.ask(processes.memory_after, 1000)
    assert said["objects"] < 300, said
    assert (said["lines"], said["value"]) == (0, 1099)


def test_a_global_statement_of_a_module_is_compiled_as_a_whole(forker: Forker) -> None:
    """Whether it is in order depends on what stands before it."""
    said = forker.ask(processes.global_statement)
    assert said == {"good": "LIVE", "value": 2, "bad": "NOT SENT", "failure": ["SyntaxError", "m", 2], "then": 2}


def test_a_package_goes_with_what_is_in_it(forker: Forker) -> None:
    """The report names the modules inside, their history ends, and nothing here keeps them alive."""
    said = forker.ask(processes.package_unloaded)
    assert (said["verdict"], said["alive"]) == ("LIVE", False)
    assert said["changes"] == [["pkg.sub", "goes with its package"]]
    assert said["versions"] == ["def f():\n    return 1\n", "def f():\n    return 2\n", None]


def test_what_came_a_moment_later_is_said(forker: Forker) -> None:
    """A statement that needed the new code to be visible is named: others could see the moment in between."""
    assert forker.ask(processes.late_statement) == ["TABLE: a moment after the rest, as it needed the new code", "4"]
