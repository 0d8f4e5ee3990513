"""Saves go live in real services of several workers: from another process, from the terminal, and from inside."""

from __future__ import annotations

import json
import os
import pty
import queue
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livecode.fleet.service import Service, attach
from livecode.front.watching.watch import Watch, watch
from livecode.model.nouns import checksum
from livecode.model.pushes import pushes_of
from livecode.model.report import Report, Verdict
from tests.services import RunningService, Services, required_program, wait_until

WAIT_S = 30.0
RUN = "from livecode.front.cli import main; main()"
PRICING = "def quote(x):\n    return x * 2\n"
ROUTES = "from pricing import quote\ndef route(x):\n    return quote(x) + 1\n"
SHOP = {"pricing.py": PRICING, "routes.py": ROUTES}
WATCHING = {**SHOP, "watching.py": "import livecode\nwatch = livecode.watch('.')\n"}
"""A service whose workers all watch their own sources."""


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Watch, queue.SimpleQueue[Report | str]]]:
    """A watch of the service, and what it says."""
    said: queue.SimpleQueue[Report | str] = queue.SimpleQueue()
    with watch(folder, attach("shop"), said.put) as running:
        yield running, said


def everywhere(service: Service, module: str, source: str) -> Callable[[], bool]:
    """Whether every worker runs that source of a module."""

    def holds() -> bool:
        running = {m.checksum for status in service.peek() for m in status.modules if m.module == module}
        return running == {checksum(source)}

    return holds


def test_a_save_is_live_in_every_worker(services: Services) -> None:
    """And a restart of the service changes nothing: the watch goes on with the new workers."""
    running = services.gunicorn("shop", SHOP, "--workers", "3")
    wait_until(lambda: len(attach("shop").workers()) == 3, "three workers listen", running)
    with watched(running.folder) as (watching, said):
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
        report = watching.next(WAIT_S)
        assert (report.verdict, report.workers, report.modules) == (Verdict.LIVE, 3, ("pricing",)), str(report)
        assert running.get("routes.route(1)") == "4"
        running.stop()
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "4"))
        assert "no service named 'shop' is listening" in str(said.get(timeout=WAIT_S)) or said.get(timeout=WAIT_S)
        again = services.again(running)
        wait_until(lambda: not watching.state.behind, "the new workers are known to run what was saved", again)
        assert again.get("routes.route(1)") == "5"
        wait_until(lambda: len(attach("shop").workers()) == 3, "three new workers listen", again)
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "5"))
        wait_until(lambda: again.get("routes.route(1)") == "6", "a save is live in the new workers", again)


def test_a_checkout_is_one_transaction_in_the_order_of_imports(services: Services, tmp_path: Path) -> None:
    """300 files at once, by git itself: what a module needs of another one is there when it is executed."""
    names = [f"m{n:03}" for n in range(300)]
    first = {f"{name}.py": "def f():\n    return 1\n" for name in names}
    running = services.threaded("shop", first)
    git = [
        required_program("git", "apt-get install git"),
        "-C",
        str(running.folder),
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
    ]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", *first], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    for name, needed in zip(names, [*names[1:], None], strict=True):
        use = f"from {needed} import g as h\n" if needed else "def h(): return 0\n"
        (running.folder / f"{name}.py").write_text(f"{use}def f():\n    return h()\ndef g():\n    return h() + 1\n")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "two"], check=True)
    subprocess.run([*git, "checkout", "-q", "HEAD~1"], check=True)
    with watched(running.folder) as (watching, _):
        subprocess.run([*git, "checkout", "-q", "-"], check=True)
        report = watching.next(WAIT_S)
        assert (report.verdict, len(report.modules)) == (Verdict.LIVE, 300), str(report)[:2000]
        assert running.get("m000.f()") == "299"
        assert len(watching.reports) == 1


