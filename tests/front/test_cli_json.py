"""What commands print with --json: always JSON, as its published schema says."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from livecode.front.cli import COMMANDS, livecode
from livecode.front.schemas import OUTPUTS, schema
from tests.front.typed import PRICING, printed, shop_at, typed
from tests.services import RunningService

WITHOUT = {"completion", "demo", "kernel", "mcp", "relay", "run", "schema"}
"""Commands that print nothing for programs, or nothing but JSON, or are a group."""

ANSWERS = {
    "approve": (("shop",), ""),
    "attach": (("shop",), ""),
    "diff": (("shop", "pricing_lc"), ""),
    "drop": (("shop", "no_such_lc"), ""),
    "eval": (("shop", "pricing_lc.CACHE"), ""),
    "keygen": (("ci",), ""),
    "log": (("shop",), ""),
    "ps": (("shop",), ""),
    "push": (("shop", "pricing_lc", "-"), PRICING.replace("2", "5")),
    "save": (("shop", "no_such_lc"), ""),
    "status": (("shop",), ""),
    "undo": (("shop", "pricing_lc", "--reason", "wrong"), ""),
    "unload": (("shop", "no_such_lc"), ""),
    "version": ((), ""),
}
"""Command → what is typed, and what comes in, for an answer."""
ELSEWHERE = {"watch"}
"""Commands that go on until somebody ends them."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with shop_at(tmp_path_factory.mktemp("cli")) as running:
        yield running


def valid(command: str, found: Any) -> None:
    """Pass if the output of a command is as its schema says."""
    document = schema(command)
    Draft202012Validator.check_schema(document)
    Draft202012Validator(document).validate(found)


def test_every_command_prints_json() -> None:
    """Each has --json and a schema, or says here why not."""
    for name in COMMANDS:
        command = livecode.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        has_json = any("--json" in parameter.opts for parameter in command.params)
        assert has_json or name in WITHOUT, f"{name} has no --json"
        assert (name in OUTPUTS) == (name not in WITHOUT), f"{name} --json has no schema in livecode.front.schemas"


@pytest.mark.parametrize("command", sorted(ANSWERS))
def test_answers_follow_their_schema(shop: RunningService, command: str) -> None:
    """What is printed is one JSON document, and a field that is missing would be noticed."""
    arguments, given = ANSWERS[command]
    found = printed(command, *arguments, given=given)
    valid(command, found)
    assert "error" not in found
    part = found[0] if isinstance(found, list) and found else found
    if isinstance(part, dict):
        del part[next(iter(part))]
        assert not Draft202012Validator(schema(command)).is_valid(found)


@pytest.mark.parametrize("command", sorted({*ANSWERS, *ELSEWHERE} - {"version", "keygen"}))
def test_errors_are_json(shop: RunningService, command: str) -> None:
    """Whatever ends a command, standard output is JSON with its exit code, and standard error is empty."""
    arguments, _ = ANSWERS.get(command, (("shop",), ""))
    done = typed(command, "nobody", *arguments[1:], "--json", given=PRICING)
    found = json.loads(done.stdout)
    valid(command, found)
    assert (found["error"]["kind"], found["error"]["exit_code"], done.exit_code) == ("ServiceNotFoundError", 2, 2)
    assert done.stderr == ""
    misused = typed(command, "--no-such-option", "--json")
    valid(command, json.loads(misused.stdout))
    assert (json.loads(misused.stdout)["error"]["kind"], misused.exit_code) == ("UsageError", 2)


def test_the_log_is_followed_in_the_same_shape(shop: RunningService) -> None:
    """One push alone is valid, too: that is what each line of --follow is."""
    typed("push", "shop", "pricing_lc", "-", given=PRICING.replace("2", "6"))
    valid("log", printed("log", "shop")[0])


def test_failed_pushes_follow_the_schema(shop: RunningService) -> None:
    """With refusals, failures, frames and source lines."""
    for source in ("def quote(x:\n", "1 / 0\n", "CACHE = 1\n"):
        done = typed("push", "shop", "pricing_lc", "-", "--json", given=source)
        valid("push", json.loads(done.stdout))
    valid("eval", printed("eval", "shop", "pricing_lc.no_such_name"))


def test_schemas_are_printed() -> None:
    """Of one command, or of all; of others, what there is."""
    assert json.loads(typed("schema", "status").stdout) == schema("status")
    assert set(json.loads(typed("schema").stdout)) == set(OUTPUTS)
    missed = typed("schema", "stauts")
    assert missed.exit_code == 2
    assert "Did you mean 'status'?" in missed.stderr


def test_the_page_names_every_command() -> None:
    """What is documented is what there is."""
    page = (Path(__file__).parents[2] / "notebooks" / "json.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.partition("## Schemas")[2].splitlines() if line.startswith("| `")]
    assert sorted(re.findall("`([a-z]+)`", "".join(rows))) == sorted(OUTPUTS)


def test_a_watch_follows_its_schema(shop: RunningService, tmp_path: Path) -> None:
    """Each line is an event: how it begins, a save that goes live, how it ends."""
    command = [sys.executable, "-c", "from livecode.front.cli import main; main()", "watch", "shop", str(shop.folder)]
    pipes = {"stdout": subprocess.PIPE, "text": True}
    watching = subprocess.Popen([*command, "--json"], cwd=tmp_path, env=shop.environment, **pipes)  # type: ignore[call-overload]
    assert watching.stdout is not None
    events = [json.loads(watching.stdout.readline())]
    (shop.folder / "pricing_lc.py").write_text(PRICING.replace("2", "9"))
    while events[-1]["event"] != "push":
        events.append(json.loads(watching.stdout.readline()))
    watching.send_signal(signal.SIGINT)
    events += map(json.loads, watching.communicate(timeout=20)[0].splitlines())
    for event in events:
        valid("watch", event)
    assert (events[0]["event"], events[-1]["event"]) == ("watching", "stopped")
