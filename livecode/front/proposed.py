"""The next commands that are proposed in a terminal, and in the log of a service."""

from __future__ import annotations

import shlex

from livecode.fleet.store import without_password
from livecode.model.sheet import Commands


def commands(name: str, store: str = "") -> Commands:
    """The next commands that are proposed, for this service as it was typed."""
    name, more = shlex.quote(name), "".join(f" {word}" for word in store_words(store))
    return Commands(
        undo=f"livecode undo {name}{more}",
        status=f"livecode status {name}{more}",
        unload=f"livecode unload {name}{more} {{}}",
        rerun=f"livecode push {name}{more} --rerun {{}}",
        drop=f"livecode drop {name}{more} {{}}",
        diff=f"livecode diff {name}{more} {{}}",
        save=f"livecode save {name}{more} {{}}",
    )


def store_words(store: str) -> list[str]:
    """The store as it can be typed again, without its password."""
    return ["--store", shlex.quote(without_password(store))] if store else []
