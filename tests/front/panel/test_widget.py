"""The panel without a browser: what is sent there, and what comes back, on a real service."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from livecode.fleet.service import Service, attach
from livecode.front.panel import opening
from livecode.front.panel.deeds import Deed, read_asked
from livecode.front.panel.look import look_at
from livecode.front.panel.opening import Panel, Panels
from livecode.front.views import View
from tests.front.test_magics import loaded
from tests.services import RunningService, Services, wait_until

pytest.importorskip("anywidget", reason="pip install 'livecode[panel]'")

OLD = "def quote(x=1):\n    return 'old'\n"
NEW = "def quote(x=1):\n    return 'new'\n"


@pytest.fixture
def running(services: Services) -> RunningService:
    """A program with a module that can be pushed."""
    return services.threaded("shop", {"pricing.py": OLD})


@pytest.fixture
def shop(running: RunningService) -> Service:
    """The service, as the notebook is attached to it."""
    assert running.pid
    return attach("shop")


@pytest.fixture
def panel(shop: Service) -> Iterator[Panel]:
    """A panel at which somebody looks."""
    opened = Panel(shop, lambda: "ann", look_at(shop))
    say(opened, view="a", seen="visible")
    yield opened
    opened.close("the test is over")
    opened.widget.close()


def say(panel: Panel, **message: object) -> None:
    """The browser says that."""
    panel.widget._handle_custom_msg(message, [])


def module(panel: Panel) -> dict[str, Any]:
    """What is shown of the module."""
    return next(row for row in panel.widget.shown["modules"] if row["module"] == "pricing")


def answer(panel: Panel, key: str) -> str:
    """What is said of a deed, as plain text."""
    wait_until(lambda: panel.widget.said.get("key") == key, "it is answered")
    return str(panel.widget.said["text"])


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "livecode-panel"]


def test_a_push_of_somebody_else_is_shown(panel: Panel) -> None:
    """What is shown changes by itself; between two looks that see the same, nothing but the time of the look does."""
    changes = list[str]()
    panel.widget.observe(lambda change: changes.append(change["name"]))
    assert (module(panel)["version"], panel.widget.shown["pushes"]) == ("v1", [])
    attach("shop").push({"pricing": NEW}, author="bob", reason="cheaper")
    wait_until(lambda: module(panel)["version"] == "v2", "the push is shown")
    assert (module(panel)["author"], module(panel)["undo"]) == ("bob", True)
    assert panel.widget.shown["pushes"][0]["reason"] == "cheaper"
    wait_until(lambda: panel.widget.shown["workers"][0]["state"] == "in step", "the worker has said so")
    changes.clear()
    wait_until(lambda: len(changes) >= 2, "it looks again")
    assert set(changes) == {"looked"}


def test_undo(panel: Panel, shop: Service, running: RunningService) -> None:
    """The button brings back what ran before, says the verdict, and is no news to the notebook's next push."""
    shop.push({"pricing": NEW})
    wait_until(lambda: module(panel)["version"] == "v2", "the push is shown")
    say(panel, key="1", do="undo", module="pricing", seen=2, digest=module(panel)["digest"])
    assert answer(panel, "1").startswith("✔ LIVE  undo pricing  v2 → v3")
    assert "LIVE" in panel.widget.said["html"]
    assert running.get("pricing.quote()") == "'old'"
    wait_until(lambda: module(panel)["version"] == "v3", "what runs now is shown")
    assert panel.widget.shown["pushes"][0]["author"] == "ann"
    assert shop.push({"pricing": NEW}).ok


def test_undo_the_last_push(panel: Panel, shop: Service, running: RunningService) -> None:
    """All of its modules go back."""
    shop.push({"pricing": NEW})
    wait_until(lambda: panel.widget.shown["last"] is not None, "the push is shown")
    say(panel, key="1", do="undo last", seen=panel.widget.shown["last"]["generation"])
    assert "LIVE  undo pricing" in answer(panel, "1")
    assert running.get("pricing.quote()") == "'old'"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"do": "undo", "module": "pricing", "seen": 7, "digest": "x"}, "pricing is v2 by now, not v7"),
        ({"do": "undo", "module": "gone", "seen": 7, "digest": "x"}, "gone is gone by now"),
        ({"do": "undo last", "seen": 77}, "the last push is another one by now: pricing v2"),
        ({"do": "promote", "seen": 3}, "that canary is decided already"),
        ({"do": "take back", "seen": 3}, "that canary is decided already"),
    ],
)
def test_what_is_not_as_it_was_seen_is_refused(
    panel: Panel, shop: Service, running: RunningService, request_: dict[str, object], why: str
) -> None:
    """Somebody was faster: nothing is done, and that is said."""
    shop.push({"pricing": NEW})
    say(panel, key="1", **request_)
    said = answer(panel, "1")
    assert said.startswith("■ REFUSED")
    assert why in said
    assert running.get("pricing.quote()") == "'new'"


def test_a_service_goes_and_comes_back(panel: Panel, running: RunningService, services: Services) -> None:
    """That is said, and what was seen stays; when it is there again, it is shown by itself."""
    running.stop()
    wait_until(lambda: panel.widget.shown["away"], "it is missed")
    assert panel.widget.shown["away"] == "shop has no worker at this moment"
    assert module(panel)["version"] == "v1"
    say(panel, key="1", do="undo last", seen=0)
    assert answer(panel, "1").startswith("✖ NOT DONE")
    services.again(running)
    wait_until(lambda: not panel.widget.shown["away"], "it is found again")


