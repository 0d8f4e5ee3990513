"""Real Jupyter kernels: the magics as a notebook runs them, on the kernel's process and on a real service."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from tests.services import RunningService, Services, wait_until

WAIT_S = 60.0
PRICING = "CACHE = []\ndef quote(x):\n    return x * 2\n"
ROUTES = "from pricing_lc import quote\ndef get(x):\n    return quote(x)\n"


@dataclass
class Answer:
    """What a cell shows in the end: plain text and HTML of its result, what it printed, its error; what it showed
    before, while it took long."""

    text: str = ""
    html: str = ""
    printed: str = ""
    error: str = ""
    failed: bool = False
    before: list[str] = field(default_factory=list)


class Notebook:
    """A kernel, and cells that are run in it."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self.updates: list[str] = []

    def run(self, cell: str) -> Answer:
        """What the cell answered; a cell that fails has an error."""
        answer, own = Answer(), list[str]()

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["header"]["msg_type"], message["content"]
            shown_as = content.get("transient", {}).get("display_id", "")
            if kind == "display_data" and shown_as:
                own.append(shown_as)
            if kind == "update_display_data" and shown_as in own:
                answer.before.append(answer.text)
                answer.text, answer.html = content["data"]["text/plain"], content["data"].get("text/html", "")
            elif kind in ("execute_result", "display_data"):
                answer.text += content["data"].get("text/plain", "")
                answer.html += content["data"].get("text/html", "")
            elif kind == "stream":
                answer.printed += content["text"]
            elif kind == "error":
                answer.error += f"{content['ename']}: {content['evalue']}"
            elif kind == "update_display_data":
                self.updates.append(content["data"]["text/plain"])

        reply = self._client.execute_interactive(cell, output_hook=hook, timeout=WAIT_S)
        answer.failed = reply["content"]["status"] == "error"
        return answer

    def updated(self, timeout_s: float = WAIT_S) -> str:
        """The next state of an output that changes while no cell runs."""
        while not self.updates:
            message = self._client.get_iopub_msg(timeout=timeout_s)
            if message["header"]["msg_type"] == "update_display_data":
                self.updates.append(message["content"]["data"]["text/plain"])
        return self.updates.pop(0)


