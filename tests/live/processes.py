"""What a tracked process does: functions that `tests.live.forker` runs in a process of their own.

Each returns plain values; the tests say what they should be.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import linecache
import os
import py_compile
import sys
import tempfile
import threading
import time
import traceback
import types
import weakref
import zipfile
from pathlib import Path
from typing import Any

from livecode.live.process import Process, this_process
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Outcome


def tracked(files: dict[str, str]) -> tuple[Process, Path]:
    """A process that tracks a folder with these files, which is first on `sys.path`."""
    folder = Path(tempfile.mkdtemp(prefix="live"))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.path.insert(0, str(folder))
    process = this_process()
    process.track(folder)
    return process, folder


def push(process: Process, sources: dict[str, str | None], *, force: bool = False, dry_run: bool = False) -> Outcome:
    """Pushes these sources."""
    items = tuple(ModuleSource(name, source) for name, source in sources.items())
    return process.push(Push(items, author="ann@here", reason="because", force=force), dry_run=dry_run)


def summary(outcome: Outcome) -> dict[str, Any]:
    """Verdict, refusal codes and error of an outcome."""
    return {
        "verdict": outcome.verdict.value,
        "codes": [refusal.code for refusal in outcome.refusals],
        "says": [f"{refusal.what} → {refusal.way_out}" for refusal in outcome.refusals],
        "failure": outcome.failure and [outcome.failure.type, outcome.failure.module, outcome.failure.line],
        "not undone": list(outcome.not_undone),
        "warnings": list(outcome.warnings),
    }


def refused(files: dict[str, str], name: str, source: str | None, force: bool = False) -> dict[str, Any]:
    """What becomes of one push, and whether the loaded modules and `sys.meta_path` are as they were."""
    process, _ = tracked(files)
    for file in files:
        if file.endswith(".py"):
            importlib.import_module(file[:-3].replace("/", ".").removesuffix(".__init__"))
    before = {key: id(module) for key, module in sys.modules.items()}, list(sys.meta_path)
    said = summary(push(process, {name: source}, force=force))
    after = {key: id(sys.modules[key]) for key in before[0] if key in sys.modules}, list(sys.meta_path)
    said["unchanged"] = before == after and name not in set(sys.modules) - set(before[0])
    return said


def script_of_its_own() -> dict[str, Any]:
    """A push of the module that runs as `__main__`."""
    process, folder = tracked({"shop.py": "x = 1\n"})
    sys.modules["__main__"].__file__ = str(folder / "shop.py")
    sys.modules["__main__"].__spec__ = None
    return summary(push(process, {"shop": "x = 2\n"}))


def new_module() -> dict[str, Any]:
    """A module without a file, in a package that has one."""
    process, _ = tracked({"shop/__init__.py": "NAME = 'shop'\n"})
    import shop

    source = '"""Vouchers."""\n\ndef voucher(code):\n    return 1 / code\n'
    outcome = push(process, {"shop.promo": source})
    promo = importlib.import_module("shop.promo")
    try:
        promo.voucher(0)
        trace = ""
    except ZeroDivisionError:
        trace = traceback.format_exc()
    return {
        "verdict": outcome.verdict.value,
        "versions": [outcome.modules[0].before, outcome.modules[0].after],
        "attribute": shop.promo is promo,
        "spec": [promo.__spec__.name, promo.__spec__.origin, promo.__spec__.parent],
        "get_source": promo.__loader__.get_source("shop.promo") == source,
        "getsource": inspect.getsource(promo.voucher),
        "doc": promo.__doc__,
        "trace": trace,
        "disk": process.status().modules[-1].disk.value,
    }


def new_package() -> dict[str, Any]:
    """A package and its submodule, both without files, in one push; then the file-less package is unloaded."""
    process, _ = tracked({})
    first = push(process, {"extra": "from extra.deep import VALUE\n", "extra.deep": "VALUE = 41\n"})
    extra: Any = importlib.import_module("extra")
    value = extra.VALUE
    second = push(process, {"extra.deep": "VALUE = 42\n"})
    third = push(process, {"extra": None}, force=True)
    gone = not any(name.partition(".")[0] == "extra" for name in sys.modules)
    try:
        importlib.import_module("extra")
        importable = True
    except ModuleNotFoundError:
        importable = False
    finders = [type(finder).__name__ for finder in sys.meta_path]
    return {
        "verdicts": [first.verdict.value, second.verdict.value, third.verdict.value],
        "values": [value, extra.VALUE],
        "gone": gone,
        "importable": importable,
        "finder": "PushedFinder" in finders,
    }


def failing_new_module() -> dict[str, Any]:
    """A new module that raises takes the changes of the others back and leaves no trace."""
    process, _ = tracked({"a.py": "X = 1\n"})
    import a  # type: ignore[import-not-found]

    def known() -> tuple[set[str], list[Any]]:
        foreign = {name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names}
        return foreign, list(sys.meta_path)

    before = known()
    outcome = push(process, {"a": "X = 2\n", "b": "Y = 1\nraise OSError('no')\n"})
    after = known()
    again = push(process, {"a": "X = 3\n", "b": "Y = 2\n"})
    return {"first": summary(outcome), "unchanged": before == after, "then": again.verdict.value, "x": a.X}


def unloading() -> dict[str, Any]:
    """A module with a file is unloaded while one of its functions is held; then that is let go."""
    process, _ = tracked({"shop/__init__.py": "", "shop/old.py": "def f():\n    return 1\nclass C: pass\n"})
    import shop
    import shop.old  # type: ignore[import-not-found]

    held = [shop.old.f]
    file = shop.old.__file__
    linecache.getlines(file)
    user = sys.modules["__main__"].__dict__
    user["taken"] = shop.old.f
    refusal = summary(push(process, {"shop.old": None}))
    del user["taken"]
    outcome = push(process, {"shop.old": None})
    states = [process.status().modules[-1].held]
    works = held[0]()
    out = "shop.old" not in sys.modules and not hasattr(shop, "old") and file not in linecache.cache
    held.clear()
    gc.collect()
    states.append(process.status().modules[-1].held)
    again = importlib.import_module("shop.old")
    return {
        "refusal": refusal,
        "verdict": outcome.verdict.value,
        "versions": [outcome.modules[0].before, outcome.modules[0].after],
        "works": works,
        "out": out,
        "states": states,
        "again": again.f(),
    }


def undo_chain() -> list[Any]:
    """Undo of an undo goes further back; the history tells all of it."""
    process, _ = tracked({"m.py": "X = 1\n"})
    import m  # type: ignore[import-not-found]

    push(process, {"m": "X = 2\n"})
    push(process, {"m": "X = 3\n"})
    seen = []
    for _ in range(2):
        target = process.history("m").undo_target()
        assert target is not None
        process.push(Push((ModuleSource("m", target.source),), reason=f"undo to v{target.number}"))
        seen.append(m.X)
    return [*seen, [version.restores for version in process.history("m").versions], process.history("m").undo_target()]


def same_source() -> dict[str, Any]:
    """The same source again is not compiled."""
    process, _ = tracked({"m.py": "X = 1\n"})
    import m

    compiled = []
    sys.addaudithook(lambda event, args: compiled.append(args[1]) if event == "compile" else None)
    outcome = push(process, {"m": "X = 1\n"})
    return {"verdict": outcome.verdict.value, "compiled": compiled, "x": m.X}


def drift() -> dict[str, Any]:
    """A file that changed between its import and the tracking is not believed."""
    folder = Path(tempfile.mkdtemp(prefix="live"))
    (folder / "m.py").write_text("def f():\n    return 1\n")
    sys.path.insert(0, str(folder))
    import m

    (folder / "m.py").write_text("def f():\n    return 2\n")
    this_process().track(folder)
    said = summary(push(this_process(), {"m": "def f():\n    return 3\n"}))
    return {**said, "runs": m.f()}


def imported_before() -> dict[str, Any]:
    """A module that was imported before the tracking, from a file that is still the same, can be pushed."""
    folder = Path(tempfile.mkdtemp(prefix="live"))
    (folder / "m.py").write_text("def f():\n    return 1\n")
    sys.path.insert(0, str(folder))
    import m

    this_process().track(folder)
    return {**summary(push(this_process(), {"m": "def f():\n    return 3\n"})), "runs": m.f()}


def lingering_name() -> dict[str, Any]:
    """A name that goes away while a call is inside old code that still reads it."""
    process, _ = tracked({"m.py": "import time\nRATE = 1\ndef slow(go):\n    go.wait(10)\n    return RATE\n"})
    import m

    go, got = threading.Event(), []
    thread = threading.Thread(target=lambda: got.append(m.slow(go)))
    thread.start()
    while not any(
        frame.f_code.co_name == "slow" for frame in sys._current_frames().values() for frame in _stack(frame)
    ):
        time.sleep(0.001)
    outcome = push(process, {"m": "import time\ndef slow(go):\n    go.wait(10)\n    return 2\n"})
    inside = list(outcome.modules[0].still_old)
    there = hasattr(m, "RATE")
    go.set()
    thread.join()
    status = process.status().modules[0]
    said = {**summary(outcome), "got": got, "there": there, "inside": inside}
    return {**said, "gone": not hasattr(m, "RATE"), "still": list(status.still_old)}


def _stack(frame: Any) -> list[Any]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def mixed_generations() -> dict[str, Any]:
    """Threads call two functions of one module in a loop, under forced switching, while versions go back and forth."""
    old = "RATE = 1\ndef a(x):\n    return RATE\ndef b(x, y=1):\n    return y\n"
    new = "RATE = 2\nTAX = 2\ndef a(x):\n    return RATE * TAX // 2\ndef b(x, y=2):\n    return TAX\n"
    process, _ = tracked({"m.py": old + "def both():\n    return a(0), b(0)\n"})
    import m

    sys.setswitchinterval(1e-6)
    mixed: dict[str, int] = {}
    stop, calls = threading.Event(), [0]

    def hammer() -> None:
        while not stop.is_set():
            try:
                seen = [m.RATE, m.__dict__.get("TAX", 1)]
                calls[0] += 1
                if sys.getswitchinterval() and seen[0] != seen[1] and m.__dict__.get("TAX", 1) == m.RATE:
                    continue  # the two reads themselves were apart
            except BaseException as error:
                mixed[repr(error)] = mixed.get(repr(error), 0) + 1
            try:
                m.both()
            except BaseException as error:
                mixed[repr(error)] = mixed.get(repr(error), 0) + 1

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    tail = "def both():\n    return a(0), b(0)\n"
    verdicts = {push(process, {"m": (new if n % 2 == 0 else old) + tail}).verdict.value for n in range(200)}
    stop.set()
    for thread in threads:
        thread.join()
    return {"verdicts": sorted(verdicts), "errors": mixed, "called": calls[0] > 1000}


def on_the_loop() -> dict[str, Any]:
    """With an event loop in the main thread, what a push shows becomes visible between two callbacks."""
    process, _ = tracked({"m.py": "import threading\ndef f():\n    return 1\n"})
    import m

    from livecode.live import safepoint

    where: list[str] = []
    original = safepoint._Turn.take

    def noted(turn: Any) -> None:
        where.append(threading.current_thread().name)
        original(turn)

    safepoint._Turn.take = noted  # type: ignore[method-assign]

    async def serve() -> str:
        source = "import threading\ndef f():\n    return 2\n"
        outcome = await asyncio.to_thread(push, process, {"m": source})
        return outcome.verdict.value

    verdict = asyncio.run(serve())
    return {"verdict": verdict, "value": m.f(), "where": where}


def busy_loop() -> dict[str, Any]:
    """An event loop that does not come round in time does not stop a push."""
    process, _ = tracked({"m.py": "def f():\n    return 1\n"})
    import m

    from livecode.live import safepoint

    safepoint.LOOP_PATIENCE_S = 0.05
    done: list[str] = []

    async def serve() -> None:
        thread = threading.Thread(
            target=lambda: done.append(push(process, {"m": "def f():\n    return 2\n"}).verdict.value)
        )
        thread.start()
        while thread.is_alive():  # never awaits
            time.sleep(0.001)

    asyncio.run(serve())
    return {"verdict": done, "value": m.f()}


def two_pushes() -> dict[str, Any]:
    """A second push while one is under way."""
    from livecode.live import process as module

    module.LOCK_PATIENCE_S = 0.05
    process, _ = tracked({"m.py": "X = 1\n"})
    import m

    m.go, m.inside = threading.Event(), threading.Event()
    first: list[Outcome] = []
    slow = "X = 2\ninside.set()\ngo.wait(10)\n"
    thread = threading.Thread(target=lambda: first.append(push(process, {"m": slow})))
    thread.start()
    m.inside.wait(10)
    second = summary(push(process, {"m": "X = 3\n"}))
    busy = process.status().busy
    m.go.set()
    thread.join()
    return {"second": second, "busy": busy, "first": first[0].verdict.value, "x": m.X}


def push_after_a_look() -> str:
    """The verdict of a push while a dry run takes longer than a push is waited for."""
    from livecode.live import process as module

    module.LOCK_PATIENCE_S = 0.05
    process, _ = tracked({"m.py": "X = 1\n"})
    import m  # noqa: F401

    inside, carry_out = threading.Event(), process._carry_out

    def slowly(push: Push, *, dry_run: bool) -> Outcome:
        if dry_run:
            inside.set()
            time.sleep(0.3)
        return carry_out(push, dry_run=dry_run)

    process._carry_out = slowly  # type: ignore[method-assign]
    looks = threading.Thread(target=lambda: push(process, {"m": "X = 2\n"}, dry_run=True))
    looks.start()
    inside.wait(10)
    verdict = push(process, {"m": "X = 3\n"}).verdict.value
    looks.join()
    return verdict


def kept_statement() -> list[Any]:
    """`# livecode: keep` keeps a value whatever it reads."""
    process, _ = tracked({"m.py": "RATE = 1\nTABLE = [RATE]  # livecode: keep\nOTHER = [RATE]\n"})
    import m

    push(process, {"m": "RATE = 2\nTABLE = [RATE]  # livecode: keep\nOTHER = [RATE]\n"})
    return [m.RATE, m.TABLE, m.OTHER]


def effects() -> dict[str, Any]:
    """A push that starts a thread and registers an exit handler before it fails."""
    process, _ = tracked({"m.py": "X = 1\n"})
    import m  # noqa: F401

    source = (
        "import atexit, threading\n"
        "X = 2\n"
        "threading.Thread(target=threading.Event().wait, name='fx-poll', daemon=True).start()\n"
        "atexit.register(print)\n"
        "1 / 0\n"
    )
    return summary(push(process, {"m": source}))


def not_an_exception() -> dict[str, Any]:
    """A source that exits, or is interrupted, does not end the service."""
    process, _ = tracked({"m.py": "X = 1\n"})
    import m

    said = [summary(push(process, {"m": f"X = 2\nraise {kind}\n"})) for kind in ("SystemExit(3)", "KeyboardInterrupt")]
    return {"said": said, "x": m.X}


def loaded_natively() -> dict[str, Any]:
    """A C extension cannot be pushed."""
    process, _ = tracked({})
    native = next(
        name
        for name, module in list(sys.modules.items())
        if str(getattr(module, "__file__", "")).endswith(".so") and name.isidentifier()
    )
    return summary(push(process, {native: "x = 1\n"}, force=True))


def forked_during_push() -> list[str]:
    """A child that is forked in the middle of a push can be pushed to."""
    process, _ = tracked({"m.py": "X = 1\n"})
    import m  # noqa: F401

    read, write = os.pipe()
    process._lock.acquire()
    pid = os.fork()
    if pid == 0:
        os.write(write, push(process, {"m": "X = 2\n"}).verdict.value.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    process._lock.release()
    return [os.read(read, 100).decode(), push(process, {"m": "X = 3\n"}).verdict.value]


def memory_after(pushes: int) -> dict[str, int]:
    """Objects and source lines held before and after many pushes."""
    process, _ = tracked({"m.py": "def f():\n    return 0\n"})
    import m

    def many(start: int, stop: int) -> None:
        for number in range(start, stop):
            push(process, {"m": f"def f():\n    return {number}\n"})

    many(1, 100)
    gc.collect()
    before = len(gc.get_objects()), len(linecache.cache)
    many(100, 100 + pushes)
    gc.collect()
    after = len(gc.get_objects()), len(linecache.cache)
    return {"objects": after[0] - before[0], "lines": after[1] - before[1], "value": m.f()}


def global_statement() -> dict[str, Any]:
    """A `global` at module level, in order and out of order."""
    process, _ = tracked({"m.py": "global x\nx = 1\n"})
    import m

    good = summary(push(process, {"m": "global x\nx = 2\n"}))
    value = m.x
    bad = summary(push(process, {"m": "x = 3\nglobal x\n"}))
    return {"good": good["verdict"], "value": value, "bad": bad["verdict"], "failure": bad["failure"], "then": m.x}


def package_unloaded() -> dict[str, Any]:
    """A package is unloaded with a module in it, of which nothing is held."""
    process, _ = tracked({"pkg/__init__.py": "", "pkg/sub.py": "def f():\n    return 1\n"})
    importlib.import_module("pkg.sub")
    push(process, {"pkg.sub": "def f():\n    return 2\n"})
    alive = weakref.ref(sys.modules["pkg.sub"])
    outcome = push(process, {"pkg": None})
    gc.collect()
    changes = [[change.name, change.detail] for change in outcome.modules[0].changes]
    versions = [version.source for version in process.history("pkg.sub").versions]
    return {"verdict": outcome.verdict.value, "changes": changes, "alive": alive() is not None, "versions": versions}


def late_statement() -> list[str]:
    """A value that is made by a method of a class which changes in the same push."""
    source = "RATE = {}\nclass Builder:\n    def build(self):\n        return RATE{}\nTABLE = Builder().build()\n"
    process, _ = tracked({"m.py": source.format(1, "")})
    import m

    outcome = push(process, {"m": source.format(2, " * 2")})
    return [*outcome.warnings, str(m.TABLE)]


def without_source() -> dict[str, str]:
    """What is said of modules that have no source file, by how they came to be."""
    process, folder = tracked({"plain.py": "x = 1\n", "space/x.py": "x = 1\n"})
    py_compile.compile(str(folder / "plain.py"), cfile=str(folder / "bare.pyc"))
    archive = folder / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped.py", "x = 1\n")
    sys.path.insert(0, str(archive))
    sys.modules["made"] = types.ModuleType("made")
    for name in ("bare", "space", "zipped"):
        importlib.import_module(name)
    outcomes = {name: push(process, {name: "x = 2\n"}) for name in ("bare", "space", "zipped", "made", "builtins")}
    return {name: f"{outcome.refusals[0].code} {outcome.refusals[0].what}" for name, outcome in outcomes.items()}
