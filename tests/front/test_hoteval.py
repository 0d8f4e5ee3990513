"""`%hoteval` and `%%hoteval` in a real IPython shell, on real services and on the own process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from livecode.fleet.client import RemoteWorker
from livecode.fleet.discovery import look
from livecode.front.complete import Patience
from livecode.front.eval_magics import Habits, eval_words
from livecode.front.evaluated_view import EvaluatedView
from livecode.model.evaluated import Evaluated
from tests.services import RunningService, Services, wait_until

WORKERS = 2
SHOP = """
import os
CACHE = {"apple": 3}
PID = os.getpid()
class Order:
    def _repr_html_(self):
        return "<b>plum</b>"
ORDER = Order()
def boom(x):
    return CACHE[x]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of two workers."""
    with Services(tmp_path_factory.mktemp("eval")) as services:
        running = services.gunicorn("shop", {"shop_lc.py": SHOP}, "--workers", str(WORKERS))
        wait_until(lambda: len(look("shop").workers) == WORKERS, "both workers listen", running)
        yield running


@pytest.fixture
def attached(shell: InteractiveShell, shop: RunningService) -> InteractiveShell:
    """A shell that is attached to it."""
    shell.run_line_magic("hotattach", "shop")
    return shell


def asked(shell: InteractiveShell, line: str, cell: str | None = None) -> EvaluatedView:
    found = shell.run_line_magic("hoteval", line) if cell is None else shell.run_cell_magic("hoteval", line, cell)
    assert isinstance(found, EvaluatedView)
    return found


def bundle(shell: InteractiveShell, view: object) -> dict[str, Any]:
    """What a notebook gets of it."""
    data: dict[str, Any] = shell.display_formatter.format(view)[0]
    return data


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("len(x)", ["--", "len(x)"]),
        ("x['a b']  +  'it''s'", ["--", "x['a b']  +  'it''s'"]),
        ("--all x", ["--all", "--", "x"]),
        ("x --all", ["--all", "--", "x"]),
        ("--worker w1 x --timeout=3 -m shop", ["--worker", "w1", "--timeout=3", "-m", "shop", "--", "x"]),
        ("--worker w1 --worker w2 f(' --all')", ["--worker", "w1", "--worker", "w2", "--", "f(' --all')"]),
        ("-x", ["--", "-x"]),
        ("-1 - -2", ["--", "-1 - -2"]),
        ("-- --x", ["--", "--x"]),
        ("", []),
        ("--all", ["--all"]),
        ("--help", ["--help"]),
        ("--nothing x", ["--nothing", "--", "x"]),
        ("x -m", ["--", "x -m"]),
        ("--allx", ["--allx"]),
        ("{'a': {1}}", ["--", "{'a': {1}}"]),
    ],
)
def test_options_stand_around_the_expression(line: str, words: list[str]) -> None:
    """What is between them is Python, and stays as it is."""
    assert eval_words(line) == words


@pytest.mark.parametrize(
    ("workers", "names"),
    [("", ()), ("w1", ("w1",)), ("w1, w3", ("w1", "w3")), (" w1 w3 ", ("w1", "w3")), ("*", ("*",))],
)
def test_workers_can_be_a_habit(workers: str, names: tuple[str, ...]) -> None:
    """With commas or spaces."""
    assert Habits(workers, 1.0).names() == names


def test_one_value_is_as_if_it_were_local(attached: InteractiveShell) -> None:
    """Its text is that of the value, a literal can be worked with, and braces are Python's."""
    attached.run_cell("r = %hoteval len(shop_lc.CACHE)")
    result = attached.user_ns["r"]
    assert (result.value, result.ok, len(result), str(result)) == (1, True, 1, "1")
    assert bundle(attached, result) == {"text/plain": "1"}
    attached.user_ns["n"] = 7
    attached.run_cell("r = %hoteval {'n': {2}, 'x': shop_lc.CACHE['apple']}")
    assert attached.user_ns["r"].value == {"n": {2}, "x": 3}


def test_a_rich_value_keeps_its_form(attached: InteractiveShell) -> None:
    """As the object of the service shows itself; plain text is always there."""
    data = bundle(attached, asked(attached, "shop_lc.ORDER"))
    assert data["text/html"] == "<b>plum</b>"
    assert data["text/plain"].startswith("<shop_lc.Order object at ")


