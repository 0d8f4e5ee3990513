"""Reports of every kind, as the tests of text and HTML draw them."""

from __future__ import annotations

from dataclasses import replace

from livecode.model.measured import (
    Advice,
    CanaryResult,
    Decision,
    Finding,
    FunctionDecision,
    FunctionMeasure,
    Measured,
    slot_of,
)
from livecode.model.nouns import DiskState, Worker
from livecode.model.report import (
    Change,
    ChangeKind,
    Failure,
    Frame,
    ModuleOutcome,
    Outcome,
    Refusal,
    Report,
    Verdict,
)

HERE = Worker("here", 71, "web-1", "3.12.1")


def worker(number: int) -> Worker:
    """One of eight workers, four a host."""
    return Worker(f"w{number}", 100 + number, "web-1" if number < 5 else "web-2", "3.12.1", "shop", "0.1.0")


CHANGES = (
    Change(ChangeKind.CHANGED, "quote()", "2 importers rebound (shop.routes, jobs.nightly)", 3),
    Change(ChangeKind.ADDED, "surge()"),
    Change(ChangeKind.REMOVED, "slump()"),
    Change(ChangeKind.KEPT, "CACHE"),
    Change(ChangeKind.KEPT, "MODEL"),
    Change(ChangeKind.RERUN, "RATE", "reads FX, which changed"),
)
PRICING = ModuleOutcome(
    "shop.pricing",
    7,
    8,
    "3f9a1c2" + "0" * 57,
    CHANGES,
    DiskState.DIFFERS,
    "shop/pricing.py",
    4,
    1,
    ("run_feed() (feed.py:31)",),
)
PRICING_STILL = ModuleOutcome("shop.pricing", 7, 7, "1111111" + "0" * 57)
PRICING_SAME = ModuleOutcome("shop.pricing", 8, 8, "3f9a1c2" + "0" * 57)
TAX = ModuleOutcome("shop.tax", 0, 1, "2222222" + "0" * 57, (Change(ChangeKind.ADDED, "vat()"),), DiskState.NO_FILE)

SYNTAX = Failure(
    "SyntaxError",
    "'(' was never closed",
    "shop.pricing",
    4,
    16,
    17,
    ((3, "def quote(x):"), (4, "    return x * (")),
    origin="cell 12",
)
ON_LOAD = Failure(
    "ZeroDivisionError",
    "division by zero",
    "shop.pricing",
    9,
    source=((8, "# rates"), (9, 'RATE = 1 / fx["XAU"]')),
    frames=(
        Frame("shop.fx", 3, "get", "return 1 / 0", own=True),
        Frame("site-packages/lib/x.py", 30, "run"),
        Frame("shop.pricing", 9, "<module>", 'RATE = 1 / fx["XAU"]', own=True),
    ),
)
OUT_OF_MEMORY = Failure("MemoryError", "", "shop.pricing", 22)
SLOTS = Refusal(
    "LC103",
    "Order gains slot 'tip'; 1 204 live instances would lack it",
    "add def __hot_migrate__(self, old)",
    "shop.orders",
)
NATIVE = Refusal("LC201", "fastlob is a C extension, already loaded", "restart only", "shop.orders", 2)
ORDERS = ModuleOutcome("shop.orders", 3, 3, "4444444" + "0" * 57)


def everywhere(verdict: Verdict, *modules: ModuleOutcome, workers: int = 8, **more: object) -> Report:
    """The same answer from all workers."""
    refusals = more.pop("worker_refusals", ())
    outcomes = tuple(
        Outcome(worker(n), verdict, modules, refusals)  # type: ignore[arg-type]
        for n in range(1, workers + 1)
    )
    names = tuple(m.module for m in modules)
    return Report(verdict, names, outcomes, workers, service="shop", **more)  # type: ignore[arg-type]