def test_new_modules_are_found_by_the_next_import(services: Services) -> None:
    """They are not applied, as there is nothing to change; also a whole package, and by a push that imports it."""
    running = services.threaded("shop", SHOP)
    with watched(running.folder) as (watching, said):
        (running.folder / "tax").mkdir()
        (running.folder / "tax" / "__init__.py").write_text("RATE = 3\n")
        assert "tax/__init__.py: not loaded in shop" in str(said.get(timeout=WAIT_S))
        assert running.get("'tax' in sys.modules") == "False"
        (running.folder / "pricing.py").write_text("import tax\ndef quote(x):\n    return x * tax.RATE\n")
        report = watching.next(WAIT_S)
        assert report.ok, str(report)
        assert running.get("routes.route(1)") == "4"
        (running.folder / "tax" / "__init__.py").write_text("RATE = 4\n")
        assert watching.next(WAIT_S).modules == ("tax",)
        assert running.get("routes.route(1)") == "5"


def test_a_module_that_two_folders_provide(services: Services, tmp_path: Path) -> None:
    """The one that is loaded counts; of the other one it is said that it is another one."""
    running = services.threaded("shop", SHOP)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pricing.py").write_text(PRICING)
    with watched(other) as (watching, said):
        assert "shop has loaded nothing from" in str(said.get(timeout=WAIT_S))
        (other / "pricing.py").write_text(PRICING.replace("2", "9"))
        loaded = os.path.realpath(running.folder / "pricing.py")
        assert f"not pushed, as shop has loaded pricing from {loaded}" in str(said.get(timeout=WAIT_S))
        assert running.get("pricing.quote(1)") == "2"
        assert watching.reports == ()


def test_a_folder_outside_of_what_the_service_tracks(services: Services, tmp_path: Path) -> None:
    """It is loaded from there, so it is pushed: the service remembers its sources from the start of the watch."""
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "tax_lc.py").write_text("RATE = 1\ndef tax():\n    return RATE\n")
    load = f"import sys\nsys.path.append({str(lib)!r})\nimport tax_lc\n"
    running = services.threaded("shop", {"load.py": load})
    with watched(lib) as (watching, _):
        (lib / "tax_lc.py").write_text("RATE = 2\ndef tax():\n    return RATE\n")
        report = watching.next(WAIT_S)
        assert report.verdict is Verdict.LIVE, str(report)
        assert running.get("load.tax_lc.tax()") == "2"


def test_a_folder_from_which_nothing_is_loaded(services: Services, tmp_path: Path) -> None:
    """It is said: it may be the wrong one. What already differs when the watch begins is said, too."""
    running = services.threaded("shop", SHOP)
    (tmp_path / "other").mkdir()
    with watched(tmp_path / "other") as (_, said):
        assert "shop has loaded nothing from" in str(said.get(timeout=WAIT_S))
    (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
    with watched(running.folder) as (watching, said):
        assert "pricing is not what its file says already" in str(said.get(timeout=WAIT_S))
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "4"))
        assert watching.next(WAIT_S).modules == ("pricing",)


def test_a_script_that_runs_as_main_takes_a_restart(services: Services) -> None:
    """It is said, and does not hold up what is saved with it."""
    running = services.threaded("shop", SHOP)
    with watched(running.folder) as (watching, said):
        script = running.folder / "serve.py"
        script.write_text(script.read_text() + "# edited\n")
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
        assert "serve.py: it runs as __main__, which takes a restart" in str(said.get(timeout=WAIT_S))
        assert watching.next(WAIT_S).verdict is Verdict.LIVE


def test_no_processor_time_between_saves(services: Services) -> None:
    """The watch sleeps until the kernel wakes it: its thread does not run once."""
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's; what watchfiles does elsewhere wakes up now and then")
    running = services.threaded("shop", SHOP)
    source = (
        "import sys, threading, time, livecode\n"
        "watch = livecode.watch(sys.argv[1], livecode.attach('shop'))\n"
        "thread = next(t for t in threading.enumerate() if t.name.startswith('livecode-watch'))\n"
        "def switches():\n"
        "    with open(f'/proc/self/task/{thread.native_id}/status') as file:\n"
        "        return [line for line in file if 'ctxt_switches' in line]\n"
        "time.sleep(0.5)\nbefore = switches()\ntime.sleep(2)\nprint(before == switches())\nwatch.stop()\n"
    )
    told, wrong = services.script(source, str(running.folder)).communicate(timeout=WAIT_S)
    assert (told, wrong) == ("True\n", "")


