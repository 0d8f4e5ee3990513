"""The near side of a link: the program that gets to another machine, and the relay that it starts there.

The program is ssh, docker or kubectl, as the user has it: with its configuration, its keys and its cluster. livecode
opens no port and knows no password. Where somebody sits at a terminal, ssh asks there; elsewhere it is told not to.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livecode.errors import ProtocolError, RelayError
from livecode.fleet.remote.address import Address, Way
from livecode.fleet.remote.frames import MagicSearch, greeting
from livecode.fleet.remote.link import READ_BYTES, Link, LinkLostError
from livecode.fleet.remote.programs import Prompts, Start, advice, by_hand, install, is_absent, starts
from livecode.fleet.remote.verbs import misunderstanding, speaker

DIAL_S = {Prompts.NOBODY: 40.0, Prompts.TERMINAL: 150.0}
"""How long until a relay says who it is. At a terminal somebody may have to look for a password."""
HELLO_S = 10.0
END_S = 3.0
"""How long a program may take to end by itself, when its relay was told to."""
SAID_BYTES = 1 << 14
"""How much of what a program says on standard error is kept: the end of it."""
LINES_SHOWN = 3
_LOG_LINE = re.compile(r"[EWIF]\d{4} [\d:.]+ ")
"""How kubectl (klog) begins what it logs beside the error that it ends with."""

UNDISTURBED = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""Before a command: Ctrl-C at the terminal is for livecode, which brings to an end what was begun. ssh keeps the signal
ignored, but while it asks for a password (clientloop.c, readpass.c); in a process group of its own it could not ask."""


@dataclass(slots=True)
class Call:
    """A relay that answers.

    Attributes:
        link: The way to it.
        greeting: What it says of itself.
    """

    link: Link
    greeting: dict[str, Any]
    _program: _Program

    @property
    def is_up(self) -> bool:
        """True if it can be asked."""
        return not self.link.why

    def why_down(self) -> str:
        """What is known of why it cannot be asked any more."""
        said = self._program.last_words()
        return f"{self.link.why}; it said: {said}" if said else self.link.why

    def end(self) -> None:
        """Ends the relay, the program, and the threads that were for them. Twice is fine."""
        self.link.close()
        self._program.end()
        self.link.join(END_S)


