"""`livecode mcp`, as an agent meets it: the official client, a real process, a real service with several workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from click.testing import CliRunner

from livecode.fleet.service import attach
from livecode.front.cli import livecode
from livecode.model.nouns import checksum
from tests.front.agents import MAIN, NEW, OLD, TWICE, Agent, command, connected_agent, person, shop, talk
from tests.services import Services, wait_until

READING = ["list_services", "read_source", "dry_run", "status", "log_since"]
ALL = ["list_services", "read_source", "dry_run", "push", "status", "log_since", "undo"]
MAY_PUSH = ("--allow-push",)

Ask = Callable[[Callable[[Agent], Awaitable[Any]]], Any]


def runs(name: str = "shop") -> set[str]:
    """The checksums of the module in all workers."""
    return {m.checksum for status in attach(name).status() for m in status.modules if m.module == "pricing"}


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service that is only looked at, for several tests."""
    with pytest.MonkeyPatch.context() as patch, Services(tmp_path_factory.mktemp("reading")) as services:
        shop(services, patch, "read")
        yield services


@pytest.fixture(scope="module")
def agent(reading: Services) -> Any:
    """One that only looks, connected."""
    with connected_agent(reading) as ask:
        yield ask


@pytest.mark.parametrize(("mode", "options", "names"), [("legacy", (), READING), ("auto", MAY_PUSH, ALL)])
def test_tools(reading: Services, mode: str, options: tuple[str, ...], names: list[str]) -> None:
    """Those that change something are offered only if the command line says so, and say what they are."""

    async def look(agent: Agent) -> Any:
        return (await agent.client.list_tools()).tools, agent.client.instructions

    tools, instructions = talk(reading, look, *options, mode=mode)
    assert [tool.name for tool in tools] == names
    assert "never instructions" in (instructions or "")
    for tool in tools:
        changes = tool.name in ("push", "undo")
        hints = tool.annotations
        assert (hints.read_only_hint, hints.destructive_hint) == (not changes, changes)
        assert hints.idempotent_hint is (tool.name != "undo")
        assert tool.title
        assert len(tool.description) > 50
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"


def test_looking(agent: Ask) -> None:
    """Services, status, sources with ranges of lines, the log: as text, and as data that fits the schemas."""

    async def look(agent: Agent) -> None:
        listed = await agent.call("list_services")
        (told,) = listed.data["services"]
        assert (told["service"], told["workers"], told["agents"], told["may_push"]) == ("shop", 3, "read", False)
        assert "shop: 3 workers on" in listed.text
        status = await agent.call("status", service="shop", modules=["pricing"])
        (row,) = status.data["modules"]
        assert (row["module"], row["version"], row["on_disk"], len(row["workers"])) == ("pricing", 1, "same", 3)
        assert len(status.data["workers"]) == 3
        assert "● STATUS  shop  3 workers" in status.text
        assert "answering" not in status.text
        whole = await agent.call("read_source", module="pricing")
        assert (whole.data["source"], whole.data["checksum"]) == (OLD, checksum(OLD))
        assert OLD in whole.text
        part = await agent.call("read_source", module="pricing", first_line=4, last_line=99)
        assert part.data["source"] == "def quote():\n    return RATE\n"
        assert (part.data["first_line"], part.data["last_line"], part.data["total_lines"]) == (4, 5, 5)
        log = await agent.call("log_since", generation=0)
        assert (log.data["pushes"], log.data["more"]) == ([], False)

    agent(look)


def test_resources(agent: Ask) -> None:
    """Every running source is a resource, too; one that is none is an error that says how they are called."""

    async def look(agent: Agent) -> None:
        listed = (await agent.client.list_resources()).resources
        assert "livecode:///shop/pricing" in [resource.uri for resource in listed]
        (template,) = (await agent.client.list_resource_templates()).resource_templates
        assert template.uri_template == "livecode:///{service}/{module}"
        (read,) = (await agent.client.read_resource("livecode:///shop/pricing")).contents
        assert (read.text, read.mime_type) == (OLD, "text/x-python")  # type: ignore[union-attr]
        for uri, why in (("livecode:///shop/nope", "nope is not loaded"), ("file:///etc/passwd", "no resource here")):
            with pytest.raises(Exception, match=why):
                await agent.client.read_resource(uri)

    agent(look)


NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("status", {"service": "nobody"}, "no service named 'nobody' is listening; listening now: shop"),
    ("status", {"service": "ssh://host/shop"}, "no service named 'ssh://host/shop' is listening"),
    ("status", {"service": "../../etc"}, "listening now: shop"),
    ("read_source", {"module": "nope"}, "nope is not loaded from source in shop"),
    ("read_source", {"module": "pricing", "version": 9}, "no v9 of pricing is remembered"),
    ("read_source", {"module": "pricing", "first_line": 50}, "pricing has 5 lines"),
    ("read_source", {}, "the arguments: 'module' is missing"),
    ("read_source", {"module": 3}, "/module: expected text, got a whole number"),
    ("dry_run", {"changes": []}, "/changes: expected at least 1 entries, got 0"),
    ("dry_run", {"changes": [{"module": "pricing"}]}, "give one of source"),
    ("dry_run", {"changes": [{"module": "pricing", "source": "", "unload": True}]}, "give one of source"),
    ("dry_run", {"changes": [*TWICE, *TWICE]}, "pricing is named twice"),
    (
        "dry_run",
        {"changes": [{"module": f"m{n}", "source": ""} for n in range(21)]},
        "/changes: expected at most 20 entries, got 21",
    ),
    ("dry_run", {"changes": [{"module": "no", "edits": [{"old": "a", "new": "b"}]}]}, "nothing to edit"),
    ("dry_run", {"changes": [{"module": "pricing", "edits": [{"old": "RATE", "new": "b"}]}]}, "is there 2 times"),
    ("dry_run", {"changes": [{"module": "pricing", "edits": [{"old": "TAX", "new": "b"}]}]}, "copy it exactly"),
    ("dry_run", {"changes": [{"module": "pricing", "edits": [{"old": "", "new": "b"}]}]}, "old is empty"),
    ("dry_run", {"changes": [{"module": "a b", "source": ""}]}, "LC501"),
    ("push", {"reason": "x", "changes": TWICE}, "there is no tool 'push' here; there are: list_services"),
    ("log_since", {"generation": -1}, "/generation: expected at least 0, got -1"),
    ("status", {"nonsense": 1}, "'nonsense' is not known here; known are: service, modules"),
]


def test_what_cannot_be_meant(agent: Ask) -> None:
    """It is an error of the tool, in livecode's words, or a refusal; nothing is changed."""

    async def ask(agent: Agent) -> None:
        for tool, arguments, why in NONSENSE:
            said = await agent.call(tool, **arguments)
            assert said.failed or said.data["verdict"] == "REFUSED", (tool, arguments)
            assert why in said.text
            assert "Traceback" not in said.text

    agent(ask)


def test_a_dry_run_says_all(agent: Ask, reading: Services) -> None:
    """Plan, diff, hash and what stands in the way; what would be refused or does not compile is an answer, too."""

    async def look(agent: Agent) -> None:
        ready = await agent.dry_run()
        assert (ready.data["verdict"], ready.data["ok"], ready.failed) == ("READY", True, False)
        assert "-    return RATE\n+    return RATE * 2\n" in ready.data["diff"]
        assert ready.data["diff"] in ready.text
        assert [c["name"] for m in ready.data["modules"] for c in m["changes"] if c["kind"] == "changed"] == ["quote()"]
        assert len(ready.data["diff_hash"]) == 32
        assert "started without --allow-push" in ready.data["next"]
        assert ready.data["approve_command"] is None
        same = await agent.dry_run([{"module": "pricing", "source": OLD}])
        assert (same.data["verdict"], same.data["diff_hash"], same.data["diff"]) == ("SAME", None, "")
        broken = await agent.dry_run([{"module": "pricing", "source": "def quote(:\n"}])
        assert (broken.data["verdict"], broken.data["diff_hash"]) == ("NOT SENT", None)
        assert broken.data["failure"]["line"] == 1
        refused = await agent.dry_run([{"module": "json", "source": "x = 1\n"}])
        assert (refused.data["verdict"], refused.data["diff_hash"]) == ("REFUSED", None)
        assert {r["code"] for r in refused.data["refusals"]} == {"LC504"}

    agent(look)
    assert not (reading.doors / "agents").exists()


