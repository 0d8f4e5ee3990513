"""Asks an endpoint over HTTP, as any client would."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.services import RunningService

PUSH_SECRET, READ_SECRET = "push-0123456789abcdef", "read-0123456789abcdef"
TOKENS = f"ci:push:{PUSH_SECRET} board:read:{READ_SECRET}"


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def plain(self) -> Any:
        """The JSON."""
        return json.loads(self.text)


def ask(
    service: RunningService,
    method: str,
    path: str,
    body: Any = None,
    secret: str = PUSH_SECRET,
    timeout_s: float = 60,
    **headers: str,
) -> Said:
    """What a service answers below /livecode."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=timeout_s)
    sent = {"Authorization": f"Bearer {secret}", **headers}
    content = None
    if body is not None:
        content = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    try:
        connection.request(method, "/livecode" + path, content, sent)
        response = connection.getresponse()
        return Said(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
    finally:
        connection.close()
