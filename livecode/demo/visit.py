"""The notebook's way to the shop: `livecode demo` puts its address and folder into the environment."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livecode.errors import UsageError

URL = "LIVECODE_DEMO_URL"
FOLDER = "LIVECODE_DEMO_FOLDER"

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the shop is on this machine


class NoShopError(UsageError):
    """The notebook does not know where the shop is."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"{missing} is not set, so this notebook does not know where the shop is.\n"
            "Either run `livecode demo --lab` in a terminal: it starts the shop and opens this notebook.\n"
            "Or run `livecode demo --serve` and run the two %env lines that it prints in a cell above."
        )

    def _render_traceback_(self) -> list[str]:
        """Only the message: the frames of this file would explain nothing."""
        return str(self).splitlines()


@dataclass(frozen=True, slots=True)
class Shop:
    """The running shop, as one of its customers sees it.

    Attributes:
        url: Where it answers.
        folder: The folder that it was started in; its source is in ``folder / "shop"``.
    """

    url: str
    folder: Path

    def get(self, path: str) -> Any:
        """The JSON that the shop answers to a GET request."""
        with _DIRECT.open(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def price(self, item: str, amount: int = 1) -> float:
        """What `amount` of `item` costs now."""
        answer: float = self.get(f"/price/{item}?amount={amount}")["price"]
        return answer


def the_shop() -> Shop:
    """The shop that `livecode demo` started.

    Raises:
        NoShopError: The environment does not name one; the message says how to start it.
    """
    for name in (URL, FOLDER):
        if not os.environ.get(name):
            raise NoShopError(name)
    return Shop(os.environ[URL], Path(os.environ[FOLDER]))


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> float:
    """The seconds until `condition` held.

    Raises:
        TimeoutError: It did not hold in time.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout_s:
            raise TimeoutError(f"not so after {timeout_s:g} s: {getattr(condition, '__name__', condition)}")
        time.sleep(0.02)
    return time.monotonic() - start
