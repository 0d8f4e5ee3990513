"""What an agent wants changed, as sources: whole ones, edits of what runs, unloads.

Whatever stands in a source is data: nothing here follows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import unified_diff
from typing import Any

from livecode.errors import UsageError
from livecode.fleet.service import Service
from livecode.model.nouns import ModuleSource, ProcessStatus, checksum

MAX_MODULES = 20
MAX_DIFF_CHARACTERS = 60_000
MAX_SOURCE_CHARACTERS = 4 << 20
ORIGIN = "agent"
"""Where such a source was written, for people."""


def wanted_sources(changes: Sequence[Mapping[str, Any]], running: Mapping[str, str | None]) -> tuple[ModuleSource, ...]:
    """The sources that are to run.

    Args:
        changes: ``{"module": …}`` with one of ``source``, ``edits`` and ``unload``, each.
        running: What runs of these modules.

    Raises:
        UsageError: A change says nothing, or two things, or an edit does not fit; or it is too much.
    """
    items = tuple(_wanted(change, running[change["module"]]) for change in changes)
    if (size := sum(len(item.source or "") for item in items)) > MAX_SOURCE_CHARACTERS:
        raise UsageError(f"these sources have {size} characters: at most {MAX_SOURCE_CHARACTERS} go in one change")
    return items


def named_modules(changes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The modules that are named, each once.

    Raises:
        UsageError: One is named twice, or there are too many, or none.
    """
    names = tuple(str(change["module"]) for change in changes)
    if not names or len(names) > MAX_MODULES:
        raise UsageError(f"a change is of 1 to {MAX_MODULES} modules, and this one names {len(names)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{', '.join(twice)} is named twice: put all edits of a module into one entry")
    return names


def bases_of(modules: Iterable[str], service: Service) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Module → checksums of what the workers run of it; empty text where one has not loaded it."""
    answered = [status for status in service.peek() if status.modules or not status.busy]
    return tuple((module, _digests(module, answered, service)) for module in modules)


def diff_text(before: Mapping[str, str | None], items: Iterable[ModuleSource]) -> str:
    """From what runs to what shall run, as a unified diff."""
    return "".join(_module_diff(item, before.get(item.module)) for item in items)


def limited(text: str, limit: int, what: str) -> str:
    """The text, or its beginning and how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit} more characters of {what} are not shown\n"


def _wanted(change: Mapping[str, Any], running: str | None) -> ModuleSource:
    module = str(change["module"])
    said = [key for key in ("source", "edits", "unload") if change.get(key)]
    if "source" in change and change["source"] == "":
        said.append("source")
    if len(said) != 1:
        raise UsageError(f"{module}: give one of source (all of it), edits (of what runs) or unload: true, not {said}")
    if change.get("unload"):
        return ModuleSource(module, None)
    if "edits" not in change:
        return ModuleSource(module, str(change["source"]), ORIGIN)
    if running is None:
        raise UsageError(f"{module} is not loaded from source, so there is nothing to edit: give its whole source")
    for number, edit in enumerate(change["edits"], 1):
        running = _edited(running, str(edit["old"]), str(edit["new"]), f"{module}, edit {number}")
    return ModuleSource(module, running, ORIGIN)


def _edited(source: str, old: str, new: str, where: str) -> str:
    """The source with one passage replaced.

    Raises:
        UsageError: The passage is not there, or not once.
    """
    found = source.count(old) if old else 0
    if found == 1:
        return source.replace(old, new)
    if not old:
        raise UsageError(f"{where}: old is empty; give the text that is to be replaced")
    if not found:
        raise UsageError(f"{where}: its old text is not in the source that runs: call read_source, and copy it exactly")
    raise UsageError(f"{where}: its old text is there {found} times: give more of the lines around it")


def _digests(module: str, statuses: Sequence[ProcessStatus], service: Service) -> tuple[str, ...]:
    known = [next((m.checksum for m in status.modules if m.module == module), None) for status in statuses]
    digests = {digest for digest in known if digest is not None}
    if None in known:  # not loaded there, or of a package that is not looked at in a status
        source = service.source(module)
        digests.add("" if source is None or digests else checksum(source))
    return tuple(sorted(digests))


def _module_diff(item: ModuleSource, before: str | None) -> str:
    name = item.module
    old, new = (f"{name} (runs)" if before is not None else "/dev/null"), f"{name} (wanted)"
    if item.source is None:
        return f"--- {old}\n+++ /dev/null\n{name} is unloaded\n"
    lines = unified_diff(_lines(before or ""), _lines(item.source), old, new)
    return "".join(lines)


def _lines(source: str) -> list[str]:
    lines = source.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end\n"
    return lines
