"""What a service lets agents do is decided by its workers, whoever asks and however."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from livecode.errors import NotAllowedError, UnsafeDirectoryError, UsageError
from livecode.fleet import approvals
from livecode.fleet.approvals import Proposal
from livecode.fleet.discovery import look
from livecode.fleet.door import ACCESSES, READ
from livecode.fleet.listen import listen
from livecode.fleet.rollout import Policy
from livecode.fleet.service import Service, attach
from livecode.model.access import Access
from livecode.model.agents import Agent, Approval
from livecode.model.nouns import ModuleSource, Push, checksum
from livecode.model.report import Report, Verdict
from tests.services import RunningService, Services, wait_until

OLD = "def quote():\n    return 1\n"
NEW = "def quote():\n    return 2\n"
SEEN = (("pricing", (checksum(OLD),)),)


def start(services: Services, monkeypatch: pytest.MonkeyPatch, access: str) -> RunningService:
    """A service whose three workers let agents do that; all of them have answered once."""
    monkeypatch.setenv("LIVECODE_AGENTS", access)
    service = services.children("shop", {"pricing.py": OLD}, "fork", 2)
    wait_until(lambda: [bool(each.modules) for each in attach("shop").status()] == [True] * 3, "all answer", service)
    return service


@pytest.fixture
def approving(services: Services, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that accepts what a person approved."""
    start(services, monkeypatch, "approved")
    return attach("shop")


def proposed(source: str = NEW, agent: Agent | None = None, service: str = "shop") -> Proposal:
    """What an agent asks for."""
    push = Push((ModuleSource("pricing", source),), agent=agent or Agent("bot", SEEN))
    return approvals.propose(Proposal(service, push, service))


def pushed(service: Service, approval: Approval | None, source: str = NEW) -> Report:
    """What becomes of an agent's push with that approval."""
    return service.push({"pricing": source}, author="bot", agent=Agent("bot", SEEN, approval))


def codes(report: Report) -> set[str]:
    """Why it was refused, over all workers."""
    return {refusal.code for outcome in report.outcomes for refusal in outcome.refusals}


def runs(service: Service) -> set[str]:
    """What the workers run of the module."""
    return {m.checksum for status in service.status() for m in status.modules if m.module == "pricing"}


def test_the_words_are_those_of_the_model() -> None:
    """`listen` and the door know them without importing the model; reading is what is allowed without a word."""
    assert tuple(Access) == ACCESSES
    assert Access.READ == READ


def test_listen_knows_its_words() -> None:
    """An access that there is not is refused, with those that there are."""
    with pytest.raises(UsageError, match="agents='all': one of 'none', 'read', 'approved', 'push' is accepted"):
        listen("shop", agents="all")


@pytest.mark.parametrize(
    ("access", "verdict"), [("none", None), ("read", "REFUSED"), ("approved", "REFUSED"), ("push", "LIVE")]
)
def test_a_push_of_an_agent(
    services: Services, monkeypatch: pytest.MonkeyPatch, access: str, verdict: str | None
) -> None:
    """It is live only where the service lets agents push; elsewhere nothing changes, and people push as before."""
    start(services, monkeypatch, access)
    service = attach("shop")
    assert {worker.agents for worker in service.workers()} == {access}
    assert len(service.workers()) == 3
    report = service.push({"pricing": NEW}, author="bot", agent=Agent("bot"))
    assert report.verdict == (verdict or "REFUSED"), str(report)
    assert runs(service) == {checksum(NEW if verdict == "LIVE" else OLD)}
    if verdict != "LIVE":
        assert codes(report) == {"LC410" if access == "approved" else "LC409"}
        assert service.push({"pricing": NEW}, author="ann").verdict == "LIVE"
    service.agent = "bot"
    if access == "none":
        with pytest.raises(NotAllowedError, match="lets no agent in"):
            service.source("pricing")
    else:
        assert service.source("pricing") == NEW
        assert service.dry_run({"pricing": OLD}, agent=Agent("bot")).verdict == "READY"


