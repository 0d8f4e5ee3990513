"""`livecode kernel`: what people type to get a notebook into a service."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livecode.front.cli import livecode
from tests.services import Services


def call(*words: str) -> Result:
    """What a command printed, and its exit code."""
    return CliRunner().invoke(livecode, ["kernel", *words])


@pytest.fixture(autouse=True)
def launchers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for kernelspecs, where Jupyter looks."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "jupyter" / "kernels"


def test_install_list_remove(launchers: Path, services: Services) -> None:
    """The card in the launcher comes, is listed with its command to take it out, and goes."""
    installed = call("install", "shop", "--worker", "w2")
    assert '"shop (live)" is in the launcher now: ' in installed.output
    assert "livecode kernel remove shop" in installed.output
    spec = json.loads((launchers / "livecode-shop" / "kernel.json").read_text())
    assert spec["display_name"] == "shop w2 (live)"
    assert spec["argv"][:4] == [sys.executable, "-m", "livecode.kernel.proxy", "shop"]
    assert "shop w2 (live)" in call("list").output
    assert json.loads(call("list", "--json").output)["installed"][0]["worker"] == "w2"
    assert call("remove", "shop").exit_code == 0
    assert "none: livecode kernel install NAME" in call("list").output
    again = call("remove", "shop")
    assert (again.exit_code, "no kernelspec of 'shop' is installed" in again.output) == (2, True)


def test_connect(services: Services) -> None:
    """The path of a connection file for `jupyter console --existing`, the same one again, and another with --new."""
    running = services.threaded("shop")
    first = call("connect", "shop").output.strip()
    information = json.loads(Path(first).read_text())
    assert (information["transport"], information["livecode"]["pid"]) == ("ipc", running.pid)
    assert Path(first).stat().st_mode & 0o777 == 0o600
    assert Path(first).parent.stat().st_mode & 0o777 == 0o700
    assert call("connect", "shop").output.strip() == first
    other = json.loads(call("connect", "shop", "--new", "--json").output)
    assert (other["pid"], other["file"] != first) == (running.pid, True)
    assert f"inside now   shop (pid {running.pid})   {first}" in call("list").output


@pytest.mark.parametrize(("name", "said"), [("till", "no service named 'till' is listening"), ("tcp://a:1", "tcp://a")])
def test_what_cannot_be_connected(services: Services, name: str, said: str) -> None:
    """A service that does not run, and an address: one line, and the exit code of misuse."""
    answer = call("connect", name)
    assert (answer.exit_code, said in answer.output) == (2, True), answer.output
