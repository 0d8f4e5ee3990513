"""The verbs of ``import livecode`` on this process. On a service they are methods: ``livecode.attach("shop").push``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from livecode.fleet.service import here
from livecode.front import push as use_case
from livecode.model.nouns import ModuleSource
from livecode.model.report import Report

if TYPE_CHECKING:
    from livecode.front.views import StatusView
    from livecode.front.watching.watch import Watch


def push(
    sources: Mapping[str, str | None],
    *,
    author: str = "",
    reason: str = "",
    force: bool = False,
    dry_run: bool = False,
    safe_part: bool = False,
    rerun: Sequence[str] = (),
) -> Report:
    """Makes sources live in this process, together or not at all.

    Args:
        sources: Module name → its whole new source; None unloads the module.
        author: Who pushes; empty stands for user@host.
        reason: Why.
        force: Also what is refused for caution only.
        dry_run: Say what would happen, touch nothing.
        safe_part: Leave out what is refused, and apply the rest.
        rerun: Names to make again though nothing that they read changed: ``MODEL`` of the modules in `sources`, or
            ``shop.model.MODEL`` of any module.
    """
    items = tuple(ModuleSource(module, source) for module, source in sources.items())
    return use_case.push(
        use_case.PushRequest(items, author, reason, force, dry_run, safe_part, rerun=tuple(rerun)), here()
    )


def push_folder(
    folder: str | Path, *, changed_only: bool = True, author: str = "", reason: str = "", force: bool = False
) -> Report:
    """Makes all loaded modules live whose file is under `folder` and differs from what runs, as one transaction.

    Raises:
        UsageError: `folder` is not a folder.
    """
    return use_case.push_folder(folder, here(), changed_only=changed_only, author=author, reason=reason, force=force)


def unload(*modules: str, force: bool = False) -> Report:
    """Takes modules out of this process; says who still holds something of them."""
    return here().unload(*modules, force=force)


def undo(*modules: str, to: int | None = None, author: str = "", reason: str = "", force: bool = False) -> Report:
    """Brings back the sources before the last push; without modules, of all that it changed."""
    author = author or use_case.default_author()
    return here().undo(*modules, to=to, author=author, reason=reason, force=force)


def status() -> StatusView:
    """What this process runs: printable, a sequence with one ProcessStatus, `to_json()`."""
    from livecode.front.views import StatusView  # how things look is not needed for a push

    return StatusView(here().status(), time.time())


def watch(
    folder: str | Path = ".",
    target: use_case.Target | None = None,
    say: Callable[[Report | str], None] | None = None,
    *,
    only: Iterable[str] = (),
    poll_s: float | None = None,
) -> Watch:
    """Makes live what is saved under `folder`, until ``.stop()``.

    In a service, after `listen`, each worker may call it: one of them watches, pushes to all, and another one goes on
    when it ends. In any other process it is that process that changes, and with a `target` that one.

    Args:
        folder: Sources below it count, but none that is hidden, installed, or ignored by git.
        target: What is pushed to, such as ``livecode.attach("shop")``.
        say: Called with each Report, and with a sentence where there is nothing to push, in a thread of its own;
            by default they are printed.
        only: Globs as in .gitignore, relative to the folder: only what matches one counts; ``!`` excludes.
        poll_s: Seconds between two looks at the files, for file systems that do not tell of changes; None finds out.

    Raises:
        UsageError: The folder is missing, a file, the root of the file system, or holds too much.
        DoorError: The target cannot be reached.
    """
    from livecode.fleet.listen import listening
    from livecode.front.watching import watch as watching  # a service that only takes pushes goes without

    if target is None and (listener := listening()) is not None:
        from livecode.front.watching.inside import watch_own

        return watch_own(listener.name, folder, say, only, poll_s)
    return watching.watch(folder, target or here(), say, patterns=only, poll_s=poll_s)
