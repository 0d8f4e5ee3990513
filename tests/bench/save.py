"""From a save to new code that runs, for one file among 1,000: livecode beside jurigged and `uvicorn --reload`.

    python -m tests.bench.save            # all ways
    python -m tests.bench.save 30         # with so many saves each
    python -m tests.bench.save start      # how long it takes until 5,000 files are watched

Each program has imported all files and asks one function five thousand times a second what it returns: that it returns
what was just saved is "live". The time begins before the file is opened for writing; where there are several workers,
it ends when the last one has said so. What a way costs between saves is the processor time of its process or threads.
`pip install jurigged` for that row.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import queue
import random
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
FILES, MANY_FILES = 1_000, 5_000
SAVES, FEW_SAVES, WARM = 200, 15, 3
IDLE_S = 5.0
PATIENCE_S = 60.0
MISSED_S = 5.0
"""A save that is not live after this is counted as missed."""
EDITED = "m0500"

MODULE = '"""One of many."""\n\n\ndef value():\n    return {value}\n' + "".join(
    f"\n\ndef other_{n}(x):\n    if x > {n}:\n        return x - {n}\n    return x + {n}\n" for n in range(8)
)

TICKER = f"""
import os, sys, threading, time
sys.path.insert(0, os.getcwd())
import importlib
def load():
    for n in range({FILES}):
        importlib.import_module(f"many.m{{n:04}}")
def tick():
    import many.{EDITED} as edited
    seen = edited.value()
    while True:
        now = getattr(edited, "value", int)() or seen  # jurigged takes it out for a moment when it reads half a save
        if now != seen:
            seen = now
            os.write(1, f"{{time.monotonic_ns()}} {{now}}\\n".encode())
        time.sleep(0.0002)
def begin():
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    os.write(1, f"ready {{os.getpid()}} {{ticker.native_id}}\\n".encode())
"""

PLAIN = f"{TICKER}\nimport livecode\nlivecode.listen('bench')\nload()\nbegin()\nthreading.Event().wait()\n"
INSIDE = (
    f"{TICKER}\nimport livecode\nlivecode.listen('bench')\nload()\nlivecode.watch('many', say=lambda _: None)\n"
    "begin()\nthreading.Event().wait()\n"
)
FOUR = (
    f"{TICKER}\nimport livecode\nlivecode.listen('bench')\nload()\n"
    "for _ in range(3):\n    if not os.fork():\n        break\n"
    "begin()\nthreading.Event().wait()\n"
)
JURIGGED = f"{TICKER}\nimport jurigged\njurigged.watch('many/*.py')\nload()\nbegin()\nthreading.Event().wait()\n"
APP = f"""{TICKER}
load()
import many.{EDITED} as edited
async def app(scope, receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({{"type": "lifespan.startup.complete"}})
            os.write(1, f"ready {{os.getpid()}} 0\\n{{time.monotonic_ns()}} {{edited.value()}}\\n".encode())
        elif message["type"] == "lifespan.shutdown":
            await send({{"type": "lifespan.shutdown.complete"}})
            return
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make a save live.

    Attributes:
        program: What is run, as a script, or with uvicorn.
        watcher: Arguments of a `livecode` process beside it.
        workers: How many processes must say that it is live.
        needs: A package that may be missing.
        reloads: True for uvicorn, which starts anew: few saves are enough.
    """

    program: str
    watcher: tuple[str, ...] = ()
    workers: int = 1
    needs: str = ""
    reloads: bool = False


WAYS = {
    "`livecode watch`": Way(PLAIN, ("watch", "bench", "many")),
    "the same, 4 workers": Way(FOUR, ("watch", "bench", "many"), 4),
    "`livecode.watch()` inside": Way(INSIDE),
    "`livecode watch --poll 0.3`": Way(PLAIN, ("watch", "bench", "many", "--poll", "0.3")),
    "`jurigged`": Way(JURIGGED, needs="jurigged"),
    "`uvicorn --reload`": Way(APP, needs="uvicorn", reloads=True),
}


class Running:
    """The processes of one way, in a folder with many modules."""

    def __init__(self, way: Way, folder: Path) -> None:
        self.way, self.folder = way, folder
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        (folder / "program.py").write_text(way.program)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])}
        environment |= {"LIVECODE_DIR": str(folder / "doors")}
        command = [sys.executable, "program.py"]
        if way.reloads:
            command = [sys.executable, "-m", "uvicorn", "program:app", "--reload", "--port", "0"]
            command += ["--log-level", "error"]
        self._program = _started(command, folder, environment, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        self._ready = [self._line("ready").split()[1:] for _ in range(way.workers)]
        self._watcher: subprocess.Popen[str] | None = None
        if way.watcher:
            command = [sys.executable, "-c", "from livecode.front.cli import main; main()", *way.watcher]
            self._watcher = _started(command, folder, environment, stdout=subprocess.PIPE)
            assert self._watcher.stdout is not None
            self._watcher.stdout.readline()
            threading.Thread(target=self._watcher.stdout.read, daemon=True).start()

    def save(self, value: int) -> float | None:
        """Milliseconds from a save to the moment when all run it; None if that does not happen."""
        began = time.monotonic_ns()
        (self.folder / "many" / f"{EDITED}.py").write_text(MODULE.format(value=value))
        try:
            said = [int(self._line(str(value), MISSED_S).split()[0]) for _ in range(self.way.workers)]
        except queue.Empty:
            return None
        return (max(said) - began) / 1e6

    def idle_percent(self) -> float:
        """Processor time between saves, of one core."""
        time.sleep(1.0)  # what the last save caused is over
        before = self._busy_ns()
        time.sleep(IDLE_S)
        return (self._busy_ns() - before) / IDLE_S / 1e7

    def stop(self) -> None:
        """Ends all of it."""
        for process in (self._watcher, self._program):
            if process is not None:
                process.terminate()
                process.wait()

    def _busy_ns(self) -> int:
        """Of the watcher's process; else of the threads beside the program's own two, or of uvicorn's parent."""
        if self._watcher is not None:
            return _spent_ns(self._watcher.pid)
        if self.way.reloads:
            return _spent_ns(self._program.pid)
        return _spent_ns(int(self._ready[0][0]), without=self._ready[0])

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            self._lines.put(line)

    def _line(self, wanted: str, timeout_s: float = PATIENCE_S) -> str:
        """The next line of the program's own with that word; jurigged prints others."""
        while True:
            words = self._lines.get(timeout=timeout_s).split()
            if wanted in words and (words[0] == "ready" or words[0].isdigit()):
                return " ".join(words)


def _started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], stdout: int
) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=stdout, process_group=0)


