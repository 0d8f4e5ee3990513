"""Fixtures for tests of the live engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.forker import Forker


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """A process that forks for every question."""
    made = Forker()
    yield made
    made.close()
