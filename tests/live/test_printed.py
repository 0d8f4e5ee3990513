"""What an evaluation prints goes to who asked; everybody else prints where they did."""

from __future__ import annotations

import asyncio
import contextvars
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livecode.live.evaluate import evaluate
from livecode.live.printed import MAX_BYTES, Routed, current_sink, print_to, printed_here
from livecode.live.process import this_process
from livecode.model.evaluated import Evaluated


@contextmanager
def streams() -> Iterator[io.StringIO]:
    """What the process prints; its streams are in the end what they were."""
    log, found = io.StringIO(), (sys.stdout, sys.stderr)
    sys.stdout = sys.stderr = log
    try:
        yield log
        assert (sys.stdout, sys.stderr) == (log, log)
    finally:
        sys.stdout, sys.stderr = found


LOUD = "class Loud:\n    def __repr__(self):\n        print('loud')\n        return 'x'\nLoud()"


def value(expression: str, timeout_s: float = 20.0) -> Evaluated:
    return evaluate(this_process(), expression, "", timeout_s)


def test_what_is_printed_comes_along() -> None:
    """From both streams, also as bytes; nothing of it in the log of the service."""
    with streams() as log:
        found = value("import sys\nprint('out', 1)\nsys.stderr.write('err\\n')\nsys.stdout.buffer.write(b'b\\n')\n7")
        assert (found.text, found.printed) == ("7", "out 1\nerr\nb\n")
        assert log.getvalue() == ""
        assert value("7").printed == ""


def test_what_a_repr_prints_comes_along() -> None:
    """And what was printed before a failure."""
    with streams():
        assert value(LOUD).printed == "loud\n"
        assert value("print('before')\n1 / 0").printed == "before\n"


def test_others_print_where_they_did() -> None:
    """Threads of the service, meanwhile."""
    with streams() as log:
        with printed_here() as sink:
            print_to(sink)
            print("mine")
            other = _thread()
            other.start()
            other.join()
        print("afterwards")
        assert sink.text() == "mine\n"
        assert log.getvalue() == "the service's\nafterwards\n"


def _thread() -> threading.Thread:
    """A thread that begins with no context of whoever starts it."""
    return threading.Thread(target=lambda: contextvars.Context().run(print, "the service's"))


def test_it_is_of_limited_length() -> None:
    """And that is said."""
    with streams():
        printed = value("print('x' * 10 ** 6)").printed
        assert len(printed) < MAX_BYTES + 100
        assert printed.endswith("… and more was printed\n")


def test_what_awaits_prints_there_too() -> None:
    """On the event loop of the service, where others print to its log."""
    with streams() as log:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        loop.call_soon_threadsafe(print, "the service's")
        try:
            assert value("import asyncio\nawait asyncio.sleep(0)\nprint('awaited')\n1").printed == "awaited\n"
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
        assert log.getvalue() == "the service's\n"


def test_what_goes_on_prints_to_the_log() -> None:
    """Nobody waits for it any more."""
    with streams() as log:
        with printed_here() as sink:
            print_to(sink)
            assert current_sink() is sink
        print("late")
        assert current_sink() is None
        assert (sink.text(), log.getvalue()) == ("", "late\n")


def test_two_at_once() -> None:
    """Each gets its own; the streams are put back when the last one ends."""
    with streams():
        found = dict[str, str]()
        together = threading.Barrier(2, timeout=30)

        def ask(name: str) -> None:
            sys.modules["together_lc"] = together  # type: ignore[assignment]
            found[name] = value(f"together_lc.wait()\nprint({name!r})\ntogether_lc.wait()").printed

        threads = [threading.Thread(target=ask, args=(name,)) for name in ("a", "b")]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        del sys.modules["together_lc"]
        assert found == {"a": "a\n", "b": "b\n"}


def test_a_stream_of_somebody_else_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who replaced it meanwhile keeps it."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    other = io.StringIO()
    with printed_here():
        assert type(sys.stdout) is Routed
        assert isinstance(sys.stdout, io.StringIO)
        sys.stdout = other
    assert sys.stdout is other


def test_a_subprocess_prints_where_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is needed for that, and the service has one."""
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stdout", log)
        with printed_here() as sink:
            print_to(sink)
            subprocess.run([sys.executable, "-c", "print('below')"], stdout=sys.stdout, check=True)
    assert (tmp_path / "log").read_text() == "below\n"
    assert sink.text() == ""
