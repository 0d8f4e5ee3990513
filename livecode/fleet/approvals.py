"""What agents propose and persons approve, as files that only this user can read, beside the doors.

agents/DIGEST.proposal      an agent's dry run: the change, on what, who asks
agents/DIGEST.approved      a person said yes to it
agents/DIGEST.CLAIM.claimed the push that uses it is under way: made of the former by one rename, so only one can
agents/DIGEST.used          it was used
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from livecode.errors import NotAllowedError, UsageError
from livecode.fleet import rundir
from livecode.model.agents import DIGEST_DIGITS, Approval
from livecode.model.codec import from_plain, to_plain
from livecode.model.nouns import Push, checksum

VALID_S = 3600.0
"""How long a proposal can be approved, and an approval used."""
MAX_PROPOSALS = 100
MAX_BYTES = 32 << 20
"""So much do the proposals take that wait, beside the newest one."""
HEXADECIMAL = frozenset("0123456789abcdef")
PROPOSAL, APPROVED, CLAIMED, USED = "proposal", "approved", "claimed", "used"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agent wants to push, as a person is shown it.

    Attributes:
        service: The name of the service.
        push: The push, with the agent and what it builds on.
        address: How the agent's server attached to the service.
        at: When, seconds since the epoch.
        before: Module → the source that ran when it was proposed, None where it was not loaded.
        undo: True if it brings back what ran earlier.
        digest: What a person approves; `propose` finds it.
    """

    service: str
    push: Push
    address: str
    at: float = 0.0
    before: tuple[tuple[str, str | None], ...] = ()
    undo: bool = False
    digest: str = ""


def propose(proposal: Proposal) -> Proposal:
    """The proposal with its digest, kept until it expires.

    Raises:
        UnsafeDirectoryError: The directory is not this user's alone.
        OSError: It cannot be written.
    """
    digest = proposal.push.digest(proposal.service)
    kept = replace(proposal, digest=digest, at=time.time())
    _tidy()
    _write(_path(digest, PROPOSAL), kept)
    return kept


def proposals() -> tuple[Proposal, ...]:
    """What waits to be approved, the newest first, without what has expired."""
    now = time.time()
    found = (_read(path, Proposal) for path in _folder().glob(f"*.{PROPOSAL}"))
    fresh = (each for each in found if each is not None and each.at + VALID_S > now and _is_itself(each))
    return tuple(sorted(fresh, key=lambda each: each.at, reverse=True))


def proposal(digest: str) -> Proposal:
    """The proposal with that digest.

    Raises:
        UsageError: There is none, or no more.
    """
    _check_digest(digest)
    found = _read(_path(digest, PROPOSAL), Proposal)
    if found is None or found.digest != digest or not _is_itself(found):
        raise UsageError(f"there is no proposal {digest}: its hash is not one that a dry run gave, or it was removed")
    if time.time() > found.at + VALID_S:
        raise UsageError(f"the proposal {digest} is older than {VALID_S / 60:g} minutes: make the dry run again")
    return found


def approve(found: Proposal, by: str, host: str) -> Approval:
    """A person's word for that proposal.

    Args:
        found: What is approved.
        by: Who approves it.
        host: This machine's name.
    """
    approval = Approval(found.digest, by, host, time.time() + VALID_S)
    _path(found.digest, USED).unlink(missing_ok=True)
    _write(_path(found.digest, APPROVED), approval)
    return approval


def approved(digest: str) -> Approval | None:
    """A person's word for the proposal with that digest, if there is one that holds."""
    found = _read(_path(digest, APPROVED), Approval)
    return found if found is not None and found.digest == digest and found.until > time.time() else None


def revoke(digest: str) -> bool:
    """Takes the word back; False if there was none."""
    _check_digest(digest)
    try:
        _path(digest, APPROVED).unlink()
    except FileNotFoundError:
        return False
    return True


def claim(digest: str) -> Approval:
    """The approval, for one push from now on; `release` it afterwards.

    Raises:
        NotAllowedError: There is none, or it has expired, or was used.
    """
    _check_digest(digest)
    token = secrets.token_hex(8)
    source, target = _path(digest, APPROVED), _path(f"{digest}.{token}", CLAIMED)
    try:
        source.rename(target)
    except FileNotFoundError:
        used = _path(digest, USED).exists()
        why = "its approval was used already, and is good for one push" if used else "no person approved it"
        raise NotAllowedError(f"the push {digest} may not be made: {why}") from None
    found = _read(target, Approval)
    if found is None or found.digest != digest or found.until <= time.time():
        target.unlink(missing_ok=True)
        raise NotAllowedError(f"the push {digest} may not be made: its approval has expired")
    return replace(found, claim=token)


def release(approval: Approval, *, used: bool) -> None:
    """The push is over: the approval is used up, or as good as before if nothing was touched."""
    held = _path(f"{approval.digest}.{approval.claim}", CLAIMED)
    try:
        held.rename(_path(approval.digest, USED if used else APPROVED))
    except FileNotFoundError:  # it expired meanwhile, and was tidied away
        return


def is_claimed(approval: Approval) -> bool:
    """True if a person gave this approval on this machine, and it is being used at this moment."""
    digest, token = approval.digest, approval.claim
    if not HEXADECIMAL.issuperset(digest + token) or not token:
        return False
    found = _read(_path(f"{digest}.{token}", CLAIMED), Approval)
    return found is not None and (found.digest, found.until) == (digest, approval.until)


def _is_itself(found: Proposal) -> bool:
    """True if a proposal is what its digest says, and what it shows as running is what it builds on."""
    bases = dict(found.push.agent.bases) if found.push.agent is not None else {}
    shown = all(("" if old is None else checksum(old)) in bases.get(name, ()) for name, old in found.before)
    return shown and found.push.digest(found.service) == found.digest


def _check_digest(digest: str) -> None:
    if len(digest) != DIGEST_DIGITS or not HEXADECIMAL.issuperset(digest):
        raise UsageError(f"{digest[:80]!r} is not the hash of a change: {DIGEST_DIGITS} hexadecimal digits are needed")


def _folder() -> Path:
    folder = Path(rundir.make_directory(), "agents")
    folder.mkdir(mode=0o700, exist_ok=True)
    rundir.check_directory(str(folder))
    return folder


def _path(stem: str, kind: str) -> Path:
    return _folder() / f"{stem}.{kind}"


def _write(path: Path, value: object) -> None:
    """Writes a file, complete or not at all."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        json.dump(to_plain(value), file)
    temporary.rename(path)


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return from_plain(kind, json.loads(path.read_text("ascii")))
    except (OSError, ValueError):  # nobody wrote it, or not this livecode
        return None


def _tidy() -> None:
    """Removes what has expired, and the oldest proposals where there are too many."""
    now, files = time.time(), sorted(_folder().iterdir(), key=_made)
    old = [path for path in files if now - _made(path) > 2 * VALID_S]
    kept, size = [path for path in files if path.suffix == f".{PROPOSAL}"][::-1], 0
    for number, path in enumerate(kept, 1):
        size += _found(path).st_size
        if number >= MAX_PROPOSALS or size > MAX_BYTES:
            old.append(path)
    for path in old:
        path.unlink(missing_ok=True)


def _made(path: Path) -> float:
    return _found(path).st_mtime


def _found(path: Path) -> os.stat_result:
    """What is known of a file; nothing but zeros if somebody else has removed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return os.stat_result([0] * 10)
