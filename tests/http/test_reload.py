"""What a reload chooses from its folder, and what it says of the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livecode.http.actions import Call, diff, reload
from livecode.http.answers import Answer
from livecode.http.exchange import Problem
from livecode.http.mounted import CodeFolder
from livecode.live.tracking import untrack_all
from livecode.model.nouns import DiskState, ModuleStatus, ProcessStatus, checksum
from livecode.model.report import ModuleOutcome, Outcome, Verdict
from tests.http.fakes import LIVE, WORKER, FakeService
from tests.http.test_servers import lay_out

RUNS = {"shop": "", "shop.pricing": "RATE = 2\n", "shop.orders": "x = 1\n"}
SILENT = ProcessStatus(replace(WORKER, name="w2"), (), busy="w2 (pid 72) did not answer within 5 s")


def status(runs: dict[str, str]) -> ProcessStatus:
    """A worker that runs these sources."""
    files = {name: f"/srv/now/{name.replace('.', '/')}.py" for name in runs} | {"shop": "/srv/now/shop/__init__.py"}
    modules = (ModuleStatus(name, 1, checksum(text), DiskState.SAME, files[name]) for name, text in runs.items())
    return ProcessStatus(WORKER, tuple(modules), folders=("/srv/now",))


class Running(FakeService):
    """A service whose workers run these sources."""

    def __init__(self, *statuses: ProcessStatus) -> None:
        super().__init__()
        self.statuses = statuses

    def peek(self) -> tuple[ProcessStatus, ...]:
        return self.statuses

    def source(self, module: str) -> str | None:
        return RUNS.get(module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as it runs."""
    files = {"shop/__init__.py": "", "shop/pricing.py": RUNS["shop.pricing"], "shop/orders.py": RUNS["shop.orders"]}
    lay_out(tmp_path / "next", files)
    return tmp_path / "next"


def ask(folder: Path, service: Running, **body: Any) -> Answer:
    """What a reload answers."""
    return reload(Call(service, "ci@here", body, {}, folder=CodeFolder(folder)))  # type: ignore[arg-type]


def sent(service: Running) -> dict[str, str]:
    """What was pushed, once."""
    ((_, sources, _),) = service.calls  # type: ignore[misc]
    return sources  # type: ignore[has-type,no-any-return]


def test_only_what_differs_is_sent(folder: Path) -> None:
    """With a new module that it imports; what is new otherwise is left for whoever imports it."""
    files = {"shop/pricing.py": "from shop.rates import RATE\n", "shop/rates.py": "RATE = 3\n", "shop/other.py": "y\n"}
    lay_out(folder, files)
    service = Running(status(RUNS))
    assert ask(folder, service, reason="r").status == 200
    assert sent(service) == {"shop.rates": "RATE = 3\n", "shop.pricing": "from shop.rates import RATE\n"}


def test_where_nothing_differs_nothing_is_sent(folder: Path) -> None:
    """SAME, for every worker."""
    service = Running(status(RUNS))
    answer = ask(folder, service)
    assert (answer.status, answer.plain["verdict"], service.calls) == (200, "SAME", [])


def test_one_worker_that_differs_is_enough(folder: Path) -> None:
    """It may have been restarted, or was cut off."""
    service = Running(status(RUNS), status({**RUNS, "shop.orders": "x = 0\n"}))
    ask(folder, service)
    assert sent(service) == {"shop.orders": "x = 1\n"}


def test_a_worker_that_says_nothing_is_not_taken_for_the_same(folder: Path) -> None:
    """What differs there is not known: nothing is sent, and it is said."""
    service = Running(status(RUNS), SILENT)
    with pytest.raises(Problem, match="w2 did not say") as raised:
        ask(folder, service)
    assert (raised.value.status, service.calls) == (504, [])


def test_all_may_be_sent(folder: Path) -> None:
    """To be checked on every worker."""
    service = Running(status(RUNS))
    ask(folder, service, changed_only=False)
    assert set(sent(service)) == set(RUNS)


def test_some_may_be_named(folder: Path) -> None:
    """Of those that are loaded; another name is refused, whatever it would lead to."""
    lay_out(folder, {"shop/pricing.py": "RATE = 3\n", "shop/orders.py": "x = 2\n"})
    service = Running(status(RUNS))
    ask(folder, service, modules=["shop.orders"])
    assert sent(service) == {"shop.orders": "x = 2\n"}
    answer = ask(folder, service, modules=["shop.orders", "os.path"])
    assert (answer.status, answer.plain["refusals"][0]["code"], len(service.calls)) == (422, "LC507", 1)


def test_a_bad_file_keeps_all_from_being_sent(folder: Path, tmp_path: Path) -> None:
    """NOT SENT, with the file from the folder on and what is wrong with it."""
    (folder / "shop" / "orders.py").unlink()
    (tmp_path / "secret.py").write_text("x = 2\n")
    (folder / "shop" / "orders.py").symlink_to(tmp_path / "secret.py")
    service = Running(status(RUNS))
    answer = ask(folder, service)
    assert (answer.status, answer.plain["verdict"], service.calls) == (422, "NOT SENT", [])
    assert answer.plain["failure"]["message"] == "next/shop/orders.py: a symbolic link leads out of the folder"
    assert "secret" not in json.dumps(answer.plain)


def test_what_is_left_as_it_is_is_said(folder: Path) -> None:
    """A module without a file, and one that has become a package."""
    (folder / "shop" / "orders.py").unlink()
    (folder / "shop" / "pricing.py").unlink()
    lay_out(folder, {"shop/pricing/__init__.py": "RATE = 3\n"})
    service = Running(status(RUNS))
    (outcome,) = ask(folder, service).plain["outcomes"]
    assert service.calls == []
    assert outcome["warnings"] == [
        "shop.orders stays loaded, although the folder has no file of it; unload it if nothing needs it",
        "shop.pricing is left as it is: next/shop/pricing/__init__.py makes it a package, which takes a restart",
    ]


def test_a_diff_goes_from_what_runs_to_the_folder(folder: Path) -> None:
    """And is empty where both are the same."""
    lay_out(folder, {"shop/pricing.py": "RATE = 3\n"})
    call = Call(Running(status(RUNS)), "ci", {}, {}, "shop.pricing", CodeFolder(folder))  # type: ignore[arg-type]
    plain = diff(call).plain
    assert plain["diff"] == [
        *("--- shop.pricing (runs)", "+++ next/shop/pricing.py", "@@ -1 +1 @@", "-RATE = 2", "+RATE = 3")
    ]
    assert not plain["same"]
    assert diff(replace(call, module="shop.orders")).plain["same"]
    with pytest.raises(Problem, match="no source"):
        diff(replace(call, module="os"))


def test_a_report_says_paths_from_the_folder_on(folder: Path) -> None:
    """Also where the endpoint is in a process beside the service, which tracks nothing itself."""
    untrack_all()
    service = Running(status(RUNS))
    module = ModuleOutcome("shop.orders", 1, 2, file="/srv/now/shop/orders.py")
    service.report = replace(LIVE, outcomes=(Outcome(WORKER, Verdict.LIVE, (module,)),))
    lay_out(folder, {"shop/orders.py": "x = 2\n"})
    answer = ask(folder, service)
    assert answer.plain["outcomes"][0]["modules"][0]["file"] == "now/shop/orders.py"
    assert answer.text is not None
    assert "/srv" not in answer.text()
