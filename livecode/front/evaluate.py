"""The use case of `livecode eval` and `%hoteval`: an expression, its values, how they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from livecode.errors import UsageError
from livecode.fleet.chosen import ALL, EVALUATION_S
from livecode.fleet.service import Service
from livecode.model.evaluated import Evaluated

MAX_TIMEOUT_S = 600.0
RICH_BYTES = 8 << 20
"""What a notebook takes of the tables, pictures, … of one answer of all workers; a saved one keeps it."""


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """What somebody wants to know.

    Attributes:
        expression: Python, one expression, or statements whose last one is an expression.
        workers: Names of workers; none for the first one.
        everywhere: True for all of them.
        module: The module whose own names it can use, too.
        timeout_s: How long it may take.
        rich_bytes: What tables, pictures, … of all answers together may have; 0 for their text alone.
    """

    expression: str
    workers: tuple[str, ...] = ()
    everywhere: bool = False
    module: str = ""
    timeout_s: float = EVALUATION_S
    rich_bytes: int = 0


def evaluate(request: EvalRequest, service: Service) -> tuple[Evaluated, ...]:
    """What the expression is in each of the workers that are asked.

    Raises:
        UsageError: It is empty or a statement, there is no such worker, or the time is none.
        WorkerLostError: The way to a service elsewhere was lost: what became of it is not known.
    """
    if not request.expression.strip():
        raise UsageError("an expression is needed, such as 'len(shop.pricing.CACHE)'")
    if request.workers and request.everywhere:
        raise UsageError("--worker or --all, not both")
    if not 0 < request.timeout_s <= MAX_TIMEOUT_S:
        raise UsageError(f"--timeout takes seconds, above 0 and up to {MAX_TIMEOUT_S:g}, not {request.timeout_s:g}")
    return service.evaluate(
        request.expression,
        workers=(ALL,) if request.everywhere else request.workers,
        module=request.module,
        timeout_s=request.timeout_s,
        rich_bytes=request.rich_bytes,
    )