def test_long_literals_are_laid_out(attached: InteractiveShell) -> None:
    """As IPython does with its own, and they are the same value."""
    view = asked(attached, "{n: 'x' * 30 for n in range(5)}")
    assert str(view).count("\n") == 4
    assert view.value == dict.fromkeys(range(5), "x" * 30)


def test_all_workers_stand_side_by_side(attached: InteractiveShell) -> None:
    """Equal answers are one; others each under its worker's name."""
    same, differ = asked(attached, "--all 1 + 1"), asked(attached, "shop_lc.PID --all")
    assert same.value == 2
    assert "all 2 say the same" in str(same)
    assert sorted(differ.values) == ["w1", "w2"]
    with pytest.raises(ValueError, match="2 workers say different things"):
        assert differ.value
    data = bundle(attached, differ)
    assert data["text/html"].count("<div class='lc-card'>") == WORKERS
    assert all(str(pid) in data["text/plain"] and str(pid) in data["text/html"] for pid in differ.values.values())
    assert asked(attached, "--worker w2 shop_lc.PID").value == differ.values["w2"]
    assert [each["text"] for each in json.loads(differ.to_json())] == [str(pid) for pid in differ.values.values()]


def test_a_cell_is_a_block(attached: InteractiveShell) -> None:
    """Names of its own, and a last line; over all workers, too."""
    view = asked(attached, "--all", "total = 0\nfor n in shop_lc.CACHE.values():\n    total += n\ntotal\n")
    assert view.value == 3
    assert asked(attached, "", "[\n  n\n  for n in (1, 2)\n]").value == [1, 2]


def test_a_failure_shows_the_frames_of_the_service(attached: InteractiveShell) -> None:
    """It is a value that says so, with the module's own line."""
    view = asked(attached, "shop_lc.boom('kiwi')")
    assert not view.ok
    assert "KeyError: 'kiwi'" in str(view)
    assert "shop_lc, line 10, in boom:  return CACHE[x]" in str(view)
    data = bundle(attached, view)
    assert "✖ FAILED" in data["text/html"]
    assert "return CACHE[x]" in data["text/html"]


def test_a_failure_shows_the_lines_of_the_cell(attached: InteractiveShell) -> None:
    """What was pushed last is what runs, and it is in no file."""
    for line, comment in ((3, ""), (4, "# one more line\n")):
        source = f"STOCK = {{}}\n{comment}def stock(x):\n    return STOCK[x] + {line}\n"
        assert attached.run_cell_magic("hotpush", "pushed_lc", source).ok
        assert f"pushed_lc, line {line}, in stock:  return STOCK[x] + {line}" in str(
            asked(attached, "pushed_lc.stock(1)")
        )
    attached.run_line_magic("hotunload", "pushed_lc --force")


def test_frames_of_others_are_folded(attached: InteractiveShell) -> None:
    """They are counted in the text, and can be opened in HTML."""
    view = asked(attached, "__import__('json').loads('[')")
    assert "3 frames of other code, the last: " in str(view)
    html = bundle(attached, view)["text/html"]
    assert "<summary>3 frames of other code</summary>" in html
    assert "in raw_decode" in html


def test_what_was_cut_is_said(attached: InteractiveShell) -> None:
    """In the text and in the HTML."""
    data = bundle(attached, asked(attached, "list(range(10 ** 6))"))
    assert data["text/plain"].endswith("… and more: ask for less of it")
    assert "… and more: ask for less of it" in data["text/html"]


