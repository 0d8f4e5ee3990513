"""What the buttons of the panel do, and what is said of it.

A person who presses a button has seen something, and means that: where it is not so any more, nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from livecode.errors import LivecodeError
from livecode.fleet.service import Service
from livecode.front.panel.look import look_at
from livecode.front.panel.plain import Look
from livecode.model.headline import version
from livecode.model.pushes import LoggedPush, module_words, outcome_words
from livecode.model.sheet import IN_NOTEBOOK, Head, Sheet, Tone
from livecode.model.wording import report_sheet

MAX_TEXT = 500


class Deed(StrEnum):
    """What a button can ask for."""

    UNDO = "undo"
    UNDO_LAST = "undo last"
    PROMOTE = "promote"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Asked:
    """One press of a button.

    Attributes:
        key: What the browser calls it, to find the answer.
        deed: What is wanted.
        module: Of which module, for an undo of one.
        seen: What the person saw: the version of the module, the generation of the last push, or that in which the
            canary's push began.
        digest: For an undo of a module, the checksum that they saw; empty if it was unloaded.
    """

    key: str
    deed: Deed
    module: str = ""
    seen: int = 0
    digest: str = ""


def read_asked(message: Mapping[str, Any]) -> Asked:
    """What a message of the browser asks for.

    Raises:
        ValueError: It asks for nothing that there is.
    """
    texts = [message.get(name, "") for name in ("key", "do", "module", "digest")]
    seen = message.get("seen", 0)
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts) or not isinstance(seen, int):
        raise ValueError(f"no request of a panel: {message!r:.200}")
    key, do, module, digest = texts
    return Asked(key, Deed(do), module, seen, digest)


def carried_out(asked: Asked, service: Service, author: str) -> Sheet:
    """What became of it, in words; what a user must expect is not raised."""
    try:
        look = look_at(service)
        if changed := _changed(asked, look):
            return _refused(asked, changed)
        match asked.deed:
            case Deed.UNDO:
                return report_sheet(service.undo(asked.module, author=author), IN_NOTEBOOK)
            case Deed.UNDO_LAST:
                return report_sheet(service.undo(author=author), IN_NOTEBOOK)
            case Deed.PROMOTE:
                return _decided(service.promote(author=author))
            case Deed.TAKE_BACK:
                return _decided(service.take_back(author=author))
    except LivecodeError as error:
        return Sheet(Head("✖", "NOT DONE", Tone.BAD, asked.module, (str(error),)))


def _changed(asked: Asked, look: Look) -> str:
    """What is not as the person saw it who asks; empty if all is."""
    match asked.deed:
        case Deed.UNDO:
            running = [m for status in look.statuses for m in status.modules if m.module == asked.module]
            if any((m.version, m.checksum) == (asked.seen, asked.digest) for m in running):
                return ""
            newest = max(running, key=lambda m: m.version, default=None)
            return f"{asked.module} is {version(newest.version) if newest else 'gone'} by now, not v{asked.seen}"
        case Deed.UNDO_LAST:
            last = look.pushes[0] if look.pushes else None
            if (last.generation if last else 0) == asked.seen:
                return ""
            return f"the last push is another one by now: {_words(last) if last else 'none'}"
        case Deed.PROMOTE | Deed.TAKE_BACK:
            on_trial = look.pushes[0] if look.pushes and look.pushes[0].is_open else None
            if on_trial is not None and on_trial.began == asked.seen:
                return ""
            return "that canary is decided already"


def _refused(asked: Asked, why: str) -> Sheet:
    return Sheet(Head("■", "REFUSED", Tone.BAD, asked.deed.value, (f"{why}: nothing was done",)))


def _decided(push: LoggedPush) -> Sheet:
    """What became of a canary that was decided here."""
    if push.live:
        return Sheet(Head("✔", "LIVE", Tone.GOOD, _words(push), (outcome_words(push),), "undo: %hotundo"))
    return Sheet(Head("▲", "UNDONE", Tone.WARN, _words(push), (outcome_words(push),)))


def _words(push: LoggedPush) -> str:
    return ", ".join(map(module_words, push.modules))