@pytest.fixture
def notebook(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """A notebook on a real kernel in a folder of its own, with livecode loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    work = tmp_path / "notebook"
    work.mkdir()
    manager = KernelManager()
    manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    environment = services.environment()
    environment.pop("PYTHONWARNINGS")
    manager.start_kernel(cwd=str(work), env=environment)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=WAIT_S)
    opened = Notebook(client)
    loaded = opened.run("%load_ext livecode")
    assert loaded == Answer()
    yield opened
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture
def shop(services: Services) -> RunningService:
    """A service with a module and an importer of it."""
    return services.threaded("shop", {"pricing_lc.py": PRICING, "routes_lc.py": ROUTES})


def test_a_push_into_the_own_process(notebook: Notebook) -> None:
    """Without a service, a cell becomes a module of the kernel itself."""
    answer = notebook.run("%%hotpush promo_lc\ndef off(x):\n    return x - 1\n")
    assert answer.text.startswith("✔ LIVE  promo_lc  v1 (new)")
    assert "<div class='livecode'>" in answer.html
    assert notebook.run("import promo_lc; print(promo_lc.off(3))").printed == "2\n"
    notebook.run("%%hotpush promo_lc\ndef off(x):\n    return x - 2\n")
    assert notebook.run("r = %hotundo promo_lc\nprint(r.verdict, promo_lc.off(3))").printed == "LIVE 2\n"


def test_from_attach_to_detach(notebook: Notebook, shop: RunningService) -> None:
    """A cell goes live in another process, is undone, and the service never notices the notebook."""
    attached = notebook.run("%hotattach")
    assert attached.text.startswith("● ATTACHED  shop  1 worker on ")
    live = notebook.run(f"%%hotpush pricing_lc --reason 'a test'\n{PRICING.replace('2', '3')}")
    assert live.text.startswith("✔ LIVE  pricing_lc  v1 → v2")
    assert "= CACHE" in live.text
    assert (shop.get("pricing_lc.quote(1)"), shop.get("routes_lc.get(1)")) == ("3", "3")
    assert "pricing_lc  v2" in notebook.run("%hotstatus").text
    assert "+    return x * 3" in notebook.run("%hotdiff pricing_lc").text
    assert notebook.run("%hotundo").text.startswith("✔ LIVE  undo pricing_lc  v2 → v3")
    assert shop.get("routes_lc.get(1)") == "2"
    assert "detached from shop" in notebook.run("%hotdetach").printed
    assert shop.process.poll() is None


def test_the_same_source_is_not_sent(notebook: Notebook, shop: RunningService) -> None:
    """SAME, whoever pushed it."""
    notebook.run("%hotattach shop")
    assert "already live on 1/1: nothing sent" in notebook.run(f"%%hotpush pricing_lc\n{PRICING}").text
    assert shop.get("pricing_lc.quote(1)") == "2"


def test_a_syntax_error_names_the_cell_and_the_line(notebook: Notebook, shop: RunningService) -> None:
    """NOT SENT, with the caret; the old code answers, and the report is the result of the cell."""
    notebook.run("%hotattach shop")
    answer = notebook.run("%%hotpush pricing_lc\ndef quote(x):\n    return x * (\n")
    assert answer.text.startswith("✖ NOT SENT  pricing_lc  syntax error: v1 is still live on 1/1")
    assert "pricing_lc, line 2 (cell 3)" in answer.text
    assert "^ '(' was never closed" in answer.text
    assert notebook.run("print(_.ok)").printed == "False\n"
    assert shop.get("pricing_lc.quote(1)") == "2"


def test_an_error_on_load_is_rolled_back(notebook: Notebook, shop: RunningService) -> None:
    """The failing line of the chunk is shown, and nothing changed."""
    notebook.run("%hotattach shop")
    answer = notebook.run(f"%%hotpush pricing_lc\n{PRICING.replace('2', '9')}RATE = 1 / 0\n")
    assert answer.text.startswith("✖ ROLLED BACK  pricing_lc  ZeroDivisionError on load: v1 is still live")
    assert "pricing_lc, line 4 (cell 3):  RATE = 1 / 0" in answer.text
    assert shop.get("routes_lc.get(1)") == "2"


def test_a_cell_with_ipython_syntax_is_no_module(notebook: Notebook) -> None:
    """What only IPython understands is a syntax error in a module."""
    answer = notebook.run("%%hotpush magic_lc\n%matplotlib inline\nx = 1\n")
    assert answer.text.startswith("✖ NOT SENT  magic_lc  syntax error")


def test_a_save_goes_live_in_the_service(notebook: Notebook, shop: RunningService) -> None:
    """%hotwatch shows it below its cell while no cell runs, until it is stopped."""
    notebook.run("%hotattach shop")
    started = notebook.run(f"%hotwatch {shop.folder}")
    assert "what is saved goes live in shop" in started.text
    (shop.folder / "pricing_lc.py").write_text(PRICING.replace("2", "5"))
    assert "✔ LIVE  pricing_lc  v1 → v2" in notebook.updated()
    assert shop.get("routes_lc.get(1)") == "5"
    assert "1 push" in notebook.run("%hotwatch --stop").printed


def test_an_unload_says_who_imports_it(notebook: Notebook, shop: RunningService) -> None:
    """Refused with the importers, done with --force."""
    notebook.run("%hotattach shop")
    refused = notebook.run("%hotunload pricing_lc")
    assert refused.text.startswith("■ REFUSED  unload pricing_lc")
    assert "routes_lc" in refused.text
    assert notebook.run("%hotunload pricing_lc --force").text.startswith("✔ LIVE  unload pricing_lc  v1 → unloaded")
    assert shop.get("'pricing_lc' in sys.modules") == "False"


def test_a_mistake_is_one_line(notebook: Notebook, shop: RunningService) -> None:
    """A wrong name lists the right ones; a dead service is said."""
    answer = notebook.run("%hotattach till")
    assert answer.failed
    assert "no service named 'till' is listening; listening now: shop" in answer.printed
    notebook.run("%hotattach shop")
    shop.stop()
    answer = notebook.run("%hotstatus")
    assert "no service named 'shop' is listening" in answer.printed


def test_several_workers_answer_together(notebook: Notebook, services: Services) -> None:
    """One name, three processes: all or none, and one report."""
    workers = [services.threaded("shop", {"pricing_lc.py": PRICING}) for _ in range(3)]
    assert "3 workers" in notebook.run("%hotattach shop").text
    answer = notebook.run(f"%%hotpush pricing_lc\n{PRICING.replace('2', '3')}")
    assert "3/3 workers" in answer.text
    assert "<summary>3 workers</summary>" in answer.html
    assert [worker.get("pricing_lc.quote(1)") for worker in workers] == ["3"] * 3


def test_progress_settles_into_the_report(notebook: Notebook, shop: RunningService) -> None:
    """A push that takes long shows who has answered in one output, which becomes the report; there is no second one."""
    notebook.run("%hotattach")
    cell = f"%%hotpush pricing_lc\nimport time\ntime.sleep(1)\n{PRICING}"
    answer = notebook.run(cell)
    assert answer.before[0].startswith("… PUSHING  pricing_lc  0 of 1 workers so far")
    assert answer.text.startswith("✔ LIVE  pricing_lc  v1 → v2")
    assert answer.text.count("LIVE") == 1
    assert shop.get("pricing_lc.quote(1)") == "2"
    assert notebook.run("_").text.startswith("✔ LIVE  pricing_lc  v1 → v2")


def test_unloading_the_extension_leaves_the_service(notebook: Notebook, shop: RunningService) -> None:
    """The magics are gone, the service serves."""
    notebook.run("%hotattach shop")
    notebook.run("%unload_ext livecode")
    answer = notebook.run("%hotstatus")
    assert "`%hotstatus` not found" in answer.printed
    wait_until(lambda: shop.get("pricing_lc.quote(1)") == "2", "the shop answers", shop)
