"""The files of a service on another machine: what differs there, and saving it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livecode.fleet.service import Service
from livecode.front.differences import DiffRequest, differences, patch_text
from livecode.model.saving import SaveVerdict
from tests.fleet.faults.machines import quoting
from tests.fleet.remote.far import OLD, Far


@pytest.mark.parametrize("way", ["ssh", "docker"])
def test_files_there(far: Far, attached: Callable[[str], Service], way: str) -> None:
    """Each worker of that machine has a folder of its own: all files are written there, in the words of this side."""
    service, new = attached(far.url(way)), quoting(f"saved by {way}")
    files = [worker.folder / "pricing.py" for worker in far.workers]
    try:
        assert service.push({"pricing": new}).ok
        found = differences(DiffRequest(("pricing",)), service)
        assert {(each.before.name, each.is_same) for each in found} == {("pricing.py (disk)", False)}
        one = patch_text(DiffRequest(("pricing",), 1, service.history("pricing").versions[-1].number), service)
        assert b"+++ b/pricing.py\n" in one
        report = service.save("pricing", author="ann", reason="keep")
        assert (report.verdict, len(report.files), report.author) == (SaveVerdict.SAVED, len(files), "ann")
        assert {file.read_text() for file in files} == {new}
        assert service.log(1)[0].reason == "keep"
        assert service.save("pricing").verdict is SaveVerdict.SAME
    finally:
        for file in files:
            file.write_text(OLD)
