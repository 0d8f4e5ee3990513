"""`livecode run`: what a program prints, how it ends and what it finds is byte for byte what it is without it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.services import ROOT

TIMEOUT_S = 100
ADDRESS = re.compile(rb"0x[0-9a-f]+")
MAIN = """
import __main__, sys
facts = ("__name__", "__file__", "__package__", "__cached__", "__doc__", "__annotations__", "__builtins__")
for fact in facts:
    print(fact, repr(vars(__main__).get(fact, "none")))
spec = __main__.__spec__
print(type(__main__.__loader__), spec and (type(spec.loader), spec.name, spec.origin, spec.parent, spec.cached))
print(__main__.__dict__ is globals(), sys.modules["__main__"] is __main__, sorted(vars(__main__)))
print(sys.argv, sys.path, sys.orig_argv, sys.flags, sys.warnoptions, sys._xoptions)
"""
ENVIRONMENT = """
import os, sys
print({name: value for name, value in sorted(os.environ.items()) if name != "_"})
print(sys.modules.get("sitecustomize"), sys.path)
print([path for path in sys.path_importer_cache if os.path.basename(path) == "site"])
print(getattr(sys, "of_the_site", None))
print(os.getcwd(), sys.stdin.encoding, sys.stdout.line_buffering, sys.excepthook, sys.executable)
"""
SPAWNED = """
import multiprocessing, pickle, sys
class Item:
    def __init__(self, value): self.value = value
def work(item, answers):
    main = sys.modules["__main__"]
    answers.put((type(item).__module__, item.value, main.__name__, __name__, main.__file__, sys.argv, sys.path))
if __name__ == "__main__":
    print(pickle.loads(pickle.dumps(Item(3))).value, pickle.dumps(Item(3)))
    context = multiprocessing.get_context(sys.argv[1])
    answers = context.SimpleQueue()
    child = context.Process(target=work, args=(Item(4), answers))
    child.start()
    print(answers.get())
    child.join()
    print(child.exitcode)
"""
FAILING_CHILD = """
import multiprocessing
def work(): raise ValueError("in the child")
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start(); child.join(); print(child.exitcode)
"""
POOL = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
def double(x): return 2 * x
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        print(list(pool.map(double, range(3))))
"""
CUSTOM_FAILS = "import sys\nif sys.argv[0] == 'environment.py':\n    1 / 0\n"  # not where it is `livecode` itself
STACK = """
import inspect, sys, traceback
def f():
    traceback.print_stack()
    print(len(inspect.stack()), sys._getframe(1).f_back)
f()
"""
WAITS = (
    "import signal; signal.pthread_sigmask(0, range(1, 32)); print('ready', flush=True); input(); "
    "signal.pthread_sigmask(1, range(1, 32))"
)
"""Waits with the signals blocked, so that they arrive in one and the same place."""
FORKS = """
import os, sys
print("before", flush=True)
if os.fork() == 0:
    print("child", flush=True)
    os._exit(3)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
RUNS_ITSELF = """
import subprocess, sys
if sys.argv[-1] == "again":
    print(sys.argv, sys.orig_argv, [module for module in sys.modules if "livecode" in module])
else:
    print(subprocess.run([sys.executable, __file__, "again"], capture_output=True))
