"""Everything of a process that a kernel could change; runs in the service. `take()` is a dict of plain values."""

from __future__ import annotations

import asyncio
import atexit
import builtins
import gc
import getpass
import json
import locale
import logging
import os
import pdb
import signal
import sys
import threading
import time
import warnings
from pathlib import Path


def text() -> str:
    """The same as JSON."""
    return json.dumps(take())


def take() -> dict[str, object]:
    """The process as it is now."""
    gc.collect()
    return {
        "signals": {int(number): repr(signal.getsignal(number)) for number in signal.valid_signals()},
        "wakeup_fd": _wakeup_fd(),
        "streams": {name: _identity(getattr(sys, name)) for name in ("stdin", "stdout", "stderr")},
        "original_streams": {name: _identity(getattr(sys, name)) for name in ("__stdin__", "__stdout__", "__stderr__")},
        "hooks": {name: _identity(getattr(sys, name)) for name in HOOKS},
        "threading.excepthook": _identity(threading.excepthook),
        "traces": [repr(sys.gettrace()), repr(sys.getprofile()), repr(threading._trace_hook)],  # type: ignore[attr-defined]
        "last": {name: repr(getattr(sys, name, None)) for name in ("last_type", "last_value", "last_exc")},
        "prompts": [getattr(sys, name, None) for name in ("ps1", "ps2", "ps3")],
        "builtins": {name: _identity(value) for name, value in vars(builtins).items() if name != "_"},
        "__main__": _identity(sys.modules["__main__"]),
        "names of __main__": sorted(vars(sys.modules["__main__"])),
        "namespaces": sorted(name for name in sys.modules if name.startswith("__livecode")),
        "environment": dict(os.environ),
        "atexit": sorted(getattr(call, "__qualname__", repr(call)) for call in REGISTERED),
        "loggers": _loggers(),
        "warnings": [repr(entry) for entry in warnings.filters],
        "showwarning": _identity(warnings.showwarning),
        "policy": repr(asyncio.events._event_loop_policy.__class__.__name__),  # type: ignore[attr-defined]
        "descriptors": _descriptors(),
        "threads": sorted(thread.name for thread in threading.enumerate() if not _serves(thread.name)),
        "sys.path": list(sys.path),
        "path_hooks": [repr(hook) for hook in sys.path_hooks],
        "meta_path": [_identity(finder) for finder in sys.meta_path],
        "cwd": os.getcwd(),
        "umask": _umask(),
        "home": sorted(str(path) for path in Path.home().rglob("*")),
        "switchinterval": round(sys.getswitchinterval(), 6),
        "recursionlimit": sys.getrecursionlimit(),
        "functions": [_identity(call) for call in (time.sleep, getpass.getpass, pdb.set_trace, os.fork, print, open)],
        "locale": locale.setlocale(locale.LC_ALL),
        "gc": [gc.isenabled(), gc.get_threshold(), len(gc.callbacks)],
        "instances": _instances(),
        "comm": _comm(),
    }


REGISTERED: list[object] = []
"""What is registered to be called at exit since this was imported: `atexit` itself does not tell."""
_register, _unregister = atexit.register, atexit.unregister


def register(call: object, *arguments: object, **options: object) -> object:
    """As `atexit.register`."""
    REGISTERED.append(call)
    return _register(call, *arguments, **options)  # type: ignore[arg-type]


def unregister(call: object) -> None:
    """As `atexit.unregister`."""
    REGISTERED[:] = [found for found in REGISTERED if found != call]
    _unregister(call)  # type: ignore[arg-type]


atexit.register, atexit.unregister = register, unregister  # type: ignore[assignment]

HOOKS = ("displayhook", "excepthook", "breakpointhook", "unraisablehook", "__displayhook__", "__excepthook__")


def _identity(value: object) -> str:
    return f"{type(value).__name__} at {id(value):x}"


def _wakeup_fd() -> int:
    if threading.current_thread() is not threading.main_thread():
        return -1
    found = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(found)
    return found


def _loggers() -> dict[str, object]:
    known = {"root": logging.root, **logging.root.manager.loggerDict}
    return {
        name: (logger.level, [_identity(handler) for handler in logger.handlers], logger.propagate)
        for name, logger in known.items()
        if isinstance(logger, logging.Logger) and (logger.handlers or logger.level or not logger.propagate)
    }


def _descriptors() -> list[str]:
    found = []
    for number in os.listdir("/dev/fd"):
        try:
            found.append(os.readlink(f"/dev/fd/{number}").split(":")[0])
        except OSError:  # the one that listed them
            continue
    return sorted(name for name in found if not name.startswith("/proc") and "libffi" not in name)  # ctypes holds that


def _serves(name: str) -> bool:
    return name == "livecode-guest" or "process_request_thread" in name


def _umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def _instances() -> list[str]:
    shells = sys.modules.get("IPython.core.interactiveshell")
    kernels = sys.modules.get("ipykernel.kernelbase")
    kinds = [getattr(shells, "InteractiveShell", None), getattr(kernels, "Kernel", None)]
    return [repr(getattr(kind, "_instance", None)) for kind in kinds]


def _comm() -> list[str]:
    comm = sys.modules.get("comm")
    return [f"{f.__module__}.{f.__qualname__}" for f in (comm.create_comm, comm.get_comm_manager)] if comm else []
