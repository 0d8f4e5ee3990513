"""A service on another machine, in a container, in a pod: the same verbs, the same words."""

from __future__ import annotations

import inspect
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from livecode.errors import NotAllowedError, UsageError
from livecode.fleet.remote.kept import Kept
from livecode.fleet.remote.service import RelayedService, running_at
from livecode.fleet.service import Service, attach
from livecode.front.api import watch
from livecode.model.access import Access
from livecode.model.agents import Agent
from livecode.model.log import Action
from livecode.model.report import Outcome, Report, Verdict
from tests.fleet.faults.machines import OTHER_HOST, as_other_host, quoting
from tests.fleet.remote.far import OLD, WORKERS, Far, gated, is_there, wait_for
from tests.services import wait_until

Attach = Callable[[str], Service]
WAYS = ("ssh", "docker", "kubectl")


def relay_pid(service: Service) -> int:
    """The process id of the relay that is kept for a service."""
    assert isinstance(service, RelayedService)
    return int(service.relay.connect().greeting["pid"])


@pytest.mark.parametrize("way", WAYS)
def test_the_verbs_of_a_service_elsewhere(far: Far, attached: Attach, way: str) -> None:
    """What a push, an undo, a failure, the status and the log say is what they say of a service of this machine."""
    service, arrived = attached(far.url(way)), list[Outcome]()
    assert [worker.pid for worker in service.workers()] == sorted(worker.pid for worker in far.workers)
    there = OTHER_HOST if as_other_host() else socket.gethostname()
    assert {worker.host for worker in service.workers()} == {there}
    new = quoting(f"new by {way}")
    assert service.dry_run({"pricing": new}).verdict is Verdict.READY
    report = service.push({"pricing": new}, author="ann", reason="because", on_outcome=arrived.append)
    assert (report.verdict, len(report.outcomes), report.author) == (Verdict.LIVE, WORKERS, "ann")
    assert {(outcome.worker.name, outcome.verdict) for outcome in arrived} == {
        (f"w{n}", Verdict.LIVE) for n in (1, 2, 3)
    }
    assert far.answers() == [f"new by {way}"] * WORKERS
    assert service.push({"pricing": new}).verdict is Verdict.SAME
    assert service.source("pricing") == new
    assert service.history("pricing").versions[-1].author == "ann"
    assert {module.module for status in service.status() for module in status.modules} >= {"pricing"}
    assert (service.log(1)[0].action, service.log(1)[0].reason) == (Action.PUSH, "because")
    failed = service.push({"pricing": "def quote(): return 'bad'\n1 / 0\n"})
    assert failed.verdict is Verdict.ROLLED_BACK
    assert "ZeroDivisionError" in str(failed)
    assert service.push({"pricing": "def quote(:\n"}).verdict is Verdict.NOT_SENT
    assert service.undo().verdict is Verdict.LIVE
    assert far.answers() == ["old"] * WORKERS
    assert service.drop() == ()
    assert service.canary() is None
    with pytest.raises(UsageError, match="no canary is under way"):
        service.promote()


