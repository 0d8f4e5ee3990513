"""The notebook's way to the shop."""

from __future__ import annotations

from pathlib import Path

import pytest

from livecode.demo.visit import FOLDER, URL, NoShopError, Shop, the_shop, wait_until


def test_the_environment_names_the_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and folder are those that the demo has set."""
    monkeypatch.setenv(URL, "http://127.0.0.1:1")
    monkeypatch.setenv(FOLDER, "/somewhere")
    assert the_shop() == Shop("http://127.0.0.1:1", Path("/somewhere"))


@pytest.mark.parametrize("missing", [URL, FOLDER])
def test_without_it_the_message_says_how_to_start_one(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that was opened on its own says which command starts the shop, without a traceback."""
    monkeypatch.setenv(URL, "http://127.0.0.1:1")
    monkeypatch.setenv(FOLDER, "/somewhere")
    monkeypatch.delenv(missing)
    with pytest.raises(NoShopError, match=f"{missing} is not set") as raised:
        the_shop()
    shown = "\n".join(raised.value._render_traceback_())
    assert "livecode demo --lab" in shown
    assert "livecode demo --serve" in shown
    assert "File" not in shown


def test_waiting_ends_when_the_condition_holds() -> None:
    """The condition is asked until it is true."""
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers)) > 0
    assert next(answers, "asked three times") == "asked three times"


def test_waiting_has_an_end() -> None:
    """A condition that never holds is an error, not a notebook that hangs."""
    with pytest.raises(TimeoutError):
        wait_until(lambda: False, timeout_s=0.01)
