"""What the shell is offered after Tab: names of services, modules, workers, versions.

It is fast and silent: services are read from the names of their sockets, and a worker is asked for what it runs for
a second at most (the first question makes it import what answers). Nothing is started for a service elsewhere, as ssh
might ask for a password.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import click
from click.shell_completion import CompletionItem, split_arg_string

from livecode.errors import LivecodeError
from livecode.fleet import rundir

if TYPE_CHECKING:
    from livecode.fleet.client import RemoteWorker

PATIENCE_S = 1.0
STANDARD_INPUT = "-"

T = TypeVar("T")


def service_names(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The services of this machine."""
    counts: dict[str, int] = {}
    for service, _, _ in _doors():
        counts[service] = counts.get(service, 0) + 1
    return [
        CompletionItem(name, help=f"{count} worker{'s' * (count != 1)}")
        for name, count in sorted(counts.items())
        if name.startswith(incomplete)
    ]


def module_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The modules that the service has loaded, without those that were typed already."""
    typed = ctx.params.get(parameter.name or "") or ()
    status = _asked(ctx, lambda worker: worker.status())
    if status is None:
        return []
    return [
        CompletionItem(each.module, help=f"v{each.version}")
        for each in sorted(status.modules, key=lambda each: each.module)
        if each.checksum and each.module.startswith(incomplete) and each.module not in typed
    ]


def worker_names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The workers of the service on this machine."""
    pids = sorted(pid for service, pid, _ in _doors() if service == _name(ctx))
    names = ((f"w{number}", pid) for number, pid in enumerate(pids, 1))
    return [CompletionItem(name, help=f"pid {pid}") for name, pid in names if name.startswith(incomplete)]


def version_numbers(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The versions of the one module that was typed."""
    modules = ctx.params.get("modules") or _positional(ctx)[1:]
    history = _asked(ctx, lambda worker: worker.history(modules[0])) if len(modules) == 1 else None
    if history is None:
        return []
    return [
        CompletionItem(str(each.number), help=" ".join(filter(None, (each.author, each.reason))))
        for each in reversed(history.versions)
        if str(each.number).startswith(incomplete)
    ]


def _name(ctx: click.Context) -> str:
    """The service that was typed."""
    return ctx.params.get("name") or next(iter(_positional(ctx)), "")


def _positional(ctx: click.Context) -> list[str]:
    """What was typed behind the command, without options.

    Where an option is to be completed, click gives up parsing before it comes to the arguments.
    """
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))
    behind = words[words.index(ctx.info_name or "") + 1 :] if ctx.info_name in words else []
    return [word for word in behind if not word.startswith("-")]


def _doors() -> list[tuple[str, int, str]]:
    """Service, process id and socket of each door, without knocking at any."""
    folder = rundir.directory()
    try:
        rundir.check_directory(folder)
        stems = [file.removesuffix(".sock") for file in os.listdir(folder) if file.endswith(".sock")]
    except (OSError, LivecodeError):
        return []
    found = ((rundir.split_stem(stem), os.path.join(folder, f"{stem}.sock")) for stem in stems)
    return [(door[0], door[1], path) for door, path in found if door is not None]


def _asked(ctx: click.Context, question: Callable[[RemoteWorker], T]) -> T | None:
    """The first answer of a worker of the service that was typed; None if none comes in time."""
    from livecode.fleet.client import RemoteWorker
    from livecode.model.nouns import Worker

    name = _name(ctx)
    answers: queue.SimpleQueue[T | None] = queue.SimpleQueue()

    def ask(pid: int, path: str) -> None:
        with suppress(LivecodeError, OSError):
            answers.put(question(RemoteWorker(Worker("", pid, "", ""), path, PATIENCE_S)))

    doors = [(pid, path) for service, pid, path in _doors() if name in (service, str(pid))]
    for pid, path in doors:
        threading.Thread(target=ask, args=(pid, path), daemon=True).start()
    try:
        return answers.get(timeout=PATIENCE_S) if doors else None
    except queue.Empty:
        return None
