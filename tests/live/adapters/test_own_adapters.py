"""Adapters that another installed package brings: found by the entry point, used, and named where they are wrong."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.live.adapters import services
from tests.live.forker import Forker

FRAMEWORK = """class Job:
    def __init__(self, run, every):
        self.run, self.every = run, every

class Scheduler:
    def __init__(self):
        self.jobs = ()
        self.slowest = 0

    def every(self, seconds):
        def keep(run):
            self.add(run, seconds)
            return run
        return keep

    def add(self, run, seconds):
        self.jobs = (*self.jobs, Job(run, seconds))
        self.slowest = max(job.every for job in self.jobs)
"""
ADAPTER = """import sys
from dataclasses import dataclass
from typing import Any

from livecode.live.adapters.protocol import Adapter, set_attribute

@dataclass(frozen=True)
class Jobs:
    scheduler: Any

    def entries(self):
        return self.scheduler.jobs

    def filled(self, entries):
        yield set_attribute(self.scheduler, "jobs", tuple(entries))
        yield set_attribute(self.scheduler, "slowest", max((job.every for job in entries), default=0))

class JobsAdapter(Adapter):
    framework = "ticking"

    def owns(self, thing):
        return isinstance(thing, sys.modules["ticking"].Scheduler)

    def registries(self, owner):
        yield Jobs(owner)
"""
SERVICE = """from ticking import Scheduler

scheduler = Scheduler()

@scheduler.every(5)
def fast():
    return "fast"

def slow():
    return "slow"

scheduler.add(slow, 60)
"""
ASKED = ["[(job.run(), job.every) for job in m.scheduler.jobs]", "m.scheduler.slowest"]


def installed(adapter: str, versions: list[str]) -> list[dict[str, Any]]:
    """What becomes of pushes where a distribution is installed that has a framework and its adapter."""
    site = Path(tempfile.mkdtemp(prefix="installed"))
    (site / "ticking.py").write_text(FRAMEWORK)
    (site / "ticking_livecode.py").write_text(adapter)
    info = site / "ticking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ticking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[livecode.adapters]\nticking = ticking_livecode:JobsAdapter\n")
    sys.path.insert(0, str(site))
    lived = services.lived([{"m": text} for text in versions], services.evaluated, ASKED)
    return [*lived, {"loaded": "ticking_livecode" in sys.modules}]


def ran(versions: list[str]) -> list[dict[str, Any]]:
    """The same, with an adapter that works."""
    return installed(ADAPTER, versions)


@pytest.mark.parametrize(
    "edits",
    [
        [("every(5)", "every(90)"), ("def fast()", "def fast(n=1)")],
        [('@scheduler.every(5)\ndef fast():\n    return "fast"\n', "")],
        [("add(slow, 60)", "add(slow, 30)"), ("scheduler.add(slow, 30)\n", "")],
        [("scheduler.add(slow, 60)\n", "scheduler.add(fast, 70)\nscheduler.add(slow, 60)\n")],
    ],
)
def test_an_installed_adapter_is_used(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Jobs of a framework that livecode does not know are those of the source, and what is derived from them."""
    versions = [SERVICE]
    for old, new in edits:
        assert old in versions[-1]
        versions.append(versions[-1].replace(old, new))
    versions += [*reversed(versions[:-1])]
    *lived, last = frameworks.ask(ran, versions)
    assert [entry["verdict"] for entry in lived] == ["", *["LIVE"] * (len(versions) - 1)]
    assert last["loaded"]
    for text, entry in zip(versions, lived, strict=True):
        assert entry["answers"] == frameworks.ask(ran, [text])[0]["answers"]


def test_an_adapter_is_not_loaded_before_it_is_needed(frameworks: Forker) -> None:
    """A push of a body does not ask for it."""
    *_, last = frameworks.ask(ran, [SERVICE, SERVICE.replace('"slow"', '"slower"')])
    assert not last["loaded"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("import sys\n", "import sys\nimport no_such_module\n", "cannot be loaded: ModuleNotFoundError"),
        ("class JobsAdapter(", "class OtherAdapter(", "cannot be loaded: AttributeError"),
        ("class JobsAdapter(Adapter):", "class JobsAdapter:", "does not implement registered, filled_by"),
        ("    def owns", "    def has", "does not implement owns"),
        ('    framework = "ticking"\n', "", "does not say its `framework`"),
        ("return isinstance(thing", "return isinstance(1 / 0", "failed in owns(): ZeroDivisionError"),
    ],
)
def test_an_adapter_that_is_wrong_is_named(old: str, new: str, says: str, frameworks: Forker) -> None:
    """The push is refused before anything is touched, with what is wrong in whose adapter."""
    assert old in ADAPTER
    before, after, _ = frameworks.ask(installed, ADAPTER.replace(old, new), [SERVICE, SERVICE.replace("5", "7")])
    assert (after["verdict"], after["answers"]) == ("REFUSED", before["answers"])
    assert after["says"][0].startswith("LC302 ")
    assert "ticking_livecode:JobsAdapter (entry point 'ticking' of ticking) " in after["says"][0]
    assert says in after["says"][0]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("yield Jobs(owner)", "return None", "failed in registries(): TypeError"),
        ("yield Jobs(owner)", "yield 5", "failed in registries(): TypeError: int is no registry"),
        ("def filled(self, entries):\n", "def filled(self, entries):\n        raise KeyError(1)\n", "KeyError"),
        ('yield set_attribute(self.scheduler, "jobs", tuple(entries))', "yield 5", "AttributeError"),
    ],
)
def test_an_adapter_that_fails_later_changes_nothing(old: str, new: str, says: str, frameworks: Forker) -> None:
    """What raises while the push is carried out takes it back."""
    assert old in ADAPTER
    before, after, _ = frameworks.ask(installed, ADAPTER.replace(old, new), [SERVICE, SERVICE.replace("5", "7")])
    assert (after["verdict"], after["answers"]) == ("ROLLED BACK", before["answers"])
    assert says in after["says"][0]
