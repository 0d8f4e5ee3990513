"""`livecode run`: programs, unchanged, whose processes listen; what is misuse of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import livecode
from livecode.fleet.discovery import look
from livecode.model.report import Verdict
from livecode.program.name import name_of_file, name_of_module
from livecode.program.start import FIRST_BYTES, Wish, program_of, python_flags, read, shebang
from tests.services import RunningService, Services, free_port, wait_until

RUN = [sys.executable, "-m", "livecode", "run"]
WORKERS = 2
OLD = "import os\ndef quote():\n    return os.getpid(), 'old'\n"
ANSWERS = """
import os, pricing
def answer(): return repr(pricing.quote()).encode()
"""
WSGI = "from answers import answer\ndef app(environ, start):\n    start('200 OK', [])\n    return [answer()]\n"
ASGI = """
from answers import answer
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = answer()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""
CHILDREN = """
import multiprocessing, os, signal, sys, time
import pricing
def work():
    import answers
    os.write(1, b"%d\\n" % pricing.quote()[0])
    signal.pause()
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    children = [context.Process(target=work, daemon=True) for _ in range(2)]
    for child in children: child.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()
"""
FILES = {"pricing.py": OLD, "answers.py": ANSWERS, "wsgi.py": WSGI, "asgi.py": ASGI, "children.py": CHILDREN}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Where doors are; ends what was started."""
    with Services(tmp_path) as started:
        yield started


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a program, called shop."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, source in FILES.items():
        (folder / name).write_text(source)
    return folder


SERVERS: Mapping[str, list[str]] = {
    "uvicorn": ["-m", "uvicorn", "asgi:app", "--log-level", "warning", "--workers", str(WORKERS), "--port"],
    "gunicorn": ["gunicorn", "wsgi:app", "--no-control-socket", "--workers", str(WORKERS), "--bind"],
    "gunicorn preload": ["gunicorn", "wsgi:app", "--no-control-socket", "-w", str(WORKERS), "--preload", "--bind"],
    "granian": ["-m", "granian", "--interface", "asgi", "--no-log", "asgi:app", "--workers", str(WORKERS), "--port"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_each_worker_of_a_server_listens_and_its_main_process_does_not(
    services: Services, shop: Path, server: str
) -> None:
    """Every process that serves takes pushes, under the name of the folder; the one that starts them has no door."""
    words = SERVERS[server]
    if words[-1] == "--bind" and not (Path(sys.executable).parent / "gunicorn").exists():
        pytest.skip("there is no gunicorn beside this Python: pip install gunicorn")
    if server == "granian":
        pytest.importorskip("granian", reason="pip install granian")
    port = free_port()
    running = started(services, [*RUN, *words, f"127.0.0.1:{port}" if words[-1] == "--bind" else str(port)], shop, port)
    wait_until(lambda: len(look("shop").workers) == WORKERS, "all workers listen", running)
    assert running.pid not in {each.worker.pid for each in look("shop").workers}
    report = livecode.attach("shop").push({"pricing": OLD.replace("old", "new")})
    assert (report.verdict, report.workers) == (Verdict.LIVE, WORKERS), str(report)
    assert running.get("").endswith("'new')")
    assert running.stop() in (0, -signal.SIGTERM)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_listen(services: Services, shop: Path, method: str) -> None:
    """However multiprocessing starts a child, it listens, and its modules take pushes."""
    process = services.program([*RUN, str(shop / "children.py"), method])
    assert process.stdout is not None
    try:
        pids = {int(process.stdout.readline()) for _ in range(WORKERS)}
        wait_until(lambda: len(look("children").workers) == 1 + WORKERS, "parent and children listen")
        assert {each.worker.pid for each in look("children").workers} == {process.pid, *pids}
        report = livecode.attach("children").push({"pricing": OLD.replace("old", "new")})
        assert report.verdict is Verdict.LIVE, str(report)
    finally:
        process.terminate()
        process.communicate(timeout=60)


STARTS = """
import os, subprocess, sys
if len(sys.argv) == 1:
    import json
    given = {name: os.environ.get(name) for name in ("LIVECODE_RUN", "PYTHONPATH")}
    print(json.dumps([os.getpid(), given, sys.path]), flush=True)
    program = {"module": ["-m", "starts", "child"], "script": [__file__, "child"]}[os.environ["HOW"]]
    sys.exit(subprocess.run([sys.executable, *program], env={**os.environ, "MINE": "1"}).returncode)
