"""Pushes of which everything is compiled by this machine's compile helper, and no trees are kept."""

from __future__ import annotations

from typing import Any

from tests.live.equivalence import Sources, pushed


def pushed_elsewhere(before: Sources, edits: list[Sources]) -> dict[str, Any]:
    """The same as `pushed`, how often the helper was asked, and whether it ever failed."""
    from livecode.engine import forms
    from livecode.fleet.compiling import CompileHelper
    from livecode.live.process import this_process

    forms.LONG = -1
    helper = this_process().compiling.elsewhere = CompileHelper()
    return pushed(before, edits) | {"asked": helper.asked, "failed": helper.failed}
