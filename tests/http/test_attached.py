"""Services are kept from request to request, and attached anew where that is needed."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest

from livecode.errors import StoreError, UsageError
from livecode.fleet import service as services_room
from livecode.http.attached import KEPT, Attached
from livecode.http.exchange import Problem


class Attachable:
    """Stands for a Service."""

    def __init__(self, name: str) -> None:
        self.name, self.looked = name, 0

    def look_at_log(self) -> None:
        self.looked += 1


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> Attached:
    """Attaches what is asked for."""
    monkeypatch.setattr(services_room, "attach", lambda name, store: Attachable(name))
    return Attached()


def test_a_service_is_kept_and_looks_anew(attached: Attached) -> None:
    """What was pushed meanwhile is no conflict for somebody who comes now."""
    with attached.service("shop") as first:
        pass
    with attached.service("shop") as second:
        assert second is first
        assert second.looked == 1  # type: ignore[attr-defined]
    with attached.service("other") as third:
        assert third.name == "other"


def test_two_at_once_have_one_each(attached: Attached) -> None:
    """And not more are kept than a few."""
    with ExitStack() as stack:
        used = [stack.enter_context(attached.service("shop")) for _ in range(KEPT + 3)]
        assert len(set(map(id, used))) == KEPT + 3
    with ExitStack() as stack:
        again = [stack.enter_context(attached.service("shop")) for _ in range(KEPT + 3)]
        assert len({*map(id, used)} & {*map(id, again)}) == KEPT


def test_after_an_error_it_is_attached_anew(attached: Attached) -> None:
    """Its connections may be broken."""
    with suppress(StoreError), attached.service("shop") as first:
        raise StoreError("away")
    with attached.service("shop") as second:
        assert second is not first


def test_a_child_does_not_use_what_it_inherited(attached: Attached, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections are its parent's."""
    with attached.service("shop") as first:
        pass
    monkeypatch.setattr("livecode.http.attached.os.getpid", lambda: -1)
    with attached.service("shop") as second:
        assert second is not first


def test_a_store_that_does_not_fit_is_told_to_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks is not told where the stores are."""

    def refuse(name: str, store: str) -> None:
        raise UsageError("the workers of shop follow redis://cache-1, not redis://cache-2")

    monkeypatch.setattr(services_room, "attach", refuse)
    with pytest.raises(Problem) as raised, Attached("redis://cache-2").service("shop"):
        pass
    assert raised.value.status == 503
    assert "cache" not in raised.value.detail
    assert "cache-1" in caplog.text
