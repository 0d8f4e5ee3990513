"""Fixtures for tests with frameworks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.live.forker import Forker


@pytest.fixture(scope="session")
def frameworks() -> Iterator[Forker]:
    """A process that has the frameworks loaded, and forks for every question."""
    wanted = ("fastapi.testclient", "flask", "celery", "click.testing", "typer.testing")
    made = Forker(*(name for name in wanted if find_spec(name.partition(".")[0])))
    yield made
    made.close()
