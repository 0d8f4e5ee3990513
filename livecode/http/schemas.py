"""The schemas of what may be sent: what is published is what is enforced. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livecode.http.exchange import Problem
from livecode.model.fitting import misfit

if TYPE_CHECKING:
    from livecode.model.schema import Schema

REASON: Schema = {"type": "string", "maxLength": 2000, "description": "Why, for the log."}
DRY_RUN: Schema = {"type": "boolean", "description": "Say what would happen, touch nothing."}
FORCE: Schema = {"type": "boolean", "description": "Also what is refused for caution only."}
MODULE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\s/\\\x00-\x1f.]+(\.[^\s/\\\x00-\x1f.]+)*$",
    "description": "a dotted module name, such as `shop.pricing`",
}
MODULES: Schema = {"type": "array", "items": MODULE, "uniqueItems": True}
POLICY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "description": "How it goes to many workers: by default one tries it first, and any failure takes all back.",
    "properties": {
        "canary": {
            "type": "number",
            "minimum": 0,
            "maximum": 10000,
            "description": "How many workers run it for a time before it goes to all; a share of them if below 1.",
        },
        "canary_s": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 3600,
            "description": "How long they do, in seconds; 60 if it is left out. The request takes as long.",
        },
        "mixed": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "Why some workers may run it and others not.",
        },
    },
}

PUSH: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["modules"],
    "properties": {
        "modules": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": MODULE,
            "additionalProperties": {"type": ["string", "null"]},
            "description": "Module name → its whole new source; null unloads the module. They become live together.",
        },
        "reason": REASON,
        "dry_run": DRY_RUN,
        "force": FORCE,
        "safe_part": {"type": "boolean", "description": "Leave out what is refused, and apply the rest."},
        "rerun": {
            "type": "array",
            "items": MODULE,
            "uniqueItems": True,
            "description": "Names to make again though nothing that they read changed: `MODEL`, `shop.model.MODEL`.",
        },
        "policy": POLICY,
    },
}

RELOAD: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "modules": MODULES | {"description": "Only these, of those that are loaded; all of them if it is left out."},
        "changed_only": {
            "type": "boolean",
            "description": "Only what differs from what runs: true if it is left out. Else all, also to be checked.",
        },
        "reason": REASON,
        "dry_run": DRY_RUN,
        "force": FORCE,
        "policy": POLICY,
    },
}

UNDO: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "modules": MODULES | {"description": "Which; all that the last push changed if it is left out."},
        "to": {
            "type": "integer",
            "minimum": 0,
            "maximum": 1000000000,
            "description": "The version of the one module to go back to; the one before if it is left out.",
        },
        "now": {"type": "boolean", "description": "For emergencies: on all workers at once, nothing is taken back."},
        "reason": REASON,
        "force": FORCE,
    },
}


def check(schema: Schema, value: Any) -> None:
    """Returns if the value fits.

    Raises:
        Problem: It does not; says where and what was expected, and little of what was there.
    """
    if found := misfit(schema, value):
        where, what = found
        raise Problem(400, what, "see openapi.json for what is accepted", where or "/")


def check_module(name: str) -> None:
    """Returns if this can be the name of a module.

    Raises:
        Problem: It cannot.
    """
    if found := misfit(MODULE, name):
        raise Problem(400, found[1], "give its dotted name", "path module")
