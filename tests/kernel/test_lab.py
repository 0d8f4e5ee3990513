""" "shop (live)" in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from livecode.kernel import specs
from tests.services import RunningService, free_port, wait_until

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LIMIT_MS = 60_000
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture(scope="module")
def address(shop: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab of its own, whose launcher has the card."""
    folder = tmp_path_factory.mktemp("lab")
    port, token = free_port(), secrets.token_urlsafe(16)
    settings = folder / "config" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    (folder / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(folder / "data"))
        patch.setenv("JUPYTER_CONFIG_DIR", str(folder / "config"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_TOKEN", token)
        specs.install("shop")
        options = [
            f"--ServerApp.port={port}",
            "--no-browser",
            f"--ServerApp.root_dir={folder / 'work'}",
            "--allow-root",
        ]
        more = ["--KernelManager.transport=ipc", "--LabApp.news_url=", "--LanguageServerManager.autodetect=False"]
        with (folder / "lab.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options, *more], stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/lab?token={token}"
            wait_until(lambda: answers(url), "JupyterLab answers", timeout_s=60)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def answers(url: str) -> bool:
    """True if a server serves that."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def page(address: str, require: Callable[..., str]) -> Iterator[Page]:
    """The launcher in a browser."""
    program = require(BROWSERS, "Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(LIMIT_MS)
        page.goto(address, wait_until="domcontentloaded")
        yield page
        browser.close()


def card(page: Page) -> Locator:
    """The card of the service in the launcher, for a notebook."""
    return page.locator(".jp-LauncherCard[data-category='Notebook']").filter(has_text="shop (live)")


def run(page: Page, cell: str) -> Locator:
    """Types a cell into the last one, runs it, and answers with where it shows."""
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    page.keyboard.insert_text(cell)
    ran = page.locator(".jp-Notebook .jp-CodeCell").count() - 1
    page.keyboard.press("Shift+Enter")
    return page.locator(".jp-Notebook .jp-CodeCell").nth(ran).locator(".jp-OutputArea")


def see_the_panel(page: Page, shop: RunningService) -> None:
    """The panel works inside: what a cell pushes shows, also while another one runs, and its button undoes it."""
    panel = run(page, "%hotpanel").locator(".livecode-panel")
    expect(panel.locator(".lp-pulse")).to_have_text("live")
    run(page, "%%hotpush pricing --reason dear\ndef quote(x=1):\n    return x * 9\n")
    expect(panel.locator("[data-scroll='pushes'] tbody tr").first).to_contain_text("live on 1 worker")
    assert shop.get("pricing.quote(1)") == "9"
    busy = run(page, "import time\nwhile pricing.quote(1) == 9: time.sleep(0.1)\nprint('undone')")
    panel.get_by_role("button", name="Undo the last push").click()
    page.wait_for_timeout(500)  # a press that comes at once is the same one, repeated
    panel.get_by_role("button", name="Undo it").click()
    expect(panel.locator(".lp-verdict")).to_contain_text(re.compile(r"LIVE.*undo pricing"))
    expect(busy).to_contain_text("undone")
    assert shop.get("pricing.quote(1)") == "2"


def test_from_the_launcher_to_the_closed_tab(page: Page, shop: RunningService, tmp_path: Path) -> None:
    """The card opens a notebook inside; cells, interrupt, magics, restart and the closed tab do what people expect."""
    card(page).click()
    idle = page.get_by_text(re.compile(r"shop \(live\).*\| Idle"))
    idle.wait_for()
    expect(run(page, "import os, pricing; os.getpid(), pricing.quote(21)")).to_contain_text(f"({shop.pid}, 42)")
    expect(run(page, "%load_ext livecode")).to_contain_text("ATTACHED")
    see_the_panel(page, shop)
    endless = run(page, "print('on')\nwhile True: pass")
    expect(endless).to_contain_text("on")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Interrupt Kernel", exact=True).click()
    expect(endless).to_contain_text("KeyboardInterrupt")
    page.screenshot(path=tmp_path / "inside.png")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Restart Kernel…", exact=True).click()
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    idle.wait_for()
    again = run(page, "'pricing' in globals()")
    expect(again).to_contain_text(f"[livecode] a new kernel inside shop, pid {shop.pid}")
    expect(again).to_contain_text("False")
    assert "livecode-panel" not in shop.get("[t.name for t in __import__('threading').enumerate()]")
    page.screenshot(path=tmp_path / "restarted.png")
    assert (tmp_path / "restarted.png").stat().st_size > 10_000
    assert shop.get("pricing.quote(1)") == "2"