# ── in the terminal ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_lines_to_a_file(services: Services) -> None:
    """What is watched, what became of saves, and the end; SIGTERM ends it as Ctrl-C does."""
    running = services.threaded("shop", SHOP)
    process = services.program([sys.executable, "-c", RUN, "watch", "shop", str(running.folder), "--filter", "p*.py"])
    assert process.stdout is not None
    assert "what is saved goes live in shop  1 file by events" in process.stdout.readline()
    (running.folder / "routes.py").write_text(ROUTES.replace("1", "2"))
    (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
    assert process.stdout.readline().startswith("✔ LIVE  pricing  v1 → v2")
    process.send_signal(signal.SIGTERM)
    told, wrong = process.communicate(timeout=WAIT_S)
    assert "○ STOPPED" in told
    assert "1 live, 0 failed" in told
    assert (process.returncode, wrong) == (0, "")
    assert running.get("routes.route(1)") == "4"


def test_the_command_prints_json(services: Services) -> None:
    """One object a line, each with its event."""
    running = services.threaded("shop", SHOP)
    command = [sys.executable, "-c", RUN, "watch", "shop", str(running.folder), "--json", "--poll", "0.05"]
    process = services.program(command)
    assert process.stdout is not None
    begun = json.loads(process.stdout.readline())
    assert (begun["event"], begun["state"]["means"], begun["state"]["files"]) == ("watching", "polling", 4)
    (running.folder / "pricing.py").write_text("def quote(x):\n    return (\n")
    pushed = json.loads(process.stdout.readline())
    assert (pushed["event"], pushed["report"]["verdict"]) == ("push", "NOT SENT")
    state = json.loads(process.stdout.readline())
    assert (state["event"], state["state"]["behind"][0]["modules"]) == ("state", ["pricing"])
    (running.folder / "new.py").write_text("x = 1\n")
    assert "new.py: not loaded" in json.loads(process.stdout.readline())["text"]
    process.send_signal(signal.SIGINT)
    told, wrong = process.communicate(timeout=WAIT_S)
    assert [json.loads(line)["event"] for line in told.splitlines()][-1] == "stopped"
    assert (process.returncode, wrong) == (0, "")


def test_the_terminal_shows_what_differs_until_it_is_repaired(services: Services) -> None:
    """Below what scrolls, in the status line; Ctrl-C ends it."""
    running = services.threaded("shop", SHOP)
    command = [sys.executable, "-c", RUN, "watch", "shop", str(running.folder)]
    ours, theirs = pty.openpty()
    environment = services.environment(COLUMNS="200", TERM="xterm")
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        shown_until(ours, "WATCHING")
        (running.folder / "pricing.py").write_text("def quote(x):\n    return (\n")
        text = shown_until(ours, "pricing differs from what runs: syntax error, line 2")
        assert "NOT SENT" in text
        (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
        text = shown_until(ours, "1 live, 1 failed")
        assert "differs" not in text.rpartition("WATCHING")[2]
        process.send_signal(signal.SIGINT)
        shown_until(ours, "STOPPED")
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def shown_until(terminal: int, wanted: str) -> str:
    """All that a terminal shows until that is in it."""
    text, end = "", time.monotonic() + WAIT_S
    while wanted not in text:
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 0.5)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


MISUSE = [
    (("nobody", "."), "no service named 'nobody' is listening"),
    (("shop", "/missing"), "/missing does not exist"),
    (("shop", "/"), "root of the file system"),
    (("shop", ".", "--filter", "!"), "glob such as"),
    (("shop", ".", "--poll", "0"), "cannot be the time between two looks"),
]


def test_misuse_is_said(services: Services) -> None:
    """Exit code 2, and nothing is watched."""
    running = services.threaded("shop", SHOP)
    started = [services.program([sys.executable, "-c", RUN, "watch", *arguments]) for arguments, _ in MISUSE]
    answers = [process.communicate(timeout=WAIT_S) for process in started]
    for process, (told, wrong), (_, said) in zip(started, answers, MISUSE, strict=True):
        assert (process.returncode, told) == (2, "")
        assert said in wrong
    assert running.get("pricing.quote(1)") == "2"


# ── from inside ──────────────────────────────────────────────────────────────────────────────────────────────────

STARTS: dict[str, Callable[[Services], RunningService]] = {
    "fork": lambda services: services.children("shop", WATCHING, "fork", 3),
    "gunicorn preload": lambda services: services.gunicorn("shop", WATCHING, "--preload", "--workers", "4"),
    "uvicorn": lambda services: services.uvicorn("shop", WATCHING, "--workers", "4"),
}
WORKERS = 4


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_service_that_watches_itself(services: Services, start: Callable[[Services], RunningService]) -> None:
    """Every worker changes by one push of one of them; when that one is killed, another one goes on."""
    running = start(services)
    wait_until(lambda: len(attach("shop").workers()) >= WORKERS, "all workers listen", running)
    service = attach("shop")
    saved = PRICING.replace("2", "3")
    wait_until(lambda: watcher(services) in pids(service), "one of them watches", running)
    (running.folder / "pricing.py").write_text(saved)
    wait_until(everywhere(service, "pricing", saved), "all of them run what was saved", running)
    assert [[(m.module, m.version) for m in push.modules] for push in pushes_of(service.log())] == [[("pricing", 2)]]
    first = watcher(services)
    if first == running.pid:
        return  # the program itself: with it ends the service
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: watcher(services) in pids(service) - {first}, "another one watches", running)
    wait_until(lambda: first not in pids(service), "the killed one is gone", running)
    saved = PRICING.replace("2", "4")
    (running.folder / "pricing.py").write_text(saved)
    wait_until(everywhere(service, "pricing", saved), "all of them run what was saved then", running)