def _spent_ns(pid: int, without: Sequence[str] = ()) -> int:
    """Processor time of the threads of a process, without those of these ids."""
    threads = (thread for thread in Path(f"/proc/{pid}/task").iterdir() if thread.name not in without)
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def make_modules(folder: Path, count: int) -> None:
    """A package of many modules."""
    package = folder / "many"
    package.mkdir()
    (folder / "doors").mkdir(mode=0o700)
    (package / "__init__.py").write_text("")
    for number in range(count):
        (package / f"m{number:04}.py").write_text(MODULE.format(value=0))


def measure(way: Way, saves: int) -> tuple[list[float | None], float]:
    """Milliseconds of each save, None for one that was missed, and percent of a core between them."""
    with tempfile.TemporaryDirectory(prefix="lc", dir="/tmp") as name:
        folder = Path(name)
        make_modules(folder, FILES)
        running = Running(way, folder)
        try:
            times: list[float | None] = []
            time.sleep(2.0)  # what is done at the start is over
            for number in range(1, saves + WARM + 1):
                time.sleep(random.uniform(0.1, 0.3))  # no way shall know when
                times.append(running.save(number))
            return times, running.idle_percent()
        finally:
            running.stop()


def quantile(times: Sequence[float], share: float) -> float:
    """The smallest time that is not less than that share of all."""
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def saves(count: int) -> None:
    """Prints the table of saves."""
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, {FILES:,} files, ms")
    header = ("", "live", "missed", "p50", "p99", "most", "p50, of the first row", "first save", "% of a core, idle")
    print(f"| {' | '.join(header)} |\n{'|---' * len(header)}|")
    first = 0.0
    for name, way in WAYS.items():
        if way.needs and importlib.util.find_spec(way.needs) is None:
            print(f"| {name} | pip install {way.needs} |", flush=True)
            continue
        all_times, idle = measure(way, min(count, FEW_SAVES) if way.reloads else count)
        times = [each for each in all_times[WARM:] if each is not None]
        missed = sum(each is None for each in all_times)
        median = statistics.median(times)
        first = first or median
        cells = [f"{median:.1f}", f"{quantile(times, 0.99):.1f}", f"{max(times):.1f}", f"{median / first:.1f}"]
        cells += [f"{all_times[0]:.0f}" if all_times[0] is not None else "missed", f"{idle:.3f}"]
        print(f"| {name} | {len(times)} | {missed} | {' | '.join(cells)} |", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


STARTS = {
    "`livecode.watch`": "watch = livecode.watch('many', say=str)",
    "`livecode.watch`, polling": "watch = livecode.watch('many', say=str, poll_s=0.3)",
    "`watchfiles.watch`": "next(watchfiles.watch('many', rust_timeout=1, step=1, yield_on_timeout=True))",
    "`os.walk` alone": "watch = list(os.walk('many'))",
}


def starts() -> None:
    """Prints how long it takes until many files are watched, the median of five processes each."""
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, {MANY_FILES:,} files in 51 folders, ms")
    with tempfile.TemporaryDirectory(prefix="lc", dir="/tmp") as name:
        for number in range(MANY_FILES):
            path = Path(name, "many", f"p{number % 50}", f"m{number:04}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(MODULE.format(value=0))
        for title, source in STARTS.items():
            program = f"""
                import os, time, livecode, watchfiles, livecode.front.watching.watch, livecode.front.watching.inotify
                livecode.status()
                began = time.perf_counter()
                {source}
                print((time.perf_counter() - began) * 1000, flush=True)
                os._exit(0)
            """
            command = [sys.executable, "-c", textwrap.dedent(program)]
            environment = {**os.environ, "PYTHONPATH": ROOT}
            runs = [float(subprocess.check_output(command, cwd=name, env=environment)) for _ in range(5)]
            print(f"| {title} | {statistics.median(runs):.0f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["start"]:
        starts()
    else:
        saves(int(sys.argv[1]) if sys.argv[1:] else SAVES)