def test_the_whole_way(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dry run, a push that nobody approved, a person's approval, the push, the log, an undo that is approved, too."""
    running = shop(services, monkeypatch, "approved")

    async def way(agent: Agent) -> None:
        planned = await agent.dry_run(reason="quotes are too low")
        digest, approve = planned.data["diff_hash"], planned.data["approve_command"]
        assert approve == f"livecode approve shop {digest}"
        assert approve in planned.text
        early = await agent.call("push", diff_hash=digest, reason="quotes are too low")
        assert early.failed
        assert f"no person approved it; a person can approve it: {approve}" in early.text
        direct = await agent.call("push", changes=TWICE, reason="quotes are too low")
        assert (direct.failed, direct.data["approve_command"]) == (True, approve)
        assert runs() == {checksum(OLD)}

        code, seen = await asyncio.to_thread(person, services, "shop")
        assert code == 0
        assert f"allow it: {approve}" in seen
        assert runs() == {checksum(OLD)}
        code, seen = await asyncio.to_thread(person, services, "shop", digest)
        assert code == 0, seen
        assert "asked by agent via mcp (bot 1.5), " in seen
        assert ": quotes are too low" in seen
        assert "\x1b[32m+    return RATE * 2" in seen
        assert "READY" in seen
        assert "APPROVED  pricing  for bot 1.5  once" in seen

        live = await agent.call("push", diff_hash=digest, reason="quotes are too low")
        assert (live.failed, live.data["verdict"]) == (False, "LIVE"), live.text
        assert live.text.startswith("✔ LIVE  pricing  v1 → v2")
        assert runs() == {checksum(NEW)}
        assert running.get("pricing.quote()") == "2"
        again = await agent.call("push", diff_hash=digest, reason="again")
        assert again.failed
        assert "changed in shop since the dry run" in again.text

        log = await agent.call("log_since", generation=0)
        (pushed,) = log.data["pushes"]
        assert pushed["author"].startswith("agent via mcp (bot 1.5), ")
        assert (pushed["reason"], pushed["live"]) == ("quotes are too low", True)
        since = await agent.call("log_since", generation=live.data["generation"])
        assert since.data["pushes"] == []

        asked = await agent.call("undo", reason="customers complain")
        assert asked.failed
        assert runs() == {checksum(NEW)}
        code, seen = await asyncio.to_thread(person, services, "shop", asked.data["diff_hash"])
        assert code == 0, seen
        assert "PROPOSAL  undo pricing" in seen
        undone = await agent.call("undo", reason="customers complain")
        assert (undone.failed, undone.data["verdict"]) == (False, "LIVE"), undone.text
        assert runs() == {checksum(OLD)}
        once = await agent.call("push", diff_hash=digest, reason="and again")
        assert "its approval was used already, and is good for one push" in once.text
        assert runs() == {checksum(OLD)}

    talk(services, way, *MAY_PUSH)


def test_what_is_no_approval(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged hash, one of something else, an expired one, one on a base that has changed: nothing is pushed."""
    shop(services, monkeypatch, "push")

    async def way(agent: Agent) -> None:
        digest = (await agent.dry_run()).data["diff_hash"]
        forged = digest[:-1] + ("0" if digest[-1] != "0" else "1")
        for hash_, why in ((forged, "there is no proposal"), ("../../../etc/passwd", "is not the hash of a change")):
            said = await agent.call("push", diff_hash=hash_, reason="x")
            assert (said.failed, why in said.text) == (True, True), said.text
        allowed = services.doors / "agents" / f"{digest}.approved"
        assert (await asyncio.to_thread(person, services, "shop", digest))[0] == 0
        assert allowed.stat().st_mode & 0o777 == 0o600
        plain = json.loads(allowed.read_text())
        allowed.write_text(json.dumps({**plain, "until": time.time() - 1}))
        late = await agent.call("push", diff_hash=digest, reason="x")
        assert (late.failed, "its approval has expired" in late.text) == (True, True), late.text

        assert (await asyncio.to_thread(person, services, "shop", digest))[0] == 0
        ann = attach("shop")
        assert ann.push({"pricing": OLD + "# ann's\n"}, author="ann").ok
        moved = await agent.call("push", diff_hash=digest, reason="x")
        assert (moved.failed, "pricing changed in shop since the dry run" in moved.text) == (True, True), moved.text
        code, seen = await asyncio.to_thread(person, services, "shop", digest)
        assert (code, "changed in shop since the agent looked" in seen) == (1, True), seen
        assert ann.undo("pricing").ok
        back = await agent.call("push", diff_hash=digest, reason="x")
        assert (back.failed, "no person approved it" in back.text) == (True, True), back.text

        assert (await asyncio.to_thread(person, services, "shop", digest))[0] == 0
        code, seen = await asyncio.to_thread(person, services, "shop", digest, "--revoke")
        assert (code, "REVOKED" in seen) == (0, True)
        revoked = await agent.call("push", diff_hash=digest, reason="x")
        assert (revoked.failed, "no person approved it" in revoked.text) == (True, True), revoked.text

    talk(services, way, *MAY_PUSH, "--approved-only")
    assert runs() == {checksum(OLD)}


def test_approving_is_for_a_person(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal, for another service, or for one that would not take it, nothing is approved."""
    shop(services, monkeypatch, "push")
    shop(services, monkeypatch, "read", "desk")
    digest = talk(services, lambda agent: agent.dry_run(service="shop"), *MAY_PUSH).data["diff_hash"]

    def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", MAIN, "approve", *arguments]
        return subprocess.run(words, capture_output=True, text=True, env=services.environment(), check=False)

    piped = typed("shop", digest)
    assert piped.returncode == 1
    assert "for a person at a terminal" in piped.stderr
    assert [each["hash"] for each in json.loads(typed("shop", "--json").stdout)] == [digest]
    assert "NOTHING TO APPROVE" in typed("desk").stdout
    assert typed("shop", "--revoke").returncode == 2
    for arguments, why in ((("desk", digest), "is a change of shop"), (("shop", "f" * 32), "there is no proposal")):
        code, seen = person(services, *arguments)
        assert (code, why in seen) == (2, True), seen
    assert not list((services.doors / "agents").glob("*.approved"))


@pytest.mark.parametrize("access", ["none", "read"])
def test_a_service_that_does_not_let_agents_push(
    services: Services, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    """Whatever the command line says: the service decides. One that lets nobody in is listed, and says so."""
    shop(services, monkeypatch, access)

    async def way(agent: Agent) -> None:
        (told,) = (await agent.call("list_services")).data["services"]
        assert (told["agents"], told["may_push"]) == (access, False)
        for tool, more in (("push", {"changes": TWICE}), ("undo", {})):
            said = await agent.call(tool, reason="x", **more)
            assert said.failed
            assert ("lets no agent in" if access == "none" else "lets agents read only") in said.text
            assert "livecode.listen('shop', agents=" in said.text
        looked = await agent.call("read_source", module="pricing")
        assert looked.failed is (access == "none")
        planned = await agent.dry_run()
        assert planned.failed is (access == "none")
        assert access == "none" or "lets agents read only" in planned.data["next"]

    talk(services, way, *MAY_PUSH)
    assert runs() == {checksum(OLD)}


def test_pushing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is an error with the report, and the old code runs; with --service, there is no other service."""
    shop(services, monkeypatch, "push")
    other = shop(services, monkeypatch, "push", "desk")

    async def way(agent: Agent) -> None:
        unclear = await agent.call("push", changes=TWICE, reason="x")
        assert (unclear.failed, "listening now: desk, shop" in unclear.text) == (True, True), unclear.text
        both = await agent.call("push", service="shop", changes=TWICE, diff_hash="f" * 32, reason="x")
        assert (both.failed, "either the diff_hash of a dry run, or changes" in both.text) == (True, True)
        bad = await agent.call(
            "push", service="shop", changes=[{"module": "pricing", "source": OLD + "1 / 0\n"}], reason="x"
        )
        assert (bad.failed, bad.data["verdict"]) == (True, "ROLLED BACK"), bad.text
        assert bad.data["failure"]["type"] == "ZeroDivisionError"
        broken = await agent.call(
            "push", service="shop", changes=[{"module": "pricing", "source": "def (:"}], reason="x"
        )
        assert (broken.failed, broken.data["verdict"]) == (True, "NOT SENT"), broken.text
        assert runs() == {checksum(OLD)}
        planned = await agent.dry_run(service="shop")
        assert "call push with diff_hash" in planned.data["next"]
        elsewhere = await agent.call("push", service="desk", diff_hash=planned.data["diff_hash"], reason="x")
        assert (elsewhere.failed, "is the hash of a push to shop" in elsewhere.text) == (True, True)
        live = await agent.call("push", service="shop", diff_hash=planned.data["diff_hash"], reason="x")
        assert (live.failed, live.data["verdict"]) == (False, "LIVE"), live.text
        undone = await agent.call("undo", service="shop", modules=["pricing"], to_version=1, reason="x")
        assert (undone.failed, undone.data["verdict"]) == (False, "LIVE"), undone.text

    async def narrowed(agent: Agent) -> None:
        assert [s["service"] for s in (await agent.call("list_services")).data["services"]] == ["shop"]
        assert (await agent.call("read_source", module="pricing")).data["source"] == OLD
        for name in ("desk", str(other.pid)):
            said = await agent.call("read_source", service=name, module="pricing")
            assert (said.failed, "listening now: shop" in said.text) == (True, True), said.text

    talk(services, way, *MAY_PUSH)
    assert runs() == runs("desk") == {checksum(OLD)}
    talk(services, narrowed, "--service", "shop")


def test_a_worker_is_killed_meanwhile(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between dry run and push one worker goes: it is live on the others. When all go, that is an error."""
    running = shop(services, monkeypatch, "push")

    async def way(agent: Agent) -> None:
        planned = await agent.dry_run()
        doomed = next(worker for worker in planned.data["workers"] if worker["pid"] != running.pid)
        os.kill(doomed["pid"], signal.SIGKILL)
        live = await agent.call("push", diff_hash=planned.data["diff_hash"], reason="x")
        assert (live.failed, live.data["verdict"], len(live.data["workers"])) == (False, "LIVE", 2), live.text
        for worker in live.data["workers"]:
            os.kill(worker["pid"], signal.SIGKILL)
        wait_until(lambda: running.process.poll() is not None, "the service is gone")
        gone = await agent.call("status", service="shop")
        assert (gone.failed, "no service named 'shop' is listening" in gone.text) == (True, True), gone.text

    talk(services, way, *MAY_PUSH)


def test_progress_and_cancellation(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary is told of while it runs; who cancels it has it taken back."""
    shop(services, monkeypatch, "push")

    async def way(agent: Agent) -> None:
        digest = (await agent.dry_run()).data["diff_hash"]
        told: list[str] = []
        begun = asyncio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            told.append(message or "")
            begun.set()

        arguments = {"diff_hash": digest, "reason": "x", "canary": "1", "canary_seconds": 50}
        push = asyncio.create_task(
            agent.client.call_tool("push", arguments, progress_callback=on_progress)  # type: ignore[arg-type]
        )
        await asyncio.wait_for(begun.wait(), 30)
        await asyncio.to_thread(wait_until, lambda: len(runs()) == 2, "the canary runs")
        push.cancel()
        await asyncio.wait([push])
        assert "PUSHING  pricing" in told[0]
        while not (pushes := (await agent.call("log_since")).data["pushes"]) or " now" in pushes[0]["outcome"]:
            await asyncio.sleep(0.1)
        (pushed,) = pushes
        assert (pushed["live"], "taken back: the canary was interrupted" in pushed["outcome"]) == (False, True), pushed

    talk(services, way, *MAY_PUSH)
    wait_until(lambda: runs() == {checksum(OLD)}, "all run the old code")


def exchange(services: Services, lines: list[bytes], *options: str, main: str = MAIN) -> tuple[int, bytes, bytes]:
    """Exit code and output of a server that is sent these lines and then nothing more."""
    words = command(*options, main=main)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    server = subprocess.Popen(words, env=services.environment(), **pipes)  # type: ignore[call-overload]
    answered: list[bytes] = []
    reader = threading.Thread(target=lambda: answered.extend(server.stdout))
    reader.start()
    wanted = sum(b'"id"' in line for line in lines)
    server.stdin.write(b"".join(lines))
    server.stdin.flush()
    wait_until(lambda: sum(b'"result"' in line for line in answered) >= wanted, f"{wanted} answers")
    server.stdin.close()
    code = server.wait(timeout=30)
    reader.join()
    with server.stderr, server.stdout:
        return code, b"".join(answered), server.stderr.read()


def message(method: str, number: int | None = None, **params: Any) -> bytes:
    """One line of the protocol."""
    more = {} if number is None else {"id": number}
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode() + b"\n"


HELLO = message(
    "initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "raw\x1b[31m", "version": "0"}
)
READY = message("notifications/initialized")
LIST = message("tools/call", 2, name="list_services", arguments={})


def test_garbage_on_standard_input(reading: Services) -> None:
    """Whatever comes, the server goes on; its output is the protocol and nothing else."""
    garbage = [b"hello\n", b"\xff\xfe\x00\n", b"[" * 10_000 + b"\n", b'{"jsonrpc": "2.0"}\n', b"x" * 1_000_000 + b"\n"]
    code, printed, errors = exchange(reading, [HELLO, READY, *garbage, LIST])
    assert code == 0, errors
    answers = [json.loads(line) for line in printed.splitlines()]
    assert [a["id"] for a in answers if "result" in a] == [1, 2]
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    assert b"Traceback" not in errors


def test_a_stray_print_breaks_nothing(reading: Services) -> None:
    """What code prints while a tool works, by whatever means, is not taken for the protocol."""
    main = (
        "import os, subprocess, sys\n"
        "from livecode.front.agents import looking\n"
        "before = looking.told_status\n"
        "def stray(*arguments):\n"
        "    print('stray print')\n"
        "    os.write(1, b'stray write\\n')\n"
        "    subprocess.run(['echo', 'stray program'])\n"
        "    return before(*arguments)\n"
        "looking.told_status = stray\n"
    ) + MAIN
    status = message("tools/call", 2, name="status", arguments={})
    code, printed, errors = exchange(reading, [HELLO, READY, status], main=main)
    assert code == 0, errors
    assert [json.loads(line)["id"] for line in printed.splitlines()] == [1, 2]
    assert all(word in errors for word in (b"stray print", b"stray write", b"stray program"))


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT])
def test_a_client_that_vanishes(services: Services, monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
    """Or a server that is told to end, in the middle of a push: it ends, and what was on trial is taken back."""
    shop(services, monkeypatch, "push")
    push = message(
        "tools/call", 2, name="push", arguments={"changes": TWICE, "reason": "x", "canary": "1", "canary_seconds": 50}
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command(*MAY_PUSH), env=services.environment(), **pipes)  # type: ignore[call-overload]
    server.stdin.write(HELLO + READY + push)
    server.stdin.flush()
    wait_until(lambda: len(runs()) == 2, "the canary runs")
    if number is None:
        server.stdin.close()
    else:
        server.send_signal(number)
    assert server.wait(timeout=30) == (0 if number is None else 128 + number)
    server.stdin.close()
    server.stdout.close()
    assert runs() == {checksum(OLD)}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--approved-only",), "it needs --allow-push"),
        (("--store", "redis://host"), "name them with --service"),
    ],
)
def test_misuse(options: tuple[str, ...], why: str) -> None:
    """What cannot be meant is said at the start, on standard error."""
    done = CliRunner().invoke(livecode, ["mcp", *options])
    assert (done.exit_code, done.stdout) == (2, "")
    assert why in done.stderr


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the pip command."""
    monkeypatch.delitem(sys.modules, "livecode.front.agents.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    done = CliRunner().invoke(livecode, ["mcp"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "livecode mcp needs mcp, which is not installed: pip install 'livecode[mcp]'" in done.stderr
