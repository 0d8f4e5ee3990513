"""Real services with an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts real services; ends them after the test."""
    with Services(tmp_path) as started:
        yield started