import json, pricing
print(json.dumps([os.getpid(), sys.argv[1:], sys.path, __file__]), flush=True)
sys.stdin.readline()
sys.exit(7)
"""
"""A program that starts itself anew, as reloaders do."""


@pytest.mark.parametrize("how", ["module", "script"])
@pytest.mark.parametrize("asked", [True, False])
def test_what_is_started_by_subprocess_listens_if_asked(services: Services, shop: Path, asked: bool, how: str) -> None:
    """It runs as it would; its modules take pushes; without --children, nothing of livecode reaches it."""
    (shop / "starts.py").write_text(STARTS)
    words = [*RUN, *(["--children"] * asked), str(shop / "starts.py")]
    environment = services.environment(HOW=how)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(words, env=environment, cwd=shop, text=True, **pipes)  # type: ignore[call-overload]
    try:
        parent, given, path = json.loads(process.stdout.readline())
        child, arguments, child_path, file = json.loads(process.stdout.readline())
        assert (arguments, os.path.realpath(file)) == (["child"], os.path.realpath(shop / "starts.py"))
        assert not any("livecode/program" in each for each in (*path, *child_path))
        wait_until(lambda: parent in {each.worker.pid for each in look("starts").workers}, "the program listens")
        assert {each.worker.pid for each in look("starts").workers} == ({parent, child} if asked else {parent})
        if asked:
            report = livecode.attach("starts").push({"pricing": OLD.replace("old", "new")})
            assert (report.verdict, report.workers) == (Verdict.LIVE, 2), str(report)
        else:
            assert given == {"LIVECODE_RUN": None, "PYTHONPATH": environment["PYTHONPATH"]}
    finally:
        _, wrong = process.communicate("\n", timeout=60)
    assert (process.returncode, wrong) == (7, "")


def test_a_child_of_another_python_runs_all_the_same(services: Services, shop: Path) -> None:
    """One of another Python: nothing of livecode is even imported there."""
    (shop / "other.py").write_text(
        "import os, subprocess, sys\n"
        "told = os.environ['LIVECODE_RUN'].replace(str(sys.hexversion), '1')\n"
        "code = 'import sys; print(\"livecode\" in sys.modules)'\n"
        "subprocess.run([sys.executable, '-c', code], env={**os.environ, 'LIVECODE_RUN': told})\n"
    )
    done = finished(services, [*RUN, "--children", "other.py"], shop)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_children_of_multiprocessing_begin_once(services: Services, shop: Path) -> None:
    """They inherit the environment, too, and so do the helpers of multiprocessing, which are no workers."""
    process = services.program([*RUN, "--children", str(shop / "children.py"), "forkserver"])
    assert process.stdout is not None
    try:
        pids = {int(process.stdout.readline()) for _ in range(WORKERS)}
        wait_until(lambda: len(look("children").workers) == 1 + WORKERS, "parent and children listen")
        assert {each.worker.pid for each in look("children").workers} == {process.pid, *pids}
    finally:
        process.terminate()
        process.communicate(timeout=60)


PROGRAMS = {
    "-m shop.jobs a": ("shop.jobs", ""),
    "-O -mshop": ("shop", ""),
    "-W error /srv/shop/app.py -m x": ("", "/srv/shop"),
    "-c pass": ("", ""),
    "-": ("", ""),
    "": ("", ""),
}


@pytest.mark.parametrize("words", PROGRAMS)
def test_what_a_python_runs(words: str) -> None:
    """The module is left to runpy, the folder of a script is tracked."""
    assert program_of(["python", *words.split()]) == PROGRAMS[words]


def test_what_is_saved_goes_live_if_asked(services: Services, shop: Path) -> None:
    """With --watch, a save under that folder is live, and what is said of it is on standard error."""
    (shop / "loop.py").write_text(
        "import pricing, sys, time\n"
        "print('ready', flush=True)\n"
        "while pricing.quote()[1] == 'old': time.sleep(0.01)\n"
        "print(pricing.quote()[1], flush=True)\n"
        "input()\n"
    )
    command = [*RUN, "--name", "watched", "--watch", str(shop), str(shop / "loop.py")]
    process = services.program(command)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "ready\n"
    (shop / "pricing.py").write_text(OLD.replace("old", "new"))
    assert process.stdout.readline() == "new\n"
    assert "LIVE  pricing" in process.stderr.readline()
    output, _ = process.communicate("\n", timeout=60)
    assert (output, process.returncode) == ("", 0)


def test_the_running_script_itself_cannot_be_pushed(services: Services, shop: Path) -> None:
    """What runs as __main__ is refused, whether it is named so or by its file."""
    (shop / "waits.py").write_text("print('ready', flush=True)\ninput()\n")
    process = services.program([*RUN, str(shop / "waits.py")])
    assert process.stdout is not None
    process.stdout.readline()
    service = livecode.attach("waits")
    for name in ("__main__", "waits"):
        report = service.push({name: "x = 1\n"})
        assert report.verdict is Verdict.REFUSED
        assert "LC502" in str(report)
    process.communicate("\n", timeout=60)


def test_no_trace_is_left(services: Services, shop: Path) -> None:
    """A program that ends leaves no file of a door behind, also where it fails."""
    (shop / "fails.py").write_text("1 / 0\n")
    process = services.program([*RUN, str(shop / "fails.py")])
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert not list(services.doors.iterdir())


MISUSE = {
    "no program": ([], "no program is given"),
    "an option of python": (["-O", "app.py"], "python -O -m livecode run"),
    "an option that is none": (["--nam", "a", "app.py"], "--nam"),
    "a name that is none": (["--name", "a b", "children.py"], "cannot be the name of a service"),
    "a name is missing": (["--name"], "requires an argument"),
    "a module is missing": (["-m"], "-m needs a module"),
    "a folder to watch that is none": (["--watch", "nowhere", "children.py"], "cannot watch 'nowhere'"),
    "a file to watch": (["--watch", "wsgi.py", "children.py"], "it is a file"),
    "a command that is no Python": (["sh"], "sh is no Python script"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_told_and_nothing_is_started(services: Services, shop: Path, case: str) -> None:
    """What cannot be meant ends with 2, and one sentence says why."""
    words, said = MISUSE[case]
    done = finished(services, [*RUN, *words], shop)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_python_that_ignores_its_environment_is_refused(services: Services, shop: Path) -> None:
    """-I, -E and -S keep livecode out of the program, so they are refused."""
    root = str(Path(livecode.__file__).parent.parent)
    words = f"import sys; sys.path.insert(0, {root!r})\nfrom livecode.__main__ import main; main()"
    done = finished(services, [sys.executable, "-E", "-c", words, "run", "wsgi.py"], shop)
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave out -I, -E and -S" in done.stderr


def test_a_door_that_cannot_be_opened_is_said_before_the_program_starts(services: Services, shop: Path) -> None:
    """Whoever asks for a door hears that there is none, instead of a program without one."""
    (shop / "says.py").write_text("print('started')\n")
    os.chmod(services.doors, 0o755)
    done = finished(services, [*RUN, "says.py"], shop)
    assert (done.returncode, done.stdout) == (1, "")
    assert "livecode: " in done.stderr and "chmod 0700" in done.stderr  # noqa: PT018
    os.chmod(services.doors, 0o700)


def test_help_is_that_of_a_command(services: Services, shop: Path) -> None:
    """`livecode run --help` explains itself, and an option after the program is the program's."""
    assert "Usage: " in finished(services, [*RUN, "--help"], shop).stdout
    (shop / "says.py").write_text("import sys; print(sys.argv[1:])\n")
    assert finished(services, [*RUN, "says.py", "--help", "--name"], shop).stdout == "['--help', '--name']\n"


