"""What the next generation of a log says, given the one before: pure.

    tried() ── went_live()     a push is tried on some, then goes live on all
       └────── taken_back()    or it does not
    new_session(), dropped(), saved(), restored()

Nothing here knows of stores or workers; `livecode.fleet.log` publishes what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from livecode.model.log import Action, Patch, Stage, State, Trial, Tried
from livecode.model.nouns import Push, checksum

OLDER_FILES = 8
"""So many sources are remembered that a file had before what runs was saved to it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a generation, why and when.

    Attributes:
        name: E.g. ``ann@laptop``.
        reason: In the author's words.
        at: Seconds since the epoch, by the author's clock.
        key: Of the report by which this author says that they are still there.
    """

    name: str
    reason: str
    at: float
    key: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What the workers that tried a push run of one of its modules.

    Attributes:
        digest: SHA-256 of the source; empty where it was unloaded.
        base: SHA-256 of the source of its file; empty where it has none.
    """

    digest: str
    base: str


def tried(
    before: State, push: Push, author: Author, stage: Stage, workers: Sequence[str], running: Mapping[str, int]
) -> State:
    """A push on trial.

    Args:
        before: The generation that it builds on.
        push: What is pushed.
        author: Who pushes.
        stage: What is asked of the workers.
        workers: Keys of those that apply it.
        running: Module → the version that runs now, 0 where it is not loaded.
    """
    known = before.by_module
    versions = tuple((name, _next_version(known.get(name), running.get(name, 0))) for name in push.names)
    origins = tuple((item.module, item.origin) for item in push.modules if item.origin)
    sources = tuple((item.module, "" if item.source is None else checksum(item.source)) for item in push.modules)
    how = push.force, push.safe_part, push.rerun, origins, push.agent
    trial = Trial(stage, sources, versions, tuple(workers), author.key, *how)
    earlier = before.trial is not None and before.trial.pusher == author.key
    return State(
        before.generation + 1,
        Action.TRY,
        push.names,
        author.name,
        author.reason,
        author.at,
        before.patches,
        trial,
        before.began if earlier else before.generation + 1,
    )


def went_live(
    trial: State,
    action: Action,
    applied: Mapping[str, Applied],
    outcomes: tuple[Tried, ...] = (),
    restores: Mapping[str, int] | None = None,
) -> State:
    """What was on trial is for all from now on.

    Args:
        trial: The generation that it was tried in.
        action: What it was for: a push, an undo, an unload.
        applied: What the workers that tried it run now, by module; what is missing was left as it was.
        outcomes: What became of it there.
        restores: Module → the version that an undo brings back.
    """
    if trial.trial is None:
        raise ValueError(f"generation {trial.generation} tries nothing")
    versions = dict(trial.trial.versions)
    patches = dict(trial.by_module)
    for name, now in applied.items():
        before, restored = patches.get(name), (restores or {}).get(name, 0)
        base = before.base if before and now.digest in ("", before.digest) and not now.base else now.base
        also = _older(before, base) if before and before.also else ()
        patches[name] = Patch(
            name, versions.get(name, 0), now.digest, base, trial.author, trial.reason, trial.at, restored, also
        )
    return replace(
        trial,
        generation=trial.generation + 1,
        action=action,
        patches=tuple(patches[name] for name in sorted(patches)),
        trial=None,
        rerun=trial.trial.rerun,
        force=trial.trial.force,
        tried=outcomes,
    )


def taken_back(now: State, before: Iterable[Patch], author: Author, outcomes: tuple[Tried, ...] = ()) -> State:
    """What was pushed last is not wanted after all: all run what they ran before it.

    Args:
        now: The generation in which it is live or on trial.
        before: The patches before it.
        author: Who takes it back.
        outcomes: What became of it on the workers.
    """
    return replace(
        now,
        generation=now.generation + 1,
        action=Action.TAKE_BACK,
        author=author.name,
        reason=author.reason,
        at=author.at,
        patches=tuple(before),
        trial=None,
        rerun=(),
        force=True,
        tried=outcomes,
    )


def mixed(now: State, outcomes: tuple[Tried, ...]) -> State:
    """What is live did not go live on some workers, and its author allowed that."""
    return replace(now, generation=now.generation + 1, action=Action.MIXED, tried=outcomes, rerun=())


def new_session(before: State, author: Author) -> State:
    """The service was stopped and starts again: its patches stay behind."""
    return State(
        before.generation + 1,
        Action.SESSION,
        tuple(patch.module for patch in before.patches),
        author.name,
        author.reason,
        author.at,
        began=before.generation + 1,
    )


def dropped(before: State, modules: Iterable[str], author: Author) -> State:
    """Patches are removed: where one runs, what it was made for runs again."""
    names = tuple(sorted(set(modules) & set(before.by_module)))
    return State(
        before.generation + 1,
        Action.DROP,
        names,
        author.name,
        author.reason,
        author.at,
        tuple(patch for patch in before.patches if patch.module not in names),
        began=before.generation + 1,
    )


def saved(before: State, digests: Mapping[str, str], author: Author) -> State:
    """What the files of some patches say by now; what runs stays as it is.

    A file may not be the same on every machine, and a worker may have read it a moment ago: so a patch is for what the
    file said before, too.

    Args:
        before: The generation that it builds on.
        digests: Module → SHA-256 of the source that its file says now.
        author: Who saved it.
    """
    patches = tuple(
        replace(patch, base=digests[patch.module], also=_older(patch, digests[patch.module]))
        if patch.module in digests
        else patch
        for patch in before.patches
    )
    return State(
        before.generation + 1,
        Action.SAVE,
        tuple(patch.module for patch in patches if patch.module in digests),
        author.name,
        author.reason,
        author.at,
        patches,
        began=before.generation + 1,
    )


def _older(patch: Patch, base: str) -> tuple[str, ...]:
    """What the file of a patch may say besides `base`, the newest first."""
    return tuple(digest for digest in dict.fromkeys((patch.base, *patch.also)) if digest != base)[:OLDER_FILES]


def restored(known: State, found: int, author: Author) -> State:
    """A store that forgot is told again what it said: above both what it says now and what a worker has seen."""
    return replace(
        known,
        generation=max(known.generation, found) + 1,
        action=Action.RESTORE,
        author=author.name,
        reason=author.reason,
        at=author.at,
        trial=None,
        began=max(known.generation, found) + 1,
        rerun=(),
        tried=(),
    )


def meddled(seen: State, now: State, modules: Iterable[str]) -> tuple[Patch, ...]:
    """The patches of these modules that somebody made after `seen`: what a pusher who knows `seen` would overwrite."""
    known = seen.by_module
    return tuple(
        patch
        for name in modules
        if (patch := now.by_module.get(name)) is not None
        and (name not in known or (known[name].version, known[name].digest) != (patch.version, patch.digest))
    )


def _next_version(patch: Patch | None, running: int) -> int:
    return max(patch.version if patch else 0, running) + 1
