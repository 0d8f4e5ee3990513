"""An agent for tests: the official SDK's client, which starts `livecode mcp` and speaks with it over stdio."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

mcp = pytest.importorskip("mcp", reason="pip install 'livecode[mcp]'")

import mcp_types as types  # noqa: E402
from anyio.from_thread import start_blocking_portal  # noqa: E402
from mcp import Client  # noqa: E402
from mcp.client.stdio import StdioServerParameters  # noqa: E402

from livecode.fleet.service import attach  # noqa: E402
from tests.services import RunningService, Services, wait_until  # noqa: E402

T = TypeVar("T")
MAIN = "from livecode.front.cli import main; main()"
OLD = "RATE = 1\n\n\ndef quote():\n    return RATE\n"
NEW = OLD.replace("return RATE", "return RATE * 2")
TWICE = [{"module": "pricing", "edits": [{"old": "return RATE", "new": "return RATE * 2"}]}]


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool answered."""

    text: str
    data: dict[str, Any]
    failed: bool


class Agent:
    """A client that is connected."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> Said:
        """What a tool answers; the client checks its data against the schema that was listed."""
        result = await self.client.call_tool(tool, arguments)
        assert not isinstance(result, types.InputRequiredResult)
        (content,) = result.content
        assert isinstance(content, types.TextContent)
        return Said(content.text, result.structured_content or {}, bool(result.is_error))

    async def dry_run(self, changes: Sequence[dict[str, Any]] = tuple(TWICE), **more: Any) -> Said:
        """What a change would do."""
        return await self.call("dry_run", changes=list(changes), **more)


def command(*options: str, main: str = MAIN) -> list[str]:
    """How the server is started."""
    return [sys.executable, "-c", main, "mcp", *options]


def client_of(services: Services, *options: str, mode: str = "auto", main: str = MAIN) -> Client:
    """A client of `livecode mcp` with these options, which is not started yet."""
    program, *arguments = command(*options, main=main)
    server = StdioServerParameters(command=program, args=arguments, env=services.environment())
    return Client(server, mode=mode, client_info=types.Implementation(name="bot", version="1.5"))


def talk(services: Services, does: Callable[[Agent], Awaitable[Any]], *options: str, mode: str = "auto") -> Any:
    """What an agent finds out that is connected to `livecode mcp` with these options."""

    async def talking() -> Any:
        async with asyncio.timeout(90), client_of(services, *options, mode=mode) as connected:
            await connected.list_tools()
            return await does(Agent(connected))

    return asyncio.run(talking())


@contextmanager
def connected_agent(services: Services, *options: str) -> Iterator[Callable[[Callable[[Agent], Awaitable[T]]], T]]:
    """An agent that stays connected, for several tests; called with what it does."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client_of(services, *options)) as client:
        portal.call(client.list_tools)
        yield lambda does: portal.call(does, Agent(client))


def shop(services: Services, monkeypatch: pytest.MonkeyPatch, access: str, name: str = "shop") -> RunningService:
    """A service of two workers and their parent, which lets agents do that; all of them have answered once."""
    monkeypatch.setenv("LIVECODE_AGENTS", access)
    service = services.children(name, {"pricing.py": OLD}, "fork", 2)
    wait_until(lambda: [bool(each.modules) for each in attach(name).status()] == [True] * 3, "three workers answer")
    return service


def person(services: Services, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `livecode approve`, typed at a terminal."""
    leader, follower = pty.openpty()
    environment = services.environment(TERM="xterm-256color", COLUMNS="160")
    environment.pop("NO_COLOR", None)
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        typed = [sys.executable, "-c", MAIN, "approve", *arguments]
        process = subprocess.Popen(typed, stdin=follower, stdout=follower, stderr=follower, env=environment)
        os.close(follower)
        printed = b""
        try:
            while chunk := terminal.read(4096):
                printed += chunk
        except OSError:  # Linux says so when the other end was closed
            pass
        return process.wait(), printed.decode()