LIVE = everywhere(Verdict.LIVE, PRICING, duration_ms=41.2)
SAME = everywhere(Verdict.SAME, PRICING_SAME)
NOT_SENT = everywhere(Verdict.NOT_SENT, PRICING_STILL, failure=SYNTAX)
REFUSED = everywhere(Verdict.REFUSED, ORDERS, worker_refusals=(SLOTS, NATIVE))
ROLLED_BACK = Report(
    Verdict.ROLLED_BACK,
    ("shop.pricing",),
    (
        Outcome(
            worker(1),
            Verdict.ROLLED_BACK,
            (PRICING_STILL,),
            failure=ON_LOAD,
            undone=2,
            not_undone=('thread "fx-poll" (started at line 7)',),
            timings_ms=(("plan", 1.0), ("commit", 2.0)),
        ),
    ),
    8,
    service="shop",
)
UNDONE = Report(
    Verdict.UNDONE,
    ("shop.pricing",),
    (
        *(Outcome(worker(n), Verdict.UNDONE, (PRICING_STILL,)) for n in range(1, 8)),
        Outcome(worker(8), Verdict.ROLLED_BACK, (PRICING_STILL,), failure=OUT_OF_MEMORY),
    ),
    8,
    service="shop",
)
UNKNOWN = Report(
    Verdict.UNKNOWN,
    ("shop.pricing",),
    (
        Outcome(worker(1), Verdict.LIVE, (replace(PRICING_SAME, before=7),)),
        Outcome(worker(2), Verdict.UNKNOWN, failure=Failure("WorkerLostError", "pid 102 did not answer within 10 s")),
    ),
    2,
    service="shop",
)
HALTED = Report(
    Verdict.HALTED,
    ("shop.pricing",),
    (Outcome(HERE, Verdict.HALTED, (PRICING_SAME,), failure=OUT_OF_MEMORY, not_undone=("RATE",)),),
    1,
)
READY = Report(Verdict.READY, ("shop.tax",), (Outcome(HERE, Verdict.READY, (TAX,)),), 1, 3.14, "dry run")
TWO_MODULES = everywhere(Verdict.LIVE, PRICING, TAX, workers=2, duration_ms=1234.0)
OTHER_VERSIONS = Report(
    Verdict.LIVE,
    ("shop.pricing",),
    (
        Outcome(worker(1), Verdict.LIVE, (PRICING_SAME,)),
        Outcome(worker(2), Verdict.LIVE, (replace(PRICING_SAME, before=2, after=3, still_old=("f() (a.py:1)",)),)),
    ),
    2,
    service="shop",
)
UNLOADED = Report(
    Verdict.LIVE,
    ("shop.old",),
    (Outcome(HERE, Verdict.LIVE, (ModuleOutcome("shop.old", 3, 0, held=("shop.routes.quote",)),)),),
    1,
    2.0,
    "unload",
)
CONFLICT = Report(
    Verdict.REFUSED,
    ("shop.pricing",),
    workers=2,
    service="shop",
    again="%%hotpush shop.pricing",
    refusals=(
        Refusal(
            "LC407", "ann pushed v8 (3f9a1c2) meanwhile: x-mas", "the same command again replaces it", "shop.pricing"
        ),
    ),
    diff=("--- shop.pricing v8 (ann)", "+++ shop.pricing (yours)", "@@ -1,50 +1,50 @@", *("-x", "+y") * 25),
)


def canary(advice: Advice, why: str, *found: Finding, promoted: bool = False) -> CanaryResult:
    """What a canary on two of eight workers found for one function."""
    called = FunctionMeasure("shop.pricing.quote", 200, (), 400.0, ((slot_of(2_000_000), 200),))
    decided = Decision(advice, why, tuple(FunctionDecision(called.name, each) for each in found))
    return CanaryResult(Measured((called,), 60.0, 2), Measured((called,), 60.0, 6), decided, promoted)


WORSE_IN_CANARY = Report(
    Verdict.UNDONE,
    ("shop.pricing",),
    tuple(Outcome(worker(n), Verdict.UNDONE, (PRICING_STILL,)) for n in (1, 2)),
    8,
    service="shop",
    canary=canary(Advice.TAKE_BACK, "shop.pricing.quote(): 4 of 200 calls raised", Finding.ERRORS_ROSE),
)
INTERRUPTED_CANARY = replace(WORSE_IN_CANARY, canary=canary(Advice.KEEP, "", Finding.FINE))
NO_EVIDENCE = replace(
    everywhere(Verdict.LIVE, replace(PRICING_SAME, before=7)),
    canary=canary(Advice.UNDECIDED, "Python 3.11 cannot measure", promoted=True),
)
TAKEN_BACK_BY_OTHERS = Report(
    Verdict.UNDONE,
    ("shop.pricing",),
    (Outcome(worker(1), Verdict.UNDONE, failure=Failure("StaleBaseError", "generation 9 (take back, bob): no")),),
    1,
    service="shop",
)
NOTHING = Report(Verdict.SAME, (), workers=2, service="shop")
ALL = {name: value for name, value in list(globals().items()) if isinstance(value, Report)}