"""
PLAIN = {
    "main.py": MAIN,
    "package/__init__.py": "print('the package', __name__)",
    "package/__main__.py": MAIN,
    "package/inner.py": MAIN,
    "package/broken.py": "def f(:\n    pass\n",
    "package/fails.py": "raise LookupError('at import')",
    "imports_fails.py": "def go():\n    import package.fails\ngo()\n",
    "imports_broken.py": "import package.broken\n",
    "imports_missing.py": "import package.nothing_of_the_kind\n",
    "warns_at_import.py": "import package.old\n",
    "package/old.py": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n",
    "folder/__main__.py": MAIN,
    "empty_folder/readme.txt": "",
    "syntax.py": "print(1)\nprint(2\n",
    "indentation.py": "if True:\nprint(1)\n",
    "not_utf8.py": b"name = '\xe9'\n",
    "null.py": b"a = 1\0\n",
    "raises.py": "def f(x):\n    return 1 / x\nf(0)\n",
    "chained.py": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e\n",
    "group.py": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "recursion.py": "def f(): f()\nf()\n",
    "stack.py": STACK,
    "in_thread.py": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start(); t.join()\n",
    "hook.py": "import sys\nsys.excepthook = lambda *a: print('hook', a[0], a[2].tb_frame.f_code.co_filename)\n1/0\n",
    "atexit_order.py": "import atexit\natexit.register(print, 'first')\natexit.register(lambda: 1 / 0)\n",
    "unraisable.py": "class A:\n    def __del__(self): 1 / 0\nA()\n",
    "warns.py": "import warnings\nwarnings.warn('once', DeprecationWarning)\nwarnings.warn('user')\nx = '\\d'\n",
    "asserts.py": "assert False, 'not under -O'",
    "environment.py": ENVIRONMENT,
    "reads.py": "import sys\nprint(sys.stdin.read().upper())\n",
    "exit_int.py": "import sys; sys.exit(3)",
    "exit_str.py": "import sys; sys.exit('a word')",
    "exit_none.py": "import sys; sys.exit()",
    "exit_object.py": "import sys; sys.exit([1])",
    "exit_big.py": "import sys; sys.exit(1000)",
    "exit_negative.py": "import sys; sys.exit(-1)",
    "exit_hard.py": "import os; print('unflushed'); os._exit(7)",
    "exit_atexit.py": "import atexit, sys; atexit.register(print, 'bye'); sys.exit(4)",
    "keyboard.py": "raise KeyboardInterrupt",
    "kills.py": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "aborts.py": "import os; os.abort()",
    "dispositions.py": "import signal\nfor n in sorted(signal.valid_signals()):\n    print(n, signal.getsignal(n))\n",
    "sigwait.py": f"{WAITS.rpartition(';')[0]}\nprint(signal.sigwait({{signal.SIGTERM, signal.SIGUSR1}}))\n",
    "mask.py": "import signal\nprint(signal.pthread_sigmask(signal.SIG_BLOCK, []))\n",
    "waits.py": WAITS,
    "handles.py": f"import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n{WAITS}",
    "catches.py": f"import sys\ntry:\n    {WAITS}\nexcept KeyboardInterrupt:\n    print('caught'); sys.exit(5)\n",
    "spawns.py": SPAWNED,
    "failing_child.py": FAILING_CHILD,
    "pool.py": POOL,
    "subprocess_preexec.py": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], "
    "preexec_fn=lambda: None, capture_output=True))\n",
    "forks.py": FORKS,
    "runs_itself.py": RUNS_ITSELF,
    "executes.py": "import os, sys\nprint(1, flush=True)\nos.execv(sys.executable, [sys.executable, '-c', '1/0'])\n",
    "main_again.py": "import runpy, sys\nif __name__ == '__main__':\n    runpy.run_path(__file__, run_name='other')\n"
    "else:\n    print(__name__, sys.argv)\n",
    "asynchronous.py": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    1 / 0\nasyncio.run(f())\n",
    "logs.py": "import logging\nlogging.basicConfig(format='%(filename)s %(funcName)s %(lineno)d %(message)s')\n"
    "logging.warning('here')\n",
    "descriptors.py": "import os\nprint(os.get_inheritable(0), os.isatty(0), os.fstat(1).st_mode)\n",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One way to run one program.

    Attributes:
        words: After ``python`` or ``livecode run``.
        flags: Of Python.
        stdin: What it reads.
        signal: What it is sent after its first line.
        more: Environment variables.
    """

    words: Sequence[str]
    flags: Sequence[str] = ()
    stdin: str = ""
    signal: signal.Signals | None = None
    more: dict[str, str] = field(default_factory=dict)