def test_what_an_agent_may_is_decided_there(far: Far, attached: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's push, undo and questions are an agent's behind the relay, too."""
    service, agent = attached(far.url("docker")), Agent("bot")
    service.agent = "bot"
    assert {worker.agents for worker in service.workers()} == {Access.READ}
    assert service.dry_run({"pricing": quoting("new")}, agent=agent).verdict is Verdict.READY
    for report in (service.push({"pricing": quoting("new")}, agent=agent), _undone_by(agent, service)):
        assert report.verdict is Verdict.REFUSED
        assert {refusal.code for outcome in report.outcomes for refusal in outcome.refusals} == {"LC409"}
    monkeypatch.setenv("LIVECODE_AGENTS", "none")
    closed = far.machine.threaded("closed", {"pricing.py": OLD})
    behind = attached(far.url("docker", "closed"))
    assert behind.source("pricing") == OLD
    behind.agent = "bot"
    with pytest.raises(NotAllowedError, match="lets no agent in"):
        behind.source("pricing")
    closed.stop()


def _undone_by(agent: Agent, service: Service) -> Report:
    """What becomes of an agent's undo of what a person pushed."""
    assert service.push({"pricing": quoting("ann's")}, author="ann").ok
    return service.undo("pricing", agent=agent)


def test_every_verb_travels() -> None:
    """A verb that is new in a Service is carried, or made of those that are."""
    made_of_others = {"push", "dry_run", "unload", "promote", "take_back"}
    verbs = {name for name, _ in inspect.getmembers(Service, inspect.isfunction) if not name.startswith("_")}
    carried = {name for name, verb in vars(RelayedService).items() if inspect.isfunction(verb)}
    assert verbs - made_of_others == {name for name in carried if not name.startswith("_")}
    for name in verbs:
        assert inspect.signature(getattr(Service, name)) == inspect.signature(getattr(RelayedService, name)), name


def test_nothing_of_the_service_is_on_this_side(far: Far, attached: Attach) -> None:
    """Its store is where the workers are; here there is neither a file nor a socket."""
    service = attached(far.url("ssh"))
    assert service.push({"pricing": quoting("there")}).ok
    assert os.listdir(os.environ["LIVECODE_DIR"]) == []
    assert (far.machine.doors / "shop.sqlite").exists()


def test_close_leaves_nothing_behind(far: Far) -> None:
    """Neither the relay nor ssh nor a thread; the next verb gets another relay."""
    before = set(threading.enumerate())

    def names() -> set[str]:
        return {thread.name for thread in set(threading.enumerate()) - before}

    service = attach(far.url("ssh"))
    first = relay_pid(service)
    service.close()
    wait_until(lambda: not is_there(first), "the relay has ended")
    wait_until(lambda: not names() & {"livecode-link", "livecode-stderr"}, "no thread is left")
    assert len(service.workers()) == WORKERS
    assert relay_pid(service) != first
    service.close()
    service.close()


def test_a_service_that_nobody_holds_any_more_lets_its_relay_go(far: Far) -> None:
    """Whoever forgets to close leaves nothing behind either."""
    service = attach(far.url("docker"))
    pid = relay_pid(service)
    del service
    wait_until(lambda: not is_there(pid), "the relay has ended")


def test_what_listens_there(far: Far) -> None:
    """All services of a place, or one of them."""
    assert len(running_at("docker://box")) == len(running_at("kubectl://prod/pod/")) == WORKERS
    assert running_at("docker://box/other") == ()
    assert [worker.pid for worker in running_at(f"docker://box/{far.workers[0].pid}")] == [far.workers[0].pid]


def test_one_process_and_the_only_service(far: Far, attached: Attach) -> None:
    """In place of a name: a process id, or nothing."""
    alone = attached(far.url("docker", str(far.workers[0].pid)))
    assert [worker.pid for worker in alone.workers()] == [far.workers[0].pid]
    assert attached("docker://box").name == "shop"


def test_requests_of_many_threads_at_once(far: Far, attached: Attach) -> None:
    """One relay carries them; each gets its own answer."""
    service = attached(far.url("ssh"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: (service.source("pricing"), len(service.log(n + 1))), range(24)))
    assert len({source for source, _ in answers}) == 1
    assert all(count <= n + 1 for n, (_, count) in enumerate(answers))


def test_what_is_saved_here_goes_live_there(far: Far, attached: Attach, tmp_path: Path) -> None:
    """The file that is watched is a copy of the one that was loaded there."""
    (tmp_path / "pricing.py").write_text(OLD)
    with watch(tmp_path, attached(far.url("ssh"))) as watching:
        (tmp_path / "pricing.py").write_text(quoting("saved"))
        assert watching.next(30).verdict is Verdict.LIVE
    assert far.answers() == ["saved"] * WORKERS


def test_misuse_is_said_before_anything_is_sent(far: Far, attached: Attach) -> None:
    """What would be no JSON is refused with the words of a service of this machine; so is a store that is none."""
    service = attached(far.url("docker"))
    refused = service.push({"pricing": b"x"})  # type: ignore[dict-item]
    assert [refusal.code for refusal in refused.refusals] == ["LC505"]
    with pytest.raises(UsageError, match="a store"):
        attach(far.url("docker"), store="mysql://host")


def test_two_clients_at_once(far: Far, attached: Attach) -> None:
    """Who pushes what another one has pushed meanwhile is refused, and told who; the same again goes through."""
    ann, bob = attached(far.url("ssh")), attached(far.url("kubectl"))
    assert ann.push({"pricing": quoting("ann")}, author="ann").ok
    refused = bob.push({"pricing": quoting("bob")}, author="bob")
    assert (refused.verdict, [refusal.code for refusal in refused.refusals]) == (Verdict.REFUSED, ["LC407"])
    assert "ann pushed" in refused.refusals[0].what
    assert bob.push({"pricing": quoting("bob")}, author="bob").ok
    assert far.answers() == ["bob"] * WORKERS


def test_what_was_seen_outlives_a_relay(far: Far, attached: Attach) -> None:
    """A relay that was started later knows no less: a push is refused that would run over what nobody here has seen."""
    ann, bob = attached(far.url("ssh")), attached(far.url("docker"))
    ann.look_at_log()
    os.kill(relay_pid(ann), signal.SIGKILL)
    assert bob.push({"pricing": quoting("bob")}, author="bob").ok
    refused = ann.push({"pricing": quoting("ann")}, author="ann")
    assert [refusal.code for refusal in refused.refusals] == ["LC407"]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A folder for the files by which a push waits and is waited for."""
    return tmp_path


def pushed_meanwhile(service: Service, source: str, gate: Path, meanwhile: Callable[[], None]) -> Report:
    """The report of a push, where something happens while its first worker applies it."""
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(service.push, {"pricing": source}, author="ann")
        wait_for(gate / "begun")
        meanwhile()
        report = pushing.result(timeout=60)
    (gate / "gate").touch()
    return report


def test_a_relay_that_is_killed_in_the_middle_of_a_push(far: Far, attached: Attach, gate: Path) -> None:
    """The report says at once that what came of it is not known; the workers take it back; the next verb works."""
    service = attached(far.url("ssh"))
    service.workers()
    killed = relay_pid(service)
    report = pushed_meanwhile(service, gated(gate, "half"), gate, lambda: os.kill(killed, signal.SIGKILL))
    assert (report.verdict, report.workers) == (Verdict.UNKNOWN, WORKERS)
    said = str(report)
    assert "the link was lost: what runs now is not known" in said
    assert "no worker had answered" in said
    assert "the workers take it back" in said
    wait_until(lambda: service.log(1)[0].trial is None, "it is decided")
    wait_until(lambda: far.answers() == ["old"] * WORKERS, "all run what ran before")
    assert relay_pid(service) != killed


def test_a_link_that_is_cut_in_the_middle_of_a_push(far: Far, attached: Attach, gate: Path) -> None:
    """The relay brings to its end what workers were applying, and ends; nothing of it is left."""
    service = attached(far.url("docker"))
    assert isinstance(service, RelayedService)
    call = service.relay.connect()
    pid = relay_pid(service)
    report = pushed_meanwhile(service, gated(gate, "whole"), gate, call.link.close)
    assert report.verdict is Verdict.UNKNOWN
    wait_until(lambda: far.answers() == ["whole"] * WORKERS, "all run it")
    wait_until(lambda: not is_there(pid), "the relay has ended")
    assert service.log(1)[0].action is Action.PUSH


def test_a_relay_that_died_before_a_push_costs_nothing(far: Far, attached: Attach) -> None:
    """Nothing was sent to it: another one is started, and the push goes through."""
    service = attached(far.url("docker"))
    killed = relay_pid(service)
    os.kill(killed, signal.SIGKILL)
    assert isinstance(service, RelayedService)
    call = service.relay.connect()
    wait_until(lambda: not call.is_up or call.greeting["pid"] != killed, "it is noticed")
    assert service.push({"pricing": quoting("anyway")}).verdict is Verdict.LIVE


def test_a_forked_child_has_a_relay_of_its_own(far: Far, attached: Attach) -> None:
    """Two processes over one link would take each other's answers."""
    service = attached(far.url("docker"))
    mine, (reading, writing) = relay_pid(service), os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writing, str(relay_pid(service)).encode())
            service.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as file:
        theirs = int(file.read())
    assert theirs != mine
    assert relay_pid(service) == mine
    assert len(service.workers()) == WORKERS


def test_kept_is_closed_twice() -> None:
    """Also before anything was started."""
    from livecode.fleet.remote.address import parse

    kept = Kept(parse("docker://box/shop"), "", 1.0)
    kept.close()
    kept.close()
