"""Outputs that change after their cell has ended, such as the one of a watch: nbclient reads none of those."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

from livecode.demo.spoken import Spoken, spoken


class LateOutputs:
    """Listens to a kernel beside nbclient, and keeps what was added to outputs that are on display already.

    Args:
        client: A client of its own whose iopub channel is open.
    """

    def __init__(self, client: AsyncKernelClient) -> None:
        self._client = client
        self._shown: dict[str, str] = {}
        self._added: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def listen(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self._read(await self._client.get_iopub_msg())

    def take(self) -> tuple[dict[str, Any], ...]:
        """What was added since the last call, as outputs of a cell."""
        added, self._added = tuple(self._added), []
        self._news.clear()
        return added

    async def verdicts(self, timeout_s: float) -> tuple[Spoken, ...]:
        """The verdicts in what was added, as soon as there is one; empty after the time-out."""
        try:
            async with asyncio.timeout(timeout_s):
                while not spoken(self._added):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return ()
        return spoken(self._added)

    def _read(self, message: dict[str, Any]) -> None:
        content, kind = message["content"], message["msg_type"]
        name = (content.get("transient") or {}).get("display_id")
        if name is None or kind not in ("display_data", "update_display_data"):
            return
        text = str(content["data"].get("text/plain", ""))
        if kind == "update_display_data":
            added = _added(self._shown.get(name, ""), text)
            self._added.append({"output_type": "display_data", "data": {"text/plain": added}})
            self._news.set()
        self._shown[name] = text


def _added(before: str, now: str) -> str:
    """The lines of an output that it did not have before: its first one says how things stand, and changes."""
    left = Counter(before.splitlines())
    lines = []
    for line in now.splitlines():
        if left[line] > 0:
            left[line] -= 1
        else:
            lines.append(line)
    return "\n".join(lines)