SCRIPTS = [
    Run((name, "an argument", "--name", "-m"))
    for name in PLAIN
    if "/" not in name
    and name
    not in (
        "waits.py",
        "handles.py",
        "catches.py",
        "spawns.py",
        "sigwait.py",
    )
]
OTHERS = [
    Run(("-m", "package", "a", "-b")),
    Run(("-mpackage.inner", "a")),
    Run(("-m", "package.fails")),
    Run(("-m", "package.broken")),
    Run(("-m", "no_such_module")),
    Run(("-m", "main")),
    Run(("-m", "json.tool"), stdin='{"a": 1}'),
    Run(("-c", MAIN, "a")),
    Run(("-c1/0",)),
    Run(("-", "a"), stdin=MAIN),
    Run(("-",), stdin="def f():\n    1/0\nf()\n"),
    Run(("folder", "a")),
    Run(("archive.pyz", "a")),
    Run(("empty_folder",)),
    Run(("no_such_file.py", "a")),
    Run(("unreadable.py",)),
    Run(("./main.py",)),
    Run(("package/inner.py",)),
    Run(("spawns.py", "spawn")),
    Run(("spawns.py", "forkserver")),
    Run(("spawns.py", "fork")),
    Run(("-m", "spawns", "spawn")),
    Run(("waits.py",), signal=signal.SIGINT),
    Run(("waits.py",), signal=signal.SIGTERM),
    Run(("waits.py",), signal=signal.SIGHUP),
    Run(("waits.py",), signal=signal.SIGUSR1),
    Run(("catches.py",), signal=signal.SIGINT),
    Run(("handles.py",), signal=signal.SIGTERM),
    Run(("sigwait.py",), signal=signal.SIGTERM),
    Run(("sigwait.py",), signal=signal.SIGUSR1),
    Run(("main.py", "a"), flags=("-O", "-X", "utf8", "-Wdefault", "-bb")),
    Run(("asserts.py",), flags=("-OO",)),
    Run(("main.py",), flags=("-P",)),
    Run(("main.py",), flags=("-X", "dev", "-u")),
    Run(("warns.py",), flags=("-W", "error")),
    Run(("environment.py",), flags=("-B", "-s")),
    Run(("main.py",), more={"PYTHONSAFEPATH": "1"}),
    Run(("-m", "package"), more={"PYTHONSAFEPATH": "1", "PYTHONPATH": f"{ROOT}:."}),
    Run(("environment.py",), more={"PYTHONPATH": f"{ROOT}:/no/such/folder:."}),
    Run(("environment.py",), more={"PYTHONPATH": f"{ROOT}:custom", "PYTHONUNBUFFERED": "1"}),
    Run(("environment.py",), more={"PYTHONPATH": f"{ROOT}:custom_fails"}),
    Run(("main.py",), more={"LIVECODE": "0"}),
    Run(("warns.py",), more={"PYTHONWARNINGS": "error"}),
]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the programs are; their doors, too."""
    folder = Path(tempfile.mkdtemp(prefix="lc", dir="/tmp"))
    for name, source in PLAIN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    for name, source in {"custom": "import sys; sys.of_the_site = True", "custom_fails": CUSTOM_FAILS}.items():
        (folder / name).mkdir()
        (folder / name / "sitecustomize.py").write_text(source)
    with zipfile.ZipFile(folder / "archive.pyz", "w") as archive:
        archive.writestr("__main__.py", MAIN)
    (folder / "unreadable.py").symlink_to("unreadable.py")
    (folder / "doors").mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("run", [*SCRIPTS, *OTHERS], ids=lambda run: " ".join([*run.flags, *run.words, *run.more])[:60])
def test_it_is_alike(folder: Path, run: Run) -> None:
    """Output, errors and exit code of a program are the same with `livecode run` and without."""
    if run.words[0] == "forks.py" and sys.version_info[:2] == (3, 13):
        pytest.skip("Python 3.13 warns of the thread that waits at the door: it counts threads after the hooks of fork")
    plain = begun([sys.executable, *run.flags, *run.words], folder, run)
    with_it = begun([sys.executable, *run.flags, "-m", "livecode", "run", *run.words], folder, run)
    expected = ended(plain, run)
    assert ended(with_it, run) == expected


def begun(command: list[str], folder: Path, run: Run) -> subprocess.Popen[bytes]:
    given = {"PYTHONPATH": ROOT, "LIVECODE_DIR": str(folder / "doors"), "PYTHONHASHSEED": "0"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LIVECODE"))}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env={**kept, **given, **run.more}, stdin=pipe, stdout=pipe, stderr=pipe
    )


def ended(process: subprocess.Popen[bytes], run: Run) -> tuple[bytes, bytes, int]:
    """Output, errors and exit code."""
    first = b""
    if run.signal is not None:
        assert process.stdout is not None
        assert process.stdin is not None
        first = process.stdout.readline()
        process.send_signal(run.signal)
        process.stdin.write(b"\n")
    output, errors = process.communicate(run.stdin.encode(), timeout=TIMEOUT_S)
    return ADDRESS.sub(b"0x", first + output), ADDRESS.sub(b"0x", errors), process.returncode