def test_nobody_looks_for_nobody(panel: Panel) -> None:
    """When the view is gone, the service is not asked any more, and when somebody looks again, at once."""
    say(panel, view="a", seen="gone")
    seen = panel.watcher._looked_at
    assert panel.watcher.viewers.pace(time.monotonic(), 0.0) is None
    say(panel, view="b", seen="visible")
    wait_until(lambda: panel.watcher._looked_at > seen, "it looks again")


def test_what_cannot_be_meant_is_not_heard(panel: Panel) -> None:
    """A page may send anything."""
    for message in ("x", None, {"do": "rm"}, {"do": 7}, {"do": "undo", "module": ["a"]}, {"seen": "x"}, {"seen": []}):
        panel.widget._handle_custom_msg(message, [])
    assert panel.watcher.running
    with pytest.raises(ValueError, match="no request"):
        read_asked({"do": "undo", "module": "x" * 1000})
    assert read_asked({"key": "k", "do": "take back", "seen": 3}).deed is Deed.TAKE_BACK


def test_two_panels_on_one_service(panel: Panel, shop: Service) -> None:
    """Two notebooks see the same, and what one of them does."""
    other = Panel(attach("shop"), lambda: "bob", look_at(shop))
    try:
        say(other, view="b", seen="visible")
        shop.push({"pricing": NEW})
        wait_until(lambda: module(panel)["version"] == module(other)["version"] == "v2", "both show it")
        say(other, key="1", do="undo last", seen=other.widget.shown["last"]["generation"])
        assert "LIVE" in answer(other, "1")
        wait_until(lambda: panel.widget.shown["pushes"][0]["author"] == "bob", "the other one sees it")
    finally:
        other.close("the test is over")
        other.widget.close()


def test_after_its_end_no_thread_is_left(shop: Service) -> None:
    """It says why it stopped; buttons of a page that does not know it yet do nothing."""
    panel = Panel(shop, lambda: "ann", look_at(shop))
    assert threads() == ["livecode-panel"]
    panel.close("this notebook has left the service")
    assert threads() == []
    assert panel.widget.ended == "this notebook has left the service"
    say(panel, key="1", do="undo last", seen=0)
    assert panel.widget.said == {}
    panel.widget.close()


class Displayed:
    """Stands for IPython's display: what was shown, in order."""

    def __init__(self) -> None:
        self.shown = list[tuple[Any, dict[str, Any]]]()

    def __call__(self, what: Any, **options: Any) -> None:
        self.shown.append((what, options))


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> Displayed:
    """What cells show."""
    shown = Displayed()
    monkeypatch.setattr(opening, "display", shown)
    return shown


@pytest.fixture
def notebook(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A shell that takes itself for a kernel's."""
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    return shell


def test_the_magic(notebook: InteractiveShell, shop: Service, displayed: Displayed) -> None:
    """A table that stands for the panel, then the panel; twice is the same panel; %hotdetach ends it."""
    notebook.run_line_magic("hotattach", "shop")
    assert notebook.run_line_magic("hotpanel", "") is None
    (table, options), (widget, _) = displayed.shown
    assert table["text/plain"].startswith("● STATUS  shop  1 worker")
    assert "STATUS" in table["text/html"]
    assert f"class='livecode-table {options['display_id']}'" in table["text/html"]
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"] == "the live panel of shop, where widgets are shown"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    notebook.run_line_magic("hotpanel", "")
    assert displayed.shown[3][0] is widget
    assert threads() == ["livecode-panel"]
    widget._handle_custom_msg({"view": "a", "seen": "visible"}, [])
    shop.push({"pricing": NEW}, reason="cheaper")
    wait_until(lambda: displayed.shown[-1][1].get("update"), "the table is brought up to date")
    assert "cheaper" in displayed.shown[-1][0]["text/plain"]
    notebook.run_line_magic("hotdetach", "")
    assert threads() == []
    assert widget.ended == "this notebook has left the service"


def test_unload_ends_it(notebook: InteractiveShell, shop: Service, displayed: Displayed) -> None:
    """No thread stays behind."""
    assert shop.workers()
    notebook.run_line_magic("hotattach", "shop")
    notebook.run_line_magic("hotpanel", "")
    notebook.run_line_magic("unload_ext", "livecode")
    assert threads() == []
    notebook.run_line_magic("load_ext", "livecode")


def test_in_a_terminal_it_is_a_table(shell: InteractiveShell, shop: Service) -> None:
    """With what it takes to have the panel."""
    assert shop.workers()
    shell.run_line_magic("hotattach", "shop")
    view = shell.run_line_magic("hotpanel", "")
    assert isinstance(view, View)
    assert str(view).startswith("● STATUS  shop")
    assert str(view).endswith("a live panel needs a notebook; %hotpanel again looks anew")
    assert "<table" in view._repr_html_()


def test_without_anywidget_it_is_a_table(
    notebook: InteractiveShell, shop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says which command brings the panel."""
    assert shop.workers()
    monkeypatch.delitem(sys.modules, "livecode.front.panel.widget", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    notebook.run_line_magic("hotattach", "shop")
    view = str(notebook.run_line_magic("hotpanel", ""))
    assert view.splitlines()[-1] == (
        "a live panel needs anywidget, which is not installed: pip install 'livecode[panel]'"
    )
    assert threads() == []


def test_of_this_process(displayed: Displayed, notebook: InteractiveShell) -> None:
    """Without a service, it shows the notebook's own process."""
    notebook.run_line_magic("hotpanel", "")
    widget = displayed.shown[1][0]
    assert widget.shown["service"] == "this process"
    panels = loaded(notebook).panels
    assert isinstance(panels, Panels)
    notebook.run_line_magic("unload_ext", "livecode")
    assert threads() == []
    notebook.run_line_magic("load_ext", "livecode")
