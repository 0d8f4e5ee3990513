"""`livecode demo`: the shop, its customers and the notebook, and the account of what happened."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from livecode.demo.play import Audience, Step, play
from livecode.demo.screen import Screen
from livecode.demo.service import served
from livecode.demo.traffic import Facts, Traffic
from livecode.demo.visit import Shop
from livecode.demo.workspace import Workspace, workspace
from livecode.model.report import Verdict

REQUESTS_HZ = 100.0
_PRICING = "shop/pricing.py"


@dataclass(slots=True)
class _Watcher:
    """Tells what a cell did, and what customers saw of it."""

    space: Workspace
    traffic: Traffic
    screen: Screen
    seen: Facts
    problems: list[str]

    async def done(self, step: Step) -> None:
        self.screen.outputs(step.outputs)
        if step.problem:
            self.problems.append(step.problem)
        if step.expected is not None or step.coffee is not None:
            await asyncio.to_thread(self._look_from_outside, step)

    def _look_from_outside(self, step: Step) -> None:
        now, shop = self.traffic.next_round(), Shop(self.space.url, self.space.folder)
        coffee = shop.price("coffee")
        self.screen.outside(self.seen, now, coffee)
        self.seen = now
        if step.coffee is not None and {coffee, *now.prices} != {step.coffee}:
            found = f"{coffee} by GET, {now.prices} on the websockets"
            self.problems.append(f"after cell {step.number} a coffee must cost {step.coffee}: {found}")


def run(port: int, sockets: int, screen: Screen) -> tuple[str, ...]:
    """Everything that did not go as announced, in words: empty for a good run."""
    with workspace(port, alone=True) as space:
        screen.note(f"workspace {space.root}, removed at the end")
        screen.note("starting the shop under uvicorn; its model takes two seconds to load")
        with served(space), Traffic(space.url, sockets, REQUESTS_HZ) as traffic:
            screen.note(f"{sockets} websockets count, {REQUESTS_HZ:g} requests a second arrive at {space.url}")
            screen.note("a Jupyter kernel runs the notebook 01-first-push.ipynb")
            steps, problems = asyncio.run(_play(space, traffic, screen))
        facts = traffic.facts()
    problems += facts.trouble
    screen.table("What the customers noticed", account(facts, steps))
    screen.verdict(problems)
    return tuple(problems)


def account(facts: Facts, steps: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    """The rows of the last table."""
    spoken = [item for step in steps for item in step.spoken]
    took = [item.duration_ms for item in spoken if item.verdict is Verdict.LIVE and item.duration_ms is not None]
    return (
        ("requests served", f"{facts.served:,}"),
        ("requests failed", f"{facts.failed:,}"),
        ("websockets opened", f"{facts.opened:,}"),
        ("websockets dropped", f"{facts.dropped:,}"),
        ("pushes", f"{len(spoken)}"),
        ("of them live", f"{sum(item.verdict is Verdict.LIVE for item in spoken)}"),
        ("request latency, median", f"{facts.latency_ms(0.5):.1f} ms"),
        ("request latency, p99", f"{facts.latency_ms(0.99):.1f} ms"),
        ("push that went live, median", f"{statistics.median(took):.0f} ms" if took else "–"),
    )


async def _play(space: Workspace, traffic: Traffic, screen: Screen) -> tuple[tuple[Step, ...], list[str]]:
    screen.know("shop.pricing", (space.folder / _PRICING).read_text("utf-8"))
    watcher = _Watcher(space, traffic, screen, await asyncio.to_thread(traffic.facts), [])
    steps = await play(space, Audience(screen.markdown, screen.code, watcher.done))
    return steps, watcher.problems
