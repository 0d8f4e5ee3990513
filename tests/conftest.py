"""What all tests share: real programs, skipped with a reason where they are missing, and required in CI."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.services import required_program


@pytest.fixture(scope="session")
def require() -> Callable[[str | tuple[str, ...], str], str]:
    """`require(program, how_to_get)`: the path of a program (the first of several names that is found).

    A missing program skips the test with the reason; with LIVECODE_REQUIRE_SERVERS=1, as in CI, it is a failure.
    """
    return required_program
