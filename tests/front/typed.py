"""The command as it is typed, in the process of the test: fast, for what does not depend on a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from livecode.front.cli import livecode
from tests.services import RunningService, Services

PRICING = "CACHE = {'apple': 3}\ndef quote(x):\n    return x * 2\ndef boom():\n    return 1 / 0\n"


def typed(*arguments: str, given: str | bytes = "") -> Result:
    """What a command printed, and how it ended."""
    return CliRunner().invoke(livecode, list(arguments), input=given, catch_exceptions=False)


def printed(*arguments: str, given: str = "") -> Any:
    """The JSON that a command printed."""
    return json.loads(typed(*arguments, "--json", given=given).stdout)


@contextmanager
def shop_at(folder: Path) -> Iterator[RunningService]:
    """A service with a module to change."""
    with Services(folder) as services:
        yield services.threaded("shop", {"pricing_lc.py": PRICING})
