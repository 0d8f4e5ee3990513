"""Another machine, once a module of tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.fleet.service import Service, attach
from tests.fleet.remote.far import OLD, Far, far_machine

Attach = Callable[[str], Service]


@pytest.fixture(scope="module")
def machine() -> Iterator[Far]:
    """Another machine with a service of three workers."""
    with tempfile.TemporaryDirectory(prefix="lcf", dir="/tmp") as folder, far_machine(Path(folder)) as made:
        yield made


@pytest.fixture
def far(machine: Far) -> Iterator[Far]:
    """The same, where all workers answer "old" before and after a test."""
    yield machine
    with_old = attach(machine.url("docker"))
    assert with_old.push({"pricing": OLD}, force=True).ok
    with_old.close()


@pytest.fixture
def attached() -> Iterator[Attach]:
    """Attaches, and ends the relay after the test."""
    services: list[Service] = []

    def attach_to(url: str) -> Service:
        services.append(attach(url))
        return services[-1]

    yield attach_to
    for service in services:
        service.close()
