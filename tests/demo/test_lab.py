"""`livecode demo --lab` in a real browser."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.demo.running import Demo, running_demo

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMIT_MS = 60_000
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The running demo; Ctrl-C at the end."""
    folder = tmp_path_factory.mktemp("l")
    folder.chmod(0o700)
    with running_demo(folder, "--lab", "--no-browser", "--sockets", "10") as demo:
        demo.wait_for(lambda text: "Ctrl-C" in text)
        yield demo
        assert demo.end(signal.SIGINT) == 130
        assert demo.survivors() == []
        assert re.search(r"websockets opened\W+10\W+websockets dropped\W+0\W", demo.text()), demo.text()


@pytest.fixture(scope="module")
def page(lab: Demo, require: Callable[..., str]) -> Iterator[Page]:
    """The notebook in JupyterLab, after Run All Cells."""
    program = require(BROWSERS, "Debian: apt-get install chromium")
    address = re.search(r"http://\S+token=\S+", lab.text())
    assert address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(LIMIT_MS)
        page.goto(address[0], wait_until="domcontentloaded")
        run_all_cells(page)
        yield page
        browser.close()


def run(page: Page, cell: str) -> Locator:
    """Types a cell into a new one at the end, runs it, and answers with where it shows."""
    page.locator(".jp-Notebook-footer").click()
    number = page.locator(".jp-Notebook .jp-CodeCell").count() - 1
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    page.keyboard.insert_text(cell)
    page.keyboard.press("Control+Enter")
    ran = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    expect(ran.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=LIMIT_MS)
    return ran.locator(".jp-OutputArea")


def run_all_cells(page: Page) -> None:
    """As a user does it: menu Run, Run All Cells; returns when the last cell has run."""
    page.get_by_text(re.compile(r"Python 3.*\| Idle")).wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    done = re.compile(r"\[\d+\]:")
    expect(page.locator(".jp-CodeCell .jp-InputPrompt").last).to_have_text(done, timeout=LIMIT_MS)


@pytest.mark.parametrize("verdict", ["LIVE", "SAME", "NOT SENT", "ROLLED BACK", "REFUSED"])
def test_a_verdict_is_rendered_as_html(page: Page, verdict: str) -> None:
    """People see the verdict in the notebook, as HTML and not as the plain text of a program."""
    outputs = page.locator(".jp-RenderedHTMLCommon").filter(has_text=re.compile(rf"^\W*{verdict}\b"))
    assert outputs.count() > 0
    expect(outputs.first).to_be_visible()


def test_no_cell_fails(page: Page) -> None:
    """Run All Cells runs all of them: none ends with a traceback or writes to stderr."""
    trouble = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error")
    assert trouble.all_inner_texts() == []


def test_a_picture_can_be_taken(page: Page, tmp_path: Path) -> None:
    """The whole notebook as a picture, to look at: no verdict is cut off at the right."""
    outer = page.locator(".jp-WindowedPanel-outer")
    page.set_viewport_size({"width": 1280, "height": outer.evaluate("outer => outer.scrollHeight") + 150})
    outer.evaluate("outer => new Promise(done => { outer.scrollTop = 0; setTimeout(done, 500); })")
    page.screenshot(path=tmp_path / "notebook.png")
    assert (tmp_path / "notebook.png").stat().st_size > 10_000
    overflows = "outputs => outputs.filter(output => output.scrollWidth > output.clientWidth).length"
    assert page.locator(".jp-RenderedHTMLCommon").evaluate_all(overflows) == 0


def row(panel: Locator, section: str, text: str) -> Locator:
    """The row of a panel's table that says that."""
    return panel.locator(f"[data-scroll='{section}'] tbody tr").filter(has_text=text)


def test_a_live_panel(page: Page, tmp_path: Path) -> None:
    """A push shows in it by itself; its button asks, undoes and says the verdict; the mouse and the keys both do."""
    run(page, "%hotattach shop")
    output = run(page, "%hotpanel")
    panel = output.locator(".livecode-panel")
    expect(panel.locator(".lp-pulse")).to_have_text("live")
    expect(panel.locator(".lp-facts").first).to_contain_text("1 worker on")
    expect(output.locator(".livecode-table")).to_be_hidden()
    before = run(page, "print(service.source('shop.pricing'))").inner_text()
    module = row(panel, "modules", "shop.pricing")
    was = module.locator("td").nth(1).inner_text()
    pushed = run(page, "%%hotpush shop.pricing --reason '<b>dear</b> tea'\n" + before.replace("2.40", "9.90"))
    expect(pushed).to_contain_text("LIVE")
    expect(row(panel, "pushes", "<b>dear</b> tea")).to_contain_text("live on 1 worker")
    expect(module.locator("td").nth(1)).not_to_have_text(was)

    undo = module.get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Enter")
    question = panel.get_by_role("alertdialog")
    expect(question).to_contain_text("Undo shop.pricing v")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(undo).to_be_focused()
    undo.click()
    page.wait_for_timeout(500)  # a press that comes at once is the same one, repeated
    question.get_by_role("button", name="Undo it").click()
    expect(panel.locator(".lp-verdict")).to_contain_text(re.compile(r"LIVE.*undo shop\.pricing"))
    expect(panel.locator("[data-scroll='pushes'] tbody tr").first).to_contain_text("undo shop.pricing")
    expect(run(page, "print(service.source('shop.pricing'))")).to_have_text(before)

    name = panel.locator("[data-scroll='modules'] th").first
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "ascending")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "descending")
    names = panel.locator("[data-scroll='modules'] tbody td:first-child").all_inner_texts()
    assert names == sorted(names, reverse=True)
    panel.screenshot(path=tmp_path / "panel.png")
    run(page, "%hotdetach")
    expect(panel.locator(".lp-pulse")).to_have_text("stopped: this notebook has left the service")
    expect(panel.get_by_role("button", name="Undo")).to_have_count(0)