def test_what_is_printed_comes_along(attached: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one worker it is printed here, of several it stands with what they say."""
    assert asked(attached, "print('looking') or 7").value == 7
    assert capsys.readouterr().out == "looking\n"
    several = asked(attached, "--all print('looking', shop_lc.PID)")
    assert capsys.readouterr().out == ""
    assert str(several).count("looking") == WORKERS
    assert bundle(attached, several)["text/html"].count("looking") == WORKERS


def test_habits_can_be_configured(attached: InteractiveShell) -> None:
    """`%config` says whom to ask, and for how long; what is typed goes before it."""
    attached.run_line_magic("config", "LivecodeMagics.eval_workers = '*'")
    attached.run_line_magic("config", "LivecodeMagics.eval_timeout_s = 0.3")
    assert len(asked(attached, "1")) == WORKERS
    assert len(asked(attached, "--worker w1 1")) == 1
    late = asked(attached, "--worker w1 all(True for _ in iter(int, 1))")
    assert "no value within 0.3 s" in str(late)
    with pytest.raises(UsageError, match="above 0"):
        asked(attached, "1 --timeout 0")


@pytest.mark.parametrize(
    ("line", "cell", "why"),
    [
        ("", None, "an expression is needed"),
        ("--all", " \n", "an expression is needed"),
        ("x", "y", "a cell is the expression"),
        ("x = 1", None, "is a statement"),
        ("1 --worker w9", None, "shop has no worker 'w9'; it has w1, w2"),
        ("1 --worker w1 --all", None, "not both"),
        ("1 --module no_such_lc", None, "no_such_lc is not loaded"),
        ("--nothing 1", None, "unrecognized arguments: --nothing"),
        ("", "shop_lc.PID = 1\n1", "line 1: shop_lc.PID would be changed in the service"),
    ],
)
def test_a_mistake_is_one_line(attached: InteractiveShell, line: str, cell: str | None, why: str) -> None:
    """It says what is wrong and what would be right."""
    with pytest.raises(UsageError, match=why) as raised:
        asked(attached, line, cell)
    assert "\n" not in str(raised.value)


def test_without_a_service_it_is_this_process(shell: InteractiveShell) -> None:
    """Names are the notebook's own, too."""
    shell.run_cell("prices = [1, 2]\nr = %hoteval sum(prices)")
    assert shell.user_ns["r"].value == 3
    shell.run_cell("%%hoteval\ntotal = sum(prices)\ntotal * 2")
    assert "total" not in shell.user_ns


def test_tab_knows_the_names_of_the_service(attached: InteractiveShell) -> None:
    """Of its modules and what is in them, on lines and in cells; its workers; nothing of it runs."""
    for typed, offered in {
        "%hoteval shop_l": "shop_lc",
        "%hoteval len(shop_lc.CA": "shop_lc.CACHE",
        "%hoteval -m shop_lc OR": "ORDER",
        "%%hoteval --all\nx = 1\nmax(shop_lc.CA": "shop_lc.CACHE",
        "%hoteval --worker ": "w2",
        "%hotpush --rerun shop_lc.CA": "shop_lc.CACHE",
    }.items():
        with provisionalcompleter():
            found = [each.text for each in attached.Completer.completions(typed, len(typed))]
        assert offered in found, typed


def test_tab_waits_for_a_moment_only() -> None:
    """What comes later is there the next time; meanwhile nobody else is asked."""
    patience, asked_for = Patience(0.05), list[str]()

    def slow() -> list[str]:
        time.sleep(0.5)
        asked_for.append("slow")
        return ["late"]

    assert patience.ask(("a",), slow) == ()
    assert patience.ask(("b",), lambda: ["quick"]) == ()
    wait_until(lambda: patience.ask(("a",), slow) == ("late",), "the answer comes")
    assert asked_for == ["slow"]
    assert Patience(20).ask(("b",), lambda: ["quick", "brown"]) == ("brown", "quick")


def test_agents_get_no_more_than_they_did(shop: RunningService) -> None:
    """No names, and no forms but text, where they may not push."""
    door = look("shop").workers[0]
    asks = RemoteWorker(door.worker, door.path)
    asks.agent = "helper"
    with pytest.raises(PermissionError, match="an expression could do everything"):
        asks.names("shop_lc.", "")
    with pytest.raises(PermissionError, match="an expression could do everything"):
        asks.evaluate("1", "", 1.0, 1 << 20)


def test_a_lost_worker_is_said(shell: InteractiveShell, tmp_path: Path) -> None:
    """It is not known what became of the expression, and the others have answered."""
    with Services(tmp_path) as services:
        services.threaded("till", {"shop_lc.py": SHOP})
        other = services.threaded("till", {"shop_lc.py": SHOP})
        shell.run_line_magic("hotattach", "till")
        view = asked(shell, "--all", f"import os\nos._exit(3) if os.getpid() == {other.pid} else 1")
    assert {each.ok for each in view} == {True, False}
    assert "? UNKNOWN" in str(view)
    assert isinstance(view[0], Evaluated)