WORDS = {
    ("app.py",): Wish(("app.py",), "", ()),
    ("--name", "a", "-m", "b", "--name", "c"): Wish(("-m", "b", "--name", "c"), "a", ()),
    ("--name=a", "--watch=x", "--watch", "y", "--", "b"): Wish(("b",), "a", ("x", "y")),
    ("--children", "--name", "a", "b", "--children"): Wish(("b", "--children"), "a", (), True),
    ("--children=1", "b"): None,
    ("-",): Wish(("-",), "", ()),
    ("-c1",): Wish(("-c1",), "", ()),
    ("-c",): None,
    ("--help",): None,
    ("-h",): None,
    ("--name",): None,
    (): None,
}


@pytest.mark.parametrize("words", WORDS)
def test_what_the_words_ask_for(words: tuple[str, ...]) -> None:
    """Options come before the program, and all that follows is the program's."""
    assert read(words) == WORDS[words]


FLAGS = {
    "-O -m livecode run a -B": ("run a -B", ["-O"]),
    "-OBm livecode run": ("run", ["-OB"]),
    "-W error -X dev -Wdefault -Xutf8 livecode run -O": ("run -O", ["-W", "error", "-X", "dev", "-Wdefault", "-Xutf8"]),
    "--check-hash-based-pycs never -mlivecode run": ("run", ["--check-hash-based-pycs", "never"]),
    "-uW error -c 1": ("", ["-uW", "error"]),
    "livecode run": ("run", []),
    "-m livecode": ("", []),
}


