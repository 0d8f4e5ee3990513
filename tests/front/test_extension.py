"""`%load_ext livecode` and `%unload_ext livecode`: what they change in a shell and its process, and take back."""

from __future__ import annotations

import builtins
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from livecode.front import extension
from livecode.live.tracking import folders, track
from tests.services import ROOT

WAIT_S = 60.0


def snapshot(shell: InteractiveShell) -> dict[str, Any]:
    """All that an extension could change: of the shell, and of the process."""
    formatters = shell.display_formatter.formatters | {"display": shell.display_formatter.ipython_display_formatter}
    completer, transformer = shell.Completer, shell.input_transformer_manager
    return {
        "magics": {kind: set(magics) for kind, magics in shell.magics_manager.magics.items()},
        "registry": set(shell.magics_manager.registry),
        "configurables": list(map(id, shell.configurables)),
        "events": {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()},
        "formatters": {kind: dict(each.type_printers) for kind, each in formatters.items()},
        "deferred": {kind: dict(each.deferred_printers) for kind, each in formatters.items()},
        "matchers": list(completer.custom_matchers),
        "transformers": [*transformer.cleanup_transforms, *transformer.line_transforms, *shell.ast_transformers],
        "names": {name for name in shell.user_ns if not name.startswith("_")},
        "hidden": {name for name in shell.user_ns_hidden if not name.startswith("_")},
        "builtins": set(vars(builtins)),
        "hooks": [*sys.meta_path, *sys.path_hooks],
        "process": (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook, sys.breakpointhook, threading.excepthook),
        "tracked": folders(),
        "threads": {each.name for each in threading.enumerate()} - {"livecode-complete"},
        "environment": dict(os.environ),
        "path": list(sys.path),
    }


def everything(shell: InteractiveShell) -> None:
    """Uses what the extension brings, in this process."""
    Path("one_lc.py").write_text("x = 1\n")
    for cell in (
        "import one_lc",
        "%%hotpush one_lc\nx = 2\n",
        "%hotstatus",
        "%hotdiff one_lc",
        "%hoteval one_lc.x",
        "%%hoteval\ny = 1\ny + 1",
        "%hotundo one_lc",
        "%config LivecodeMagics.author = 'ann'",
        "%hotwatch inner",
        "del one_lc",
    ):
        shell.run_cell(cell).raise_error()
    for line in ("%hotpush on", "%hoteval one_lc.", "%hotattach "):
        with provisionalcompleter():
            list(shell.Completer.completions(line, len(line)))


def test_unloading_takes_back_everything(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that had it, and used it, is as one that never had it; so it is the second time."""
    monkeypatch.setenv("LIVECODE_DIR", str(Path.cwd() / "doors"))
    Path("inner").mkdir()
    shell.run_line_magic("unload_ext", "livecode")
    shell.run_cell("%config IPCompleter.greedy = False")
    before = snapshot(shell)
    for _ in range(2):
        shell.run_line_magic("load_ext", "livecode")
        assert snapshot(shell) != before
        everything(shell)
        shell.run_line_magic("unload_ext", "livecode")
        after = snapshot(shell)
        assert {key for key in before if before[key] != after[key]} <= {"threads"}
        assert not {name for name in after["threads"] - before["threads"] if "watch" in name}
        sys.modules.pop("one_lc", None)


def test_what_was_tracked_before_is_tracked_after(shell: InteractiveShell) -> None:
    """What the user asked for by himself, the extension does not take away."""
    extension.unload(shell)
    Path("src").mkdir()
    track("src")
    extension.load(shell)
    extension.unload(shell)
    assert str(Path("src").resolve()) in folders()


def test_unloading_twice_is_unloading_once(shell: InteractiveShell) -> None:
    """And without a load before it is nothing."""
    extension.unload(shell)
    before = snapshot(shell)
    extension.unload(shell)
    assert snapshot(shell) == before


@pytest.fixture
def terminal(tmp_path: Path) -> Callable[..., str]:
    """What IPython in a terminal shows for some cells."""

    def run(*lines: str, **environment: str) -> str:
        near, far = pty.openpty()
        typed = "\n".join([*lines, "exit", ""])
        environment = {
            "IPYTHONDIR": str(tmp_path),
            "TERM": "xterm",
            "PYTHONPATH": ROOT,
            "LIVECODE_DIR": str(tmp_path),
            **environment,
        }
        options = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--no-confirm-exit"]
        command = [sys.executable, *options, "--HistoryManager.enabled=False"]
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=far, stderr=far, cwd=tmp_path, env=kept | environment
        )
        os.close(far)
        shown = list[bytes]()
        reader = threading.Thread(target=lambda: shown.extend(iter(lambda: _read(near), b"")))
        reader.start()
        process.communicate(typed.encode(), timeout=WAIT_S)
        reader.join(WAIT_S)
        os.close(near)
        return b"".join(shown).decode().replace("\r\n", "\n")

    return run


def _read(near: int) -> bytes:
    try:
        return os.read(near, 1 << 16)
    except OSError:  # Linux says so that nobody has the other end
        return b""


PUSH = "r = get_ipython().run_cell('%%hotpush broken_lc\\nx = (1 +\\n')"
BROKEN = ("%load_ext livecode", PUSH, "%hoteval 1 + 1", "%hoteval 1 / 0")


def test_a_compile_error_is_coloured_in_a_terminal(terminal: Callable[..., str]) -> None:
    """The verdict and the caret are red, as IPython's own are; a value of the service has no colours."""
    shown = terminal(*BROKEN)
    assert "\x1b[1;31m✖ NOT SENT  broken_lc  syntax error" in shown
    assert "^ '(' was never closed\x1b[0m" in shown
    assert "\x1b[1;31m✖ FAILED  1 / 0" in shown
    assert "2\n" in shown


def test_colours_can_be_refused(terminal: Callable[..., str]) -> None:
    """By NO_COLOR, as everywhere; the words are the same."""
    shown = terminal(*BROKEN, NO_COLOR="1")
    assert "✖ NOT SENT  broken_lc  syntax error" in shown
    assert "\x1b[1;31m" not in shown
