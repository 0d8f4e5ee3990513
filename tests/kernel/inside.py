"""A notebook inside a service, as a front end sees it: cells that are sent, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client import BlockingKernelClient

from livecode.errors import WorkerLostError
from livecode.fleet.client import RemoteWorker
from livecode.fleet.discovery import look
from tests.services import wait_until

WAIT_S = 60.0


@dataclass(slots=True)
class Answer:
    """What a cell showed: its value as plain text, what it printed, its error as ``KeyError: 'a'``."""

    value: str = ""
    printed: str = ""
    error: str = ""
    payload: list[dict[str, Any]] = field(default_factory=list)


class Notebook:
    """Sends cells to a kernel."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def send(self, cell: str) -> str:
        """The identity of the request; the cell runs."""
        return str(self.client.execute(cell))

    def answer(self, request: str) -> Answer:
        """What a cell showed, when it is over."""
        answer, printed, deadline = Answer(), list[str](), time.monotonic() + WAIT_S
        while True:
            message = self.client.get_iopub_msg(timeout=max(deadline - time.monotonic(), 0.1))
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                printed.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                answer.value += content["data"]["text/plain"]
            elif kind == "update_display_data":
                answer.value = content["data"]["text/plain"]
            elif kind == "error":
                answer.error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                break
        answer.printed = "".join(printed)
        while (reply := self.client.get_shell_msg(timeout=WAIT_S))["parent_header"].get("msg_id") != request:
            continue
        answer.payload = reply["content"].get("payload", [])
        return answer

    def run(self, cell: str) -> Answer:
        """What a cell shows."""
        return self.answer(self.send(cell))

    def wait_for_print(self, request: str) -> str:
        """The first text that a running cell prints."""
        while True:
            message = self.client.get_iopub_msg(timeout=WAIT_S)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == request:
                return str(message["content"]["text"])

    def interrupt(self) -> None:
        """As the button does."""
        self.ask("interrupt_request", {})

    def ask(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request on the control channel."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        while True:
            reply: dict[str, Any] = self.client.get_control_msg(timeout=WAIT_S)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return dict(reply["content"])

    def hears(self, condition: Callable[[dict[str, Any]], bool], timeout_s: float = WAIT_S) -> bool:
        """True as soon as such a message comes to all front ends."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                if condition(self.client.get_iopub_msg(timeout=left)):
                    return True
            except Empty:
                return False
        return False


@contextmanager
def connected(information: dict[str, Any]) -> Iterator[Notebook]:
    """A front end of the kernel with that connection file; it leaves at the end without a word."""
    client = BlockingKernelClient()
    client.load_connection_info(information)
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=WAIT_S)
        yield Notebook(client)
    finally:
        client.stop_channels()


@contextmanager
def notebook_in(worker: RemoteWorker, session: str) -> Iterator[Notebook]:
    """A notebook in that process; its kernel is closed at the end, if the process is still there."""
    try:
        with connected(worker.open_kernel(session)) as notebook:
            yield notebook
    finally:
        with suppress(WorkerLostError):
            worker.close_kernel(session)


def workers(service: str, count: int) -> tuple[RemoteWorker, ...]:
    """The workers of a service, once there are so many."""
    wait_until(lambda: len(look(service).workers) == count, f"{count} workers listen")
    return look(service).workers
