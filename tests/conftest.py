"""What all tests share: real programs, skipped with a reason where they are missing, and required in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

REQUIRED = "LIVECODE_REQUIRE_SERVERS"


def _require(program: str | tuple[str, ...], how_to_get: str) -> str:
    programs = (program,) if isinstance(program, str) else program
    for name in programs:
        if path := shutil.which(name):
            return path
    reason = f"{' or '.join(programs)} is not installed: {how_to_get}"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason} ({REQUIRED}=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require() -> Callable[[str | tuple[str, ...], str], str]:
    """`require(program, how_to_get)`: the path of a program (the first of several names that is found).

    A missing program skips the test with the reason; with LIVECODE_REQUIRE_SERVERS=1, as in CI, it is a failure.
    """
    return _require
