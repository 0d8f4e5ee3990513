"""What a worker repairs by itself: pushes that nobody decides any more, a store that forgot what it said.

Every worker does this, each second; a generation is published once, so the fastest does it for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from livecode.fleet import generations
from livecode.fleet.holdings import Holdings
from livecode.fleet.position import Position
from livecode.model.log import Action, State

ABANDONED_TICKS = 2
UNDECIDED_TICKS = 5
"""How long a worker that has not heard how a trial ended leaves it to others to tell a store that forgot."""
UNREACHABLE_TICKS = 15
RECENT = 8
"""How many generations back the trial of what is live is looked for."""
RESTORED_S = 1.0
LOOK_S = 0.05


class Mending:
    """What one worker does about a log that is not as it should be.

    Args:
        position: Where the worker is in it.
        holdings: What it runs.
        arrive: Goes on to a generation.
    """

    def __init__(self, position: Position, holdings: Holdings, arrive: Callable[[State], None]) -> None:
        self._position, self._holdings, self._arrive = position, holdings, arrive
        self._abandoned = self._behind = self._failed = 0

    @property
    def under_way(self) -> bool:
        """True while the store is behind this worker."""
        return self._behind > 0

    def arrived(self) -> None:
        """The worker went on to a generation that the store has."""
        self._abandoned = 0

    def followed(self) -> None:
        """The store is as far as the worker, or farther."""
        self._behind = 0

    def failed(self, generation: int) -> None:
        """What is live from this generation on could not be applied here; 0 where that is nobody's fault."""
        self._failed = generation

    def look_after(self, state: State) -> None:
        """Decides what its pusher left undecided, and tells a store that forgot what it said.

        Raises:
            StoreError: The store does not answer.
        """
        position = self._position
        if position.went_back(state):
            self._behind += 1
            if position.state.trial is None or self._behind >= UNDECIDED_TICKS:
                self._restore(state)
        elif state.trial is not None:
            self._abandoned = 0 if position.is_there(state.trial.pusher) else self._abandoned + 1
            if self._abandoned >= ABANDONED_TICKS:
                self._take_back(state, state, "went away before it was decided")
        elif self._failed == state.generation and (trial := self._left_behind(state)) is not None:
            worker = position.worker
            self._take_back(state, trial, f"went away, and it failed on {worker.host}:{worker.pid}")

    def give_up(self) -> State | None:
        """What this worker runs by itself where the store does not answer: what is on trial here is not kept for long.

        Returns:
            The state without the trial, as soon as it is time for that; None before.
        """
        state = self._position.state
        if state.trial is None or self._position.worker.key not in state.trial.workers:
            return None
        self._abandoned += 1
        if self._abandoned < UNREACHABLE_TICKS:
            return None
        return replace(state, trial=None, action=Action.TAKE_BACK, force=True)

    def have_restored(self, found: State) -> None:
        """Returns when a store that forgot was told again, by this worker if it is not one that waits to be told.

        Somebody who asks for what comes next must not get far on a store that forgot: beyond this worker's generation,
        it would be believed.
        """
        position, until = self._position, time.monotonic() + RESTORED_S
        while position.state.trial is not None and position.went_back(found) and time.monotonic() < until:
            time.sleep(LOOK_S)
            found = position.read()
        if position.went_back(found):
            self._restore(found)
        else:
            self._arrive(found)

    def _take_back(self, state: State, before: State, why: str) -> None:
        author = self._position.author(f"{state.author or 'the pusher'} {why}")
        back = generations.taken_back(state, before.patches, author)
        if self._position.publish(back):
            self._arrive(back)

    def _left_behind(self, state: State) -> State | None:
        """The trial of what is live, if its pusher was killed before it knew how the push ended on all workers."""
        states = self._position.recent(RECENT)
        tried = next((each for each in states if each.trial is not None and each.began == state.began), None)
        if tried is None or tried.trial is None:
            return None
        report = self._position.report_of(tried.trial.pusher)  # who ends in good order withdraws it
        is_dead = report is not None and not self._position.is_there(tried.trial.pusher)
        return tried if is_dead else None

    def _restore(self, found: State) -> None:
        """Tells a store that forgot what this worker runs. What is on trial here may be live: others know it better."""
        known = self._position.state
        why = f"the store went back from generation {known.generation} to {found.generation}"
        again = generations.restored(known, found.generation, self._position.author(why))
        self._position.store.put(self._holdings.sources())
        if self._position.publish(again, base=found.generation):
            self._arrive(again)  # what was on trial here is not, any more
