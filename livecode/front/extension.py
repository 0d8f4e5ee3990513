"""``%load_ext livecode``: the magics and their completion, and back again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from livecode.front.colours import COLOURED, colour
from livecode.front.complete import MATCHER_ID, matcher
from livecode.front.magics import LivecodeMagics
from livecode.live.tracking import folders, track, untrack_all

_CLASS = LivecodeMagics.__name__


def load(shell: InteractiveShell) -> None:
    """Registers the magics and their completion, and tracks the working folder. Twice is the same as once."""
    if _CLASS in shell.magics_manager.registry:
        return
    magics = LivecodeMagics(shell)
    shell.register_magics(magics)
    shell.Completer.custom_matchers.append(matcher(magics.parsers, lambda: magics.target))
    _track_working_folder(magics)
    if _is_terminal(shell):
        for kind in COLOURED:
            _plain_text(shell).for_type(kind, colour)
    if service := getattr(shell, "livecode_service", ""):
        magics.attach_inside(service)


def unload(shell: InteractiveShell) -> None:
    """Takes back everything that `load` did, and ends what the magics started."""
    magics = shell.magics_manager.registry.pop(_CLASS, None)
    if not isinstance(magics, LivecodeMagics):
        return
    magics.close()
    for kind, methods in magics.magics.items():
        for name, method in methods.items():
            if shell.magics_manager.magics[kind].get(name) == method:
                del shell.magics_manager.magics[kind][name]
    configurables: list[Any] = shell.configurables  # IPython annotates it as a list of shells
    configurables[:] = [each for each in configurables if each is not magics]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != MATCHER_ID]
    for coloured in COLOURED if _is_terminal(shell) else ():
        _plain_text(shell).pop(coloured, None)
    if magics.tracked and set(folders()) == set(magics.tracked):
        untrack_all()


def _is_terminal(shell: InteractiveShell) -> bool:
    """True for IPython in a terminal; a kernel's shell sends plain text to front ends that may not know colours."""
    terminal = sys.modules.get("IPython.terminal.interactiveshell")
    return terminal is not None and isinstance(shell, terminal.TerminalInteractiveShell)


def _plain_text(shell: InteractiveShell) -> Any:
    formatter: Any = shell.display_formatter
    return formatter.formatters["text/plain"]


def _track_working_folder(magics: LivecodeMagics) -> None:
    """Remembers what imports from the working folder load, as `listen` does in a service, unless it is the root."""
    before = folders()
    working = Path.cwd()
    if working != Path(working.anchor):
        track(working)
    magics.tracked = folders() if not before else ()
