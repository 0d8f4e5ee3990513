"""``python -m livecode.kernel.proxy shop -f connection.json``: an ordinary kernel process that relays into the service.

For front ends that start the command of a kernelspec by themselves, as VS Code does. They may signal and kill it: the
service does not notice. The kernel inside signs with the front end's key, so messages pass as they are; what comes
before, between and after (no service, another process, shutdown) is answered here, and signed with the same key.

    front end       ROUTER  shell, control, stdin    DEALER    kernel inside
                    XPUB    iopub                    SUB
                    REP     hb

Source: https://zguide.zeromq.org/docs/chapter2/#ROUTER-Broker-and-DEALER-Workers (a broker's identities)
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import zmq
from jupyter_client.session import Session

from livecode.errors import LivecodeError
from livecode.fleet.client import RemoteWorker
from livecode.kernel.reach import is_there, pid_of, worker_for

RELAYED = ("shell", "control", "stdin")
WELCOME_MS = 5000
LOOK_MS = 500
"""How often the proxy looks whether the service is there."""


class Proxy:
    """Between one front end and the kernel inside the service, from `run` on until the front end shuts it down.

    Args:
        service: The name of the service.
        worker: The process of it; empty for the first.
        connection: What the connection file of the front end says.
    """

    def __init__(self, service: str, worker: str, connection: dict[str, Any]) -> None:
        self.service, self.worker = service, worker
        self._connection, self._name = connection, f"proxy-{os.urandom(8).hex()}"
        self._key = str(connection["key"])
        self._session = Session(key=self._key.encode(), username="livecode", digest_history_size=0)
        self._context, self._poller = zmq.Context(), zmq.Poller()
        kinds = {**dict.fromkeys(RELAYED, zmq.ROUTER), "iopub": zmq.XPUB, "hb": zmq.REP}
        self._front = {channel: self._bound(channel, kind) for channel, kind in kinds.items()}
        self._back: dict[str, zmq.Socket[bytes]] = {}
        self._inside: dict[str, Any] | None = None
        self._door: RemoteWorker | None = None
        self._asked: dict[str, list[bytes]] = {}
        self._reason, self._last_pid, self._over = "", 0, False

    def run(self) -> None:
        """Relays until the front end says that it is over, or ends this process."""
        signal.signal(signal.SIGINT, lambda *_: self._interrupt())
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_over", True))
        looked = 0.0
        try:
            while not self._over:
                if time.monotonic() - looked > LOOK_MS / 1000:
                    self._look()
                    looked = time.monotonic()
                for found, _ in self._poller.poll(LOOK_MS):
                    self._relay(found)
        finally:
            if self._door is not None:
                with suppress(LivecodeError):
                    self._door.close_kernel(self._name)
            self._context.destroy(linger=500)

    def _look(self) -> None:
        """Goes into the service, where this is not inside (any more)."""
        if self._inside is not None and is_there(self._inside):
            return
        self._leave()
        try:
            self._door = worker_for(self.service, self.worker)
            pid = self._door.worker.pid
            gone = self._last_pid and f"inside {self.service} again, pid {pid} (before: pid {self._last_pid})"
            self._inside = self._door.open_kernel(self._name, self._key, gone or "")
        except LivecodeError as error:
            self._reason = str(error)
            return
        self._last_pid = pid_of(self._inside)
        for channel in ("iopub", *RELAYED):
            self._back[channel] = self._connected(channel, self._inside)
        if self._back["iopub"].poll(WELCOME_MS):  # else the first cell would show before this listens
            self._back["iopub"].recv_multipart()

    def _leave(self) -> None:
        """Forgets the kernel that has gone; the front end gets an answer to what it has not answered."""
        self._inside = None
        for socket in self._back.values():
            self._poller.unregister(socket)
            socket.close(0)
        self._back.clear()
        self._reason = f"the process of {self.service} (pid {self._last_pid}) has gone, and this cell's run with it"
        asked, self._asked = self._asked, {}
        for frames in asked.values():
            self._answer_for("shell", frames)

    def _relay(self, found: Any) -> None:
        for channel, socket in self._front.items():
            if found is socket:
                self._from_front(channel, socket.recv_multipart())
                return
        for channel, socket in self._back.items():
            if found is socket:
                frames = socket.recv_multipart()
                if channel == "shell" and (message := self._read(frames)[1]) is not None:
                    self._asked.pop(message["parent_header"].get("msg_id", ""), None)
                self._front[channel].send_multipart(frames)
                return

    def _from_front(self, channel: str, frames: list[bytes]) -> None:
        if channel == "hb":
            self._front["hb"].send_multipart(frames)
        elif channel == "iopub":  # a subscription: everything is sent
            return
        elif channel == "control" and self._is_shutdown(frames):
            self._over = True
        elif channel in self._back:
            if channel == "shell" and (message := self._read(frames)[1]) is not None:
                self._asked[message["header"]["msg_id"]] = frames
            self._back[channel].send_multipart(frames)
        else:
            self._answer_for(channel, frames)

    def _is_shutdown(self, frames: list[bytes]) -> bool:
        """True if the front end wants an end, which is answered here: the kernel inside ends with this process."""
        identities, message = self._read(frames)
        if message is None or message["header"]["msg_type"] != "shutdown_request":
            return False
        content = {"status": "ok", "restart": message["content"].get("restart", False)}
        self._session.send(self._front["control"], "shutdown_reply", content, parent=message, ident=identities)
        return True

    def _answer_for(self, channel: str, frames: list[bytes]) -> None:
        """What a front end gets while there is no service: the reason, in place of the cell's output."""
        identities, message = self._read(frames)
        if message is None:
            return
        kind = message["header"]["msg_type"]
        failed = {"status": "error", "ename": "ServiceNotFoundError", "evalue": self._reason, "traceback": []}
        self._say("status", {"execution_state": "busy"}, message)
        if kind == "execute_request":
            advice = f"{self._reason}\nThe notebook goes in as soon as the service is there: run the cell again then.\n"
            self._say("stream", {"name": "stderr", "text": advice}, message)
            self._say("error", failed, message)
            content: dict[str, Any] = {**failed, "execution_count": 0, "payload": [], "user_expressions": {}}
        elif kind == "kernel_info_request":
            content = _WAITING
        else:
            content = failed
        reply = kind.replace("_request", "_reply")
        self._session.send(self._front[channel], reply, content, parent=message, ident=identities)
        self._say("status", {"execution_state": "idle"}, message)

    def _read(self, frames: list[bytes]) -> tuple[list[bytes], dict[str, Any] | None]:
        """The identities and the message; None if it is not signed by the front end."""
        identities, parts = self._session.feed_identities(frames)
        try:
            return identities, self._session.deserialize(parts)
        except (ValueError, TypeError):
            return identities, None

    def _say(self, kind: str, content: dict[str, Any], parent: dict[str, Any] | None = None) -> None:
        self._session.send(self._front["iopub"], kind, content, parent=parent, ident=kind.encode())

    def _interrupt(self) -> None:
        """A front end that interrupts by SIGINT: asked of the kernel inside as a message."""
        if "control" in self._back:
            message = self._session.msg("interrupt_request", {})
            self._session.send(self._back["control"], message, ident=b"proxy")

    def _bound(self, channel: str, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.linger = 500
        socket.bind(_url(self._connection, channel))
        self._poller.register(socket, zmq.POLLIN)
        return socket

    def _connected(self, channel: str, information: dict[str, Any]) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
        socket.linger = 0
        if channel == "iopub":
            socket.subscribe(b"")
        else:
            socket.identity = self._name.encode()  # the same on all channels: input() asks who sent the cell
        socket.connect(_url(information, channel))
        self._poller.register(socket, zmq.POLLIN)
        return socket


_WAITING: dict[str, Any] = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "livecode",
    "implementation_version": "1",
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    "banner": "waiting for the service",
    "help_links": [],
}


def _url(connection: dict[str, Any], channel: str) -> str:
    separator = "-" if connection["transport"] == "ipc" else ":"
    return f"{connection['transport']}://{connection['ip']}{separator}{connection[f'{channel}_port']}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the proxy of a front end that has written a connection file."""
    parser = argparse.ArgumentParser(prog="python -m livecode.kernel.proxy", description=main.__doc__)
    parser.add_argument("service")
    parser.add_argument("-f", "--connection-file", required=True)
    parser.add_argument("--worker", default="")
    chosen = parser.parse_args(arguments)
    with open(chosen.connection_file, encoding="utf-8") as file:
        connection = json.load(file)
    Proxy(chosen.service, chosen.worker, connection).run()


if __name__ == "__main__":
    main()