class _Program:
    """A program that was started, and what it says on standard error."""

    def __init__(self, command: tuple[str, ...], prompts: Prompts) -> None:
        asks = prompts is Prompts.TERMINAL
        self.process = subprocess.Popen(
            (*UNDISTURBED, *command) if asks else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=not asks,  # without a terminal nothing can ask, and no Ctrl-C arrives
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        # the link closes them: file objects of their own would do it once more, on numbers that are others' by then
        self._reading, self._writing = os.dup(self.process.stdout.fileno()), os.dup(self.process.stdin.fileno())
        self.process.stdin.close()
        self.process.stdout.close()
        self._mine = [self._reading, self._writing]
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, name="livecode-stderr", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        errors = self.process.stderr
        assert errors is not None
        with errors:
            while data := errors.read(READ_BYTES):
                self._said += data
                del self._said[:-SAID_BYTES]

    def descriptors(self) -> tuple[int, int]:
        """What it prints, and what it reads; they belong to the caller now."""
        self._mine.clear()
        return self._reading, self._writing

    def read(self, wait_s: float) -> bytes:
        """What it prints next; nothing if it has ended.

        Raises:
            TimeoutError: Nothing came.
        """
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        if not poll.poll(max(wait_s, 0.0) * 1000):
            raise TimeoutError
        return os.read(self._reading, READ_BYTES)

    def hear(self, noise: bytes) -> None:
        """It said that where frames were expected."""
        self._said[:0] = noise

    def said(self) -> str:
        """What it said so far, line by line, without control characters."""
        self._listener.join(0.5)  # a master of ssh that stays keeps it open: that is not waited for
        lines = self._said.decode("utf-8", "replace").splitlines()
        return "\n".join(filter(None, ("".join(filter(str.isprintable, line)).strip() for line in lines)))

    def last_words(self) -> str:
        """The last line of it, where it ended badly."""
        return self.said().rpartition("\n")[2][:300] if self.process.poll() not in (None, 0) else ""

    def end(self) -> int:
        """Lets it end by itself, and makes it where it does not; its exit status."""
        while self._mine:
            os.close(self._mine.pop())
        for insist in (_wait, self.process.terminate, self.process.kill):
            insist()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(END_S)
        return -signal.SIGKILL


def _wait() -> None:
    """What is done first so that a program ends."""


def dial(address: Address, prompts: Prompts | None = None) -> Call:
    """A relay that answers there.

    Args:
        address: Where.
        prompts: Who could type a password; by default whoever sits at this process's terminal.

    Raises:
        RelayError: There is none; says what was tried, what was said, and what to do.
        ProtocolError: There is one of another livecode; says both versions.
    """
    who = prompts or who_can_answer(address)
    said, tried = "", starts(address, who)
    for start in tried:
        program = _started(start, address, who)
        try:
            call = _answered(program, address, who)
            if call is not None:
                return call
            said, status = program.said(), program.end()
        except BaseException:
            program.process.terminate()  # not killed: ssh that asks for a password gives the terminal its echo back
            program.end()
            raise
        if not is_absent(address, status, said):
            raise _refused(address, who, status, said)
    raise _not_there(address, tried, said)


def who_can_answer(address: Address) -> Prompts:
    """Whoever sits at a terminal, where this process has one; only ssh asks."""
    streams = (sys.__stdin__, sys.__stderr__)
    at_terminal = address.way is Way.SSH and all(stream is not None and stream.isatty() for stream in streams)
    return Prompts.TERMINAL if at_terminal else Prompts.NOBODY


def _started(start: Start, address: Address, who: Prompts) -> _Program:
    program = address.way.value
    if shutil.which(program) is None:
        raise RelayError(f"{address.place}: {program} is not on the PATH of this process: install it here")
    try:
        return _Program(start.command, who)
    except OSError as error:
        raise RelayError(f"{address.place}: {program} cannot be started here: {error}") from error


def _answered(program: _Program, address: Address, who: Prompts) -> Call | None:
    """The relay that a program has started; None if the program ended instead."""
    first = _after_magic(program, address, time.monotonic() + DIAL_S[who])
    if first is None:
        return None
    link = Link(*program.descriptors(), first=first)
    try:
        other = link.greeting(HELLO_S)
        if why := misunderstanding(other, address.place):
            raise ProtocolError(why)
        link.write(greeting({**speaker(), "dir": address.directory}))
    except LinkLostError as error:
        link.close()
        raise RelayError(f"{address.place}: a relay was started, and ended at once: {error}") from error
    except ProtocolError:
        link.close()
        raise
    return Call(link, other, program)


def _after_magic(program: _Program, address: Address, deadline: float) -> bytes | None:
    """What a relay said after the magic; None if the program ended before.

    Raises:
        RelayError: Nothing came in time, or so much that it is no login's greeting.
    """
    search = MagicSearch()
    try:
        while (data := program.read(deadline - time.monotonic())) != b"":
            if (after := search.feed(data)) is not None:
                return after
    except TimeoutError as error:
        raise RelayError(f"{address.place} did not answer in time: try {by_hand(address)}") from error
    except ProtocolError as error:
        raise RelayError(f"{address.place}: {error}; it began with {search.noise[:60]!r}") from error
    program.hear(search.noise)
    return None


def _refused(address: Address, who: Prompts, status: int, said: str) -> RelayError:
    """The error for a program that ended for another reason than that no relay is there."""
    shown = [line for line in said.splitlines() if not _LOG_LINE.match(line)][-LINES_SHOWN:]
    what = "; ".join(shown) if shown else f"{address.way.value} ended with status {status} and said nothing"
    then = advice(address, who, said) or f"try {by_hand(address)}"
    return RelayError(f"{address.place}: {what.rstrip('.')}; {then}")


def _not_there(address: Address, tried: Sequence[Start], said: str) -> RelayError:
    """The error for a place that has no livecode."""
    runs = ", ".join(start.relay for start in tried)
    last = f" (at last: {said.splitlines()[-1]})" if said else ""
    return RelayError(f"{address.place} has no livecode that was found; tried: {runs}{last}: {install(address)}")
