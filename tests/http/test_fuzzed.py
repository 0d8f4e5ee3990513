"""schemathesis, which knows nothing but the endpoint's own document, asks real services whatever comes to its mind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import livecode
from tests.http import applications
from tests.http.asking import PUSH_SECRET, READ_SECRET
from tests.http.test_servers import FOLDER, lay_out
from tests.services import RunningService, Services

LEFT_OUT = "positive_data_acceptance"
"""The check that what fits the document is accepted: a source that fits may still not compile, and then is 422."""

CONFIG = """
[generation]
database = "none"
"""


def fuzz(service: RunningService, secret: str, folder: Path, phases: str) -> subprocess.CompletedProcess[str]:
    """What schemathesis says of an endpoint, after a few hundred requests."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    url = f"http://127.0.0.1:{service.port}/livecode/openapi.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "-H", f"Authorization: Bearer {secret}"]
    command += ["--phases", phases, "--max-examples", "8", "--seed", "6", "--request-timeout", "60", "--no-color"]
    command += ["--checks", "all", "--exclude-checks", LEFT_OUT]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


def test_no_request_breaks_anything(services: Services, tmp_path: Path) -> None:
    """No 5xx, every answer is one that the document tells of, and what does not fit the document is refused."""
    service = services.uvicorn("shop", FOLDER, app=applications.ASGI_AROUND)
    lay_out(service.folder / "next", FOLDER)
    done = fuzz(service, PUSH_SECRET, tmp_path, "coverage,fuzzing")
    assert done.returncode == 0, done.stdout + done.stderr + service.printed()
    assert "Traceback" not in service.printed()


def test_who_may_read_changes_nothing(services: Services, tmp_path: Path) -> None:
    """After hundreds of requests with a token for reading, the same sources run and the log is empty."""
    service = services.gunicorn("shop", FOLDER, "--threads", "4", app=applications.FLASK)
    lay_out(service.folder / "next", {"shop_h/pricing.py": "RATE = 9\n"})
    before = [(m.module, m.version, m.checksum) for s in livecode.attach("shop").status() for m in s.modules]
    done = fuzz(service, READ_SECRET, tmp_path, "coverage")
    assert done.returncode == 0, done.stdout + done.stderr + service.printed()
    shop = livecode.attach("shop")
    assert [(m.module, m.version, m.checksum) for s in shop.status() for m in s.modules] == before
    assert shop.log() == ()
    assert "Traceback" not in service.printed()