@pytest.mark.parametrize("words", FLAGS)
def test_flags_of_python_are_told_from_the_rest(words: str) -> None:
    """What Python was given before the program is given to the program's Python, too."""
    arguments, flags = FLAGS[words]
    assert python_flags(["python", *words.split()], len(arguments.split())) == flags


def test_names_of_programs(tmp_path: Path) -> None:
    """A program is called like its file or module, or like its folder where every project has one of that name."""
    assert name_of_file("jobs/nightly.py") == "nightly"
    assert name_of_file(str(tmp_path / "shop" / "app.py")) == "shop"
    assert name_of_file("a b+c.py") == "a-b-c"
    assert name_of_module("shop.api.main", "/srv/x") == "shop"
    assert name_of_module("manage", "/srv/shop") == "shop"
    assert name_of_module("pytest", "/srv/shop") == "shop"
    (tmp_path / "pytest.py").touch()
    assert name_of_module("pytest", str(tmp_path)) == "pytest"
    assert name_of_module("app", "/") == "python"


SHEBANGS = {
    "#!/usr/bin/python3.11 -sE\n": "/usr/bin/python3.11",
    "#!/usr/bin/env -S python3 -u\n": "python3",
    "#!/bin/sh\n'''exec' /a/b/bin/python3 \"$0\" \"$@\"\n' '''\n": "/a/b/bin/python3",
    "#!/bin/sh\nexec python\n": "",
    "import os\n": "",
    "#!\n": "",
    "\x7fELF" + "\0" * FIRST_BYTES: "",
}


@pytest.mark.parametrize("text", SHEBANGS)
def test_which_python_a_script_names(tmp_path: Path, text: str) -> None:
    """The first lines say with what a script runs."""
    (tmp_path / "script").write_text(text)
    assert shebang(str(tmp_path / "script")) == SHEBANGS[text]


def started(services: Services, command: list[str], folder: Path, port: int) -> RunningService:
    """A server that answers."""
    environment = services.environment(PYTHONWARNINGS="default")
    return services._run(command, folder, port, environment, "the server")


def finished(services: Services, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = services.environment(PATH=os.environ["PATH"])
    assert shutil.which("sh")
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