INSIDE = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
import livecode
livecode.listen("shop")
import pricing
before = set(threading.enumerate())
watch = livecode.watch(sys.argv[1])
print("watching", flush=True)
sys.stdin.readline()
watch.stop()
until = time.monotonic() + 20
while set(threading.enumerate()) - before and time.monotonic() < until:  # the door sees its guest leave
    time.sleep(0.01)
print(sorted(thread.name for thread in set(threading.enumerate()) - before), flush=True)
"""


def test_inside_a_service_stop_leaves_no_thread(services: Services) -> None:
    """Nor a line to its doors, nor the threads that asked its workers; what is proposed can be typed in a terminal."""
    running = services.threaded("shop", SHOP)
    process = services.script(INSIDE, str(running.folder))
    assert process.stdout is not None
    assert process.stdout.readline() == "watching\n"
    wait_until(lambda: len(attach("shop").workers()) == 2, "both listen", running)
    (running.folder / "pricing.py").write_text(PRICING.replace("2", "3"))
    line = process.stdout.readline()
    assert line.startswith("✔ LIVE  pricing")
    assert line.endswith("undo: livecode undo shop\n")
    told, wrong = process.communicate("\n", timeout=WAIT_S)
    assert (told.splitlines()[-1], wrong) == ("[]", "")


def watcher(services: Services) -> int:
    """Who holds the lock of the watch, as the file says."""
    texts = [file.read_text() for file in services.doors.glob("*.watch")]
    return int(texts[0]) if texts and texts[0].strip() else 0


def pids(service: Service) -> set[int]:
    """The process ids of the workers."""
    return {worker.pid for worker in service.workers()}
