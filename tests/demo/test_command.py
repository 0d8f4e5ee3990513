"""The command line of the demo."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest
from click.testing import CliRunner, Result

from livecode.front.cli import livecode


def demo_without(missing: str, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """What `livecode demo` does where a package is not installed."""
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == missing else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    return CliRunner().invoke(livecode, ["demo", *options])


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "nbclient", "websockets"])
def test_a_missing_package_names_the_pip_command(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Misuse, with the one command that repairs it."""
    result = demo_without(missing, monkeypatch)
    assert result.exit_code == 2
    assert f"needs {missing}" in result.output
    assert "pip install 'livecode[demo]'" in result.output


def test_lab_without_jupyterlab_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--lab` needs an extra of its own."""
    result = demo_without("jupyterlab", monkeypatch, "--lab")
    assert result.exit_code == 2
    assert "pip install 'livecode[lab]'" in result.output


def test_serve_and_lab_exclude_each_other() -> None:
    """Both would start the shop."""
    assert CliRunner().invoke(livecode, ["demo", "--serve", "--lab"]).exit_code == 2