def test_one_worker_alone_decides_the_same(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the log, at its door: whatever the other side believes, the worker refuses."""
    start(services, monkeypatch, "none")
    (door, *_) = look("shop").workers
    push = Push((ModuleSource("pricing", NEW),), agent=Agent("bot"))
    assert [r.code for r in door.push(push).refusals] == ["LC409"]
    door.agent = "bot"
    for ask in (door.status, lambda: door.source("pricing"), lambda: door.history("pricing")):
        with pytest.raises(NotAllowedError, match="lets no agent in"):
            ask()
    with pytest.raises(NotAllowedError, match="lets no agent in"):
        door.push(replace(push, agent=None))
    assert door.hello().agents is Access.NONE


def test_an_approved_push_is_live_once(approving: Service) -> None:
    """The approval is good for this push; then it is used up."""
    asked = proposed()
    approvals.approve(asked, "ann", socket.gethostname())
    approval = approvals.claim(asked.digest)
    report = pushed(approving, approval)
    assert report.verdict == "LIVE", str(report)
    approvals.release(approval, used=True)
    with pytest.raises(NotAllowedError, match="was used already"):
        approvals.claim(asked.digest)
    approving.undo("pricing")
    again = pushed(approving, approval)
    assert (again.verdict, codes(again)) == (Verdict.REFUSED, {"LC410"})
    assert runs(approving) == {checksum(OLD)}


def test_what_is_no_approval(approving: Service) -> None:
    """Nobody gave it, it is for something else, it has expired, or the module has changed: refused, nothing changed."""
    asked = proposed()
    until = time.time() + 60
    given = approvals.approve(asked, "ann", socket.gethostname())
    claimed = approvals.claim(asked.digest)
    for approval, source, why in (
        (Approval(asked.digest, "ann", socket.gethostname(), until, "f" * 16), NEW, "no person gave that approval"),
        (replace(claimed, claim="../../etc"), NEW, "no person gave that approval"),
        (claimed, NEW + "# more\n", "what was approved is something else"),
        (replace(given, until=time.time() - 1), NEW, "the approval has expired"),
        (None, NEW, "nobody was asked"),
    ):
        report = pushed(approving, approval, source)
        assert (report.verdict, codes(report)) == (Verdict.REFUSED, {"LC410"}), str(report)
        assert why in str(report)
    assert runs(approving) == {checksum(OLD)}
    assert approving.push({"pricing": OLD + "# ann's\n"}, author="ann").ok
    late = pushed(approving, claimed)
    assert (late.verdict, codes(late)) == (Verdict.REFUSED, {"LC411"})
    assert runs(approving) == {checksum(OLD + "# ann's\n")}


def test_an_agents_push_is_always_tried_first(approving: Service) -> None:
    """What nobody would be asked about before it is live, an agent cannot ask for."""
    for policy in (Policy(now=True), Policy(mixed="because")):
        with pytest.raises(UsageError, match="tried first, and goes to all workers or to none"):
            approving.push({"pricing": NEW}, agent=Agent("bot"), policy=policy)


def test_an_approval_can_be_taken_back(doors: Path) -> None:
    """Until it is claimed; a claim that changed nothing can be made again."""
    asked = proposed()
    approvals.approve(asked, "ann", "host")
    first = approvals.claim(asked.digest)
    with pytest.raises(NotAllowedError, match="no person approved it"):
        approvals.claim(asked.digest)
    approvals.release(first, used=False)
    assert approvals.revoke(asked.digest)
    assert not approvals.revoke(asked.digest)
    with pytest.raises(NotAllowedError, match="no person approved it"):
        approvals.claim(asked.digest)


def test_expired(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour neither a proposal nor an approval counts, and both are removed in time."""
    asked = proposed()
    approvals.approve(asked, "ann", "host")
    later = time.time() + approvals.VALID_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(NotAllowedError, match="its approval has expired"):
        approvals.claim(asked.digest)
    with pytest.raises(UsageError, match="older than 60 minutes"):
        approvals.proposal(asked.digest)
    assert approvals.proposals() == ()


def test_a_proposal_is_what_its_digest_says(doors: Path) -> None:
    """A file that was changed is none; nor is a digest with a path in it."""
    asked = proposed()
    assert approvals.proposal(asked.digest) == asked
    (file,) = (doors / "agents").iterdir()
    file.write_text(file.read_text().replace("return 2", "return 9"))
    with pytest.raises(UsageError, match="there is no proposal"):
        approvals.proposal(asked.digest)
    assert approvals.proposals() == ()
    lying = approvals.propose(replace(asked, before=(("pricing", "def quote():\n    return 'another'\n"),)))
    with pytest.raises(UsageError, match="there is no proposal"):
        approvals.proposal(lying.digest)
    with pytest.raises(UsageError, match="is not the hash of a change"):
        approvals.proposal("../" * 10 + "aa")


def test_nobody_else_can_read_them(doors: Path) -> None:
    """Directory 0700, files 0600; a directory that others can enter is refused."""
    proposed()
    folder = doors / "agents"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    os.chmod(folder, 0o755)
    with pytest.raises(UnsafeDirectoryError):
        proposed()


def test_there_are_never_many(doors: Path) -> None:
    """An agent that proposes without end does not fill the disk."""
    for number in range(approvals.MAX_PROPOSALS + 5):
        proposed(f"x = {number}\n")
    assert len(list((doors / "agents").iterdir())) == approvals.MAX_PROPOSALS
    assert approvals.proposals()[0].push.modules[0].source == f"x = {approvals.MAX_PROPOSALS + 4}\n"
    large = "#" * (approvals.MAX_BYTES // 4)
    for number in range(8):
        proposed(f"{large}\nx = {number}\n")
    size = sum(file.stat().st_size for file in (doors / "agents").iterdir())
    assert size < approvals.MAX_BYTES + 2 * len(large)
