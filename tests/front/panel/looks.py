"""Looks at services, for the tests of the panel."""

from __future__ import annotations

from livecode.front.panel.plain import Look
from livecode.model.log import Action, CanaryNow, Tried
from livecode.model.measured import Advice, CanaryResult, Decision, Finding, FunctionDecision, FunctionMeasure, Measured
from livecode.model.nouns import DiskState, ModuleStatus, ProcessStatus, Worker
from livecode.model.pushes import LoggedModule, LoggedPush
from livecode.model.report import Verdict

NEW, OLD = "b" * 64, "a" * 64


def worker(number: int, host: str = "web-1") -> Worker:
    """One of a service."""
    return Worker(f"w{number}", 70 + number, host, "3.12.1", "shop", started=1000.0, key=f"key-{number}")


def module(name: str = "shop.pricing", version: int = 2, digest: str = NEW, **more: object) -> ModuleStatus:
    """What a worker runs of a module."""
    disk = DiskState.SAME if version == 1 else DiskState.DIFFERS
    return ModuleStatus(name, version, digest, disk, author="ann" if version > 1 else "", **more)  # type: ignore[arg-type]


def status(number: int, *modules: ModuleStatus, **more: object) -> ProcessStatus:
    """What a worker runs."""
    known: dict[str, object] = {"generation": 4, **more}
    return ProcessStatus(worker(number), modules or (module(),), **known)  # type: ignore[arg-type]


def push(generation: int = 4, *tried: Tried, **more: object) -> LoggedPush:
    """One that is in the log."""
    values: dict[str, object] = {
        "generation": generation,
        "began": generation - 1,
        "action": Action.PUSH,
        "modules": (LoggedModule("shop.pricing", 2, NEW),),
        "author": "ann",
        "reason": "tea",
        "at": 2000.0,
        "outcome": "live",
        "live": True,
        "tried": tried,
        "workers": 3,
        **more,
    }
    return LoggedPush(**values)  # type: ignore[arg-type]


def look(*statuses: ProcessStatus, **more: object) -> Look:
    """What is seen of a service."""
    return Look("shop", "", statuses or tuple(status(n) for n in (1, 2, 3)), **more)  # type: ignore[arg-type]


def canary() -> CanaryNow:
    """One on w1 that fails sometimes."""
    new = FunctionMeasure("shop.pricing.quote", 200, (("ValueError", 9),), 30.0, ((20, 200),))
    old = FunctionMeasure("shop.pricing.quote", 900, (), 90.0, ((16, 900),))
    idle = FunctionDecision("shop.pricing.idle", Finding.NOT_CALLED)
    decision = Decision(
        Advice.TAKE_BACK, "it fails", (FunctionDecision(new.name, Finding.ERRORS_ROSE, "9 of 200"), idle)
    )
    result = CanaryResult(Measured((new,), 5.0, 1), Measured((old,), 5.0, 2, ("w3 cannot",)), decision)
    return CanaryNow(3, ("shop.pricing",), "ann", "tea", ("key-1",), 2000.0, 60.0, result)


FAILED = Tried("web-1:72", Verdict.ROLLED_BACK, "ValueError: no tea 🍵 <script>alert(1)</script>")
