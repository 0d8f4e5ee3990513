"""One notebook's place in the process: sockets, threads, a kernel with a namespace of its own.

livecode-cell     runs the cells of the notebook
Shell channel     receives requests, and hands them to the cells' thread or a subshell's
Control           interrupts, shutdown, heartbeat; looks whether anybody still listens
IOPub             sends what cells print and show
(two of zmq's)
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import os
import secrets
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import zmq
from ipykernel.comm.manager import CommManager
from ipykernel.control import ControlThread
from ipykernel.shellchannel import ShellChannelThread
from jupyter_client.session import Session
from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

from livecode.fleet import rundir
from livecode.kernel import places
from livecode.kernel.current import sit_down
from livecode.kernel.kernel import LiveKernel
from livecode.kernel.output import CellStream, Publisher
from livecode.kernel.runs import Runs

START_S = 30.0
STOP_S = 5.0
DROP_S = 1.0
LOOK_S = 30.0
DESERTED_S = 600.0
"""A kernel that nobody has listened to for so long, and that runs no cell, ends: its front end was killed."""


class Seat:
    """A kernel for one notebook, from `start` on until `close`.

    Attributes:
        service: The name of the service.
        session: What the front end calls itself: the same one gets the same seat.
        pid: The process.
        runs: The cells that run now.
        streams: Its standard streams by name.
        notes: What the next cell says first.
        comms: Its widgets' side.
        kernel: The kernel, once it is made.
        mend: Puts back what a cell has replaced of the process, and says what.
        closed: True from the beginning of its end on.
        gone: Set at the end of its end.
    """

    def __init__(self, service: str, session: str, key: str, on_close: Callable[[Seat], None]) -> None:
        self.service, self.session, self.pid = service, session, os.getpid()
        self.base = os.path.join(places.make_folder(), places.stem_of(session))
        self.runs, self.notes, self.streams = Runs(), list[str](), dict[str, Any]()
        self.kernel: LiveKernel | None = None
        self.mend: Callable[[], tuple[str, ...]] = tuple
        self.closed = False
        self.gone = threading.Event()
        self._on_close: Callable[[Seat], None] = on_close
        self._key = key or secrets.token_hex(32)
        self._ready, self._error = threading.Event(), list[BaseException]()
        self._listening: list[int] = []
        self._lock = threading.Lock()

    @property
    def shell(self) -> Any:
        """The kernel's shell, None before it is made."""
        return self.kernel.shell if self.kernel is not None else None

    @property
    def displayhook(self) -> Any:
        """What shows values of its cells."""
        return self.shell.displayhook if self.shell is not None else None

    @property
    def information(self) -> dict[str, Any]:
        """The connection file, with whose kernel it is."""
        ports = {f"{channel}_port": number for number, channel in enumerate(places.CHANNELS, 1)}
        livecode = {"service": self.service, "pid": self.pid, "session": self.session}
        return {
            "transport": "ipc",
            "ip": self.base,
            **ports,
            "key": self._key,
            "signature_scheme": "hmac-sha256",
            "kernel_name": self.service,
            "livecode": livecode,
        }

    def start(self) -> None:
        """Starts the threads; returns when the kernel answers.

        Raises:
            DoorError: Its sockets cannot be opened, or it does not start.
        """
        self._thread = threading.Thread(target=self._work, name="livecode-cell", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_S):
            self._error.append(TimeoutError(f"the kernel did not start within {START_S:g} s"))
        if self._error:
            self.close()
            raise self._error[0]
        places.write_card(f"{self.base}.json", self.information)
        atexit.register(self._remove_files)

    def close_soon(self) -> None:
        """Closes it, from one of its own threads."""
        threading.Thread(target=self.close, name="livecode-close", daemon=True).start()

    def close(self) -> None:
        """Ends the kernel: its cells are interrupted, its threads and files go. The service does not notice."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
        self.runs.interrupt()
        contextvars.copy_context().run(self._unload_extensions)
        self._remove_files()
        atexit.unregister(self._remove_files)
        try:
            self._end_threads()
        finally:
            self._on_close(self)
            self.gone.set()

    def abandon(self) -> None:
        """In a forked child: nothing of the parent's listens here. Its other objects must be kept and never ended."""
        self.closed = True
        atexit.unregister(self._remove_files)
        for descriptor in self._listening:
            os.close(descriptor)

    def _remove_files(self) -> None:
        if os.getpid() == self.pid:
            rundir.remove(*places.files_of(self.base))

    # in the thread of the cells

    def _work(self) -> None:
        sit_down(self)
        try:
            self._set_up()
        except BaseException as error:
            self._error.append(error)
            self._ready.set()
            return
        while not self.closed:
            try:
                self._loop.start()
            except BaseException as error:  # a cell's callback may raise SystemExit: the thread goes on
                if not self.closed:
                    logging.getLogger("livecode").warning("a notebook's loop goes on after %r", error)
        self._drop_tasks()
        self._loop.close(all_fds=False)

    def _drop_tasks(self) -> None:
        """Ends what the loop has begun and will not go on with, and says nothing of it in the service's log."""
        loop: asyncio.AbstractEventLoop = self._loop.asyncio_loop
        loop.set_exception_handler(lambda _loop, _context: None)
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks, timeout=DROP_S))

    def _set_up(self) -> None:
        self._loop = IOLoop(make_current=True, asyncio_loop=asyncio.SelectorEventLoop())  # not the service's policy
        self._context = context = zmq.Context()
        session = Session(username="livecode", key=self._key.encode(), signature_scheme="hmac-sha256")
        shell, iopub, stdin, control, heartbeat = map(
            self._bind, (zmq.ROUTER, zmq.XPUB, zmq.ROUTER, zmq.ROUTER, zmq.ROUTER), range(1, 6)
        )
        self._publisher = Publisher(iopub, session)
        self._control = ControlThread(daemon=True)
        self._channel = ShellChannelThread(context, daemon=True)
        self._channel.shell_stream = ZMQStream(shell, self._channel.io_loop)
        self._stdin = stdin
        self._heartbeat = ZMQStream(heartbeat, self._control.io_loop)
        self._heartbeat.on_recv(self._heartbeat.send_multipart)
        control_stream = ZMQStream(control, self._control.io_loop)
        for thread in (self._publisher, self._control, self._channel):
            thread.start()
        self.streams = {name: CellStream(session, self._publisher, name) for name in ("stdout", "stderr")}
        self.comms = CommManager()
        self.kernel = LiveKernel(
            self,
            session=session,
            shell_stream=self._channel.shell_stream,
            control_stream=control_stream,
            control_thread=self._control,
            shell_channel_thread=self._channel,
            iopub_thread=self._publisher,
            iopub_socket=self._publisher.background_socket,
            stdin_socket=stdin,
            log=_log(),
            config=self._config(),
            **self._namespace(),
        )
        atexit.unregister(self.kernel.shell.atexit_operations)
        self.kernel.shell.livecode_service = self.service
        self.kernel.record_ports({key: port for key, port in self.information.items() if key.endswith("_port")})
        self._loop.add_callback(self.kernel.start)
        self._loop.add_callback(self._ready.set)
        self._control.io_loop.add_callback(self._watch)

    def _bind(self, kind: int, number: int) -> zmq.Socket[bytes]:
        listening = places.listen_at(f"{self.base}-{number}")
        bound = self._context.socket(kind)
        bound.linger = 1000
        if kind == zmq.ROUTER:
            bound.router_handover = 1
        descriptor = listening.detach()
        bound.setsockopt(zmq.USE_FD, descriptor)
        bound.bind(f"ipc://{self.base}-{number}")
        self._listening.append(descriptor)
        return bound

    def _namespace(self) -> dict[str, Any]:
        module = types.ModuleType(f"__livecode_{os.path.basename(self.base)}__", "The names of a notebook.")
        self._module = module.__name__
        return {"user_module": module, "user_ns": module.__dict__}

    def _config(self) -> Config:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.banner2 = f"live inside {self.service}, pid {self.pid}: exit leaves, nothing ends\n"
        return config

    # in the control thread

    def _watch(self) -> None:
        self._watcher = PeriodicCallback(self._look, LOOK_S * 1000)
        self._watcher.start()

    def _look(self) -> None:
        deserted = not self._publisher.topics and time.monotonic() - self._publisher.left > DESERTED_S
        if deserted and not self.runs.now():
            self.close_soon()

    # in the thread of who closes it

    def _unload_extensions(self) -> None:
        """What the notebook has loaded takes back what it did: else its threads would stay in the service."""
        sit_down(self)
        for name in tuple(self.shell.extension_manager.loaded) if self.shell is not None else ():
            try:
                self.shell.extension_manager.unload_extension(name)
            except Exception as error:
                logging.getLogger("livecode").warning("a closed notebook could not unload %s: %r", name, error)

    def _end_threads(self) -> None:
        if not hasattr(self, "_channel"):
            return
        self._loop.add_callback(self._loop.stop)
        self._thread.join(STOP_S)
        if self._thread.is_alive():  # it is inside C code, and ends when that returns
            logging.getLogger("livecode").warning("a closed notebook's cell still runs")
        for thread in (self._channel, self._control):
            thread.stop()
            thread.join(STOP_S)
        self._publisher.stop()
        self._publisher.close()
        if self.kernel is not None and not self._thread.is_alive():
            self.kernel.shell.close()
        sys.modules.pop(self._module, None)
        self._context.destroy(linger=0)


def _log() -> logging.Logger:
    """A logger of its own, so that errors of cells are not the service's."""
    logger = logging.Logger("livecode.kernel", logging.ERROR)
    logger.addHandler(logging.NullHandler())
    return logger
