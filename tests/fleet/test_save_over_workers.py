"""Saving over all workers of a service: one file a machine, all or nothing, and the log knows."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livecode.errors import NotAllowedError, ProtocolError, WorkerLostError
from livecode.fleet import file_ops, generations
from livecode.fleet.client import RemoteWorker
from livecode.fleet.crew import Alone
from livecode.fleet.generations import Applied, Author
from livecode.fleet.permission import check_request
from livecode.fleet.saving import Saver
from livecode.fleet.service import Service, attach
from livecode.live.files import NewContents, write_together
from livecode.live.process import this_process
from livecode.model.codec import from_plain, to_plain
from livecode.model.log import NOTHING_YET, Action, Patch
from livecode.model.nouns import DiskState, ModuleStatus, ProcessStatus, Worker, checksum
from livecode.model.report import Verdict
from livecode.model.saving import FileFound, FileSaved, FileState, SaveOrder, SaveReport, SaveVerdict
from tests.fleet.test_generations import ANN, PUSH
from tests.services import RunningService, Services, wait_until

OLD = "import os\ndef quote():\n    return os.getpid(), 'old'\n"


def saying(word: str) -> str:
    return OLD.replace("old", word)


def started(services: Services, workers: int = 2) -> tuple[RunningService, Service]:
    """A gunicorn, which replaces workers that are killed."""
    running = services.gunicorn("shop", {"pricing.py": OLD}, "--workers", str(workers))
    wait_until(lambda: len(attach("shop").workers()) == workers, "all workers listen", running)
    return running, attach("shop")


def replace_a_worker(running: RunningService, service: Service, workers: int = 2) -> None:
    """Kills one, and waits for the one in its place."""
    before = {worker.pid for worker in service.workers()}
    os.kill(min(before), signal.SIGKILL)
    wait_until(
        lambda: len(found := {worker.pid for worker in service.workers()}) == workers and found != before,
        "another worker listens",
        running,
    )


def of_pricing(service: Service) -> set[tuple[int, str, DiskState]]:
    """What all workers say of the module."""
    found = (module for status in service.status() for module in status.modules if module.module == "pricing")
    return {(module.version, module.checksum, module.disk) for module in found}


def stale(service: Service) -> set[str]:
    return {name for status in service.status() for name in status.stale}


def answers(running: RunningService) -> set[str]:
    """What is answered over several requests, so by all workers, as far as chance has it."""
    return {running.get("pricing.quote()").partition(", ")[2].strip("')") for _ in range(20)}


def test_a_saved_patch_in_the_life_of_a_service(services: Services) -> None:
    """Workers that start later load the file; later pushes, undos and drops build on it; after a stop it is there."""
    running, service = started(services)
    file = running.folder / "pricing.py"
    assert service.push({"pricing": saying("two")}).verdict is Verdict.LIVE
    report = service.save("pricing", author="ann", reason="keep it")
    assert (report.verdict, len(report.files)) == (SaveVerdict.SAVED, 1)
    assert file.read_text() == saying("two")
    assert of_pricing(service) == {(2, checksum(saying("two")), DiskState.SAME)}
    state = service.log(1)[0]
    assert (state.action, state.modules, state.author, state.reason) == (Action.SAVE, ("pricing",), "ann", "keep it")

    replace_a_worker(running, service)  # it loads the file, as the version that it is
    assert (of_pricing(service), stale(service)) == ({(2, checksum(saying("two")), DiskState.SAME)}, set())

    assert service.push({"pricing": saying("three")}).verdict is Verdict.LIVE
    replace_a_worker(running, service)  # its patch is for the file as it was saved
    assert (of_pricing(service), stale(service)) == ({(3, checksum(saying("three")), DiskState.DIFFERS)}, set())
    assert answers(running) == {"three"}

    assert service.undo("pricing").verdict is Verdict.LIVE
    assert service.undo("pricing").verdict is Verdict.LIVE  # beyond what was saved
    replace_a_worker(running, service)
    assert {(digest, disk) for _, digest, disk in of_pricing(service)} == {(checksum(OLD), DiskState.DIFFERS)}
    assert answers(running) == {"old"}

    assert service.drop("pricing") == ("pricing",)
    wait_until(lambda: answers(running) == {"two"}, "what is on disk runs", running)
    running.stop()
    assert answers(services.again(running)) == {"two"}


def test_a_deploy_after_a_save_wins(services: Services) -> None:
    """What nobody knows on disk is a deploy, and the patch is stale."""
    running, service = started(services)
    service.push({"pricing": saying("two")})
    service.save("pricing")
    service.push({"pricing": saying("three")})
    (running.folder / "pricing.py").write_text(saying("deployed"))
    replace_a_worker(running, service)
    assert stale(service) == {"pricing"}
    report = service.save("pricing")  # it changed, and the workers differ
    assert (report.verdict, {refusal.code for refusal in report.refusals}) == (SaveVerdict.REFUSED, {"LC412", "LC413"})


def test_a_new_module_is_that_of_its_file_in_all_workers(services: Services) -> None:
    """Also in those that did not write it, and in those that start later."""
    running, service = started(services)
    assert service.push({"promo": "RATE = 2\n"}).verdict is Verdict.LIVE
    report = service.save("promo")
    assert (report.verdict, report.files[0].is_new) == (SaveVerdict.SAVED, True)
    assert (running.folder / "promo.py").read_text() == "RATE = 2\n"

    def disks() -> list[DiskState]:
        return [module.disk for status in service.status() for module in status.modules if module.module == "promo"]

    wait_until(lambda: disks() == [DiskState.SAME] * 2, "both workers know the file", running)
    assert service.push({"promo": "RATE = 3\n"}).verdict is Verdict.LIVE
    assert service.save("promo").verdict is SaveVerdict.SAVED
    replace_a_worker(running, service)
    assert stale(service) == set()
    assert (running.folder / "promo.py").read_text() == "RATE = 3\n"


def test_workers_that_differ_are_named(services: Services) -> None:
    """It is not clear what to save then, whoever is asked, and force does not help."""
    running, service = started(services)
    first = service.workers()[0]
    assert attach(first.pid).push({"pricing": saying("mine")}).ok
    for asked in (service, attach(first.pid)):
        report = asked.save("pricing", force=True)
        assert report.verdict is SaveVerdict.REFUSED
        (refusal,) = report.refusals
        assert (refusal.code, "v2" in refusal.what, "on w1" in refusal.what) == ("LC413", True, True)
    assert (running.folder / "pricing.py").read_text() == OLD
    sides = service.files("pricing")
    assert {(side.found.version, tuple(worker.name for worker in side.workers)) for side in sides} == {
        (2, ("w1",)),
        (1, ("w2",)),
    }


def test_a_worker_that_is_killed_while_it_writes(services: Services) -> None:
    """The file has the old or the new text, and the report says that this is not known."""
    running = services.threaded("shop", {"pricing.py": OLD})
    service = attach("shop")
    service.push({"pricing": saying("two")})
    running.get("setattr(os, 'fsync', lambda descriptor: os.kill(os.getpid(), 9))")
    report = service.save("pricing")
    assert report.verdict is SaveVerdict.UNKNOWN
    assert "the old or the new text" in str(report)
    assert (running.folder / "pricing.py").read_text() == OLD


SAVE = """
import sys
from livecode.fleet.service import attach
service = attach("shop")
print("ready", flush=True); sys.stdin.readline()
print(*[service.save("pricing", "taxes").verdict for _ in range(8)], sep="|")
"""


def test_two_who_save_at_once(services: Services) -> None:
    """Each is told that it was saved, that it was so already, or that somebody else is writing."""
    running = services.threaded("shop", {"pricing.py": OLD, "taxes.py": OLD})
    service = attach("shop")
    savers = [services.script(SAVE) for _ in range(2)]
    for saver in savers:
        assert saver.stdout is not None
        assert saver.stdout.readline() == "ready\n"
    over = threading.Event()
    written = {"pricing.py": {OLD}, "taxes.py": {OLD}}

    def push() -> None:
        for number in range(1000):
            if over.is_set():
                return
            source = saying(str(number))
            for texts in written.values():
                texts.add(source)
            service.push({"pricing": source, "taxes": source})

    pusher = threading.Thread(target=push)
    pusher.start()
    try:
        said = [saver.communicate("go\n", timeout=60)[0].strip().split("|") for saver in savers]
    finally:
        over.set()
        pusher.join()
    assert {verdict for verdicts in said for verdict in verdicts} <= {"SAVED", "SAME", "REFUSED"}
    assert all((running.folder / name).read_text() in texts for name, texts in written.items())
    report = service.save("pricing", "taxes")
    assert report.ok, str(report)
    assert {(running.folder / name).read_text() for name in written} == {service.source("pricing")}
    assert [path.name for path in running.folder.iterdir() if path.name.startswith(".")] == []


def test_what_is_no_request_is_said(services: Services) -> None:
    """At the door, as for every other operation."""
    services.threaded("shop", {"pricing.py": OLD})
    (door,) = attach("shop")._members.look()
    assert isinstance(door, RemoteWorker)
    for op, arguments in {
        "files": {"modules": "pricing", "place": "", "known": []},
        "contents": {"module": 1, "checksum": "", "place": ""},
        "save": {"orders": [{"module": "x"}], "key": "", "known": []},
        "put_back": {},
    }.items():
        with pytest.raises(ProtocolError, match=op):
            door.ask_files(op, **arguments)


@pytest.mark.parametrize("access", ["read", "approved"])
def test_agents_write_no_files(access: str) -> None:
    """Unless the service lets them push what they like."""
    for op in ("save", "put_back"):
        with pytest.raises(NotAllowedError, match="no agent write files"):
            check_request("shop", access, op, "an agent")
        check_request("shop", "push", op, "an agent")
        check_request("shop", access, op, None)
    check_request("shop", access, "files", "an agent")


# ── several machines ─────────────────────────────────────────────────────────────────────────────────────────


class Machine(RemoteWorker):
    """A worker of another machine, whose files are in a folder of its own; it may fail, or be lost."""

    def __init__(self, name: str, folder: Path, running: str = "new\n") -> None:
        super().__init__(Worker(name, 100, f"host of {name}", "3.11.7", "shop", key=name), "nowhere")
        folder.mkdir()
        self.file, self.running, self.asked = folder / "m.py", running, list[str]()
        self.file.write_text("old\n")
        self.fails = self.is_lost = False

    def ask_files(self, op: str, **arguments: Any) -> Any:
        self.asked.append(op)
        data = self.file.read_bytes()
        if op == "files":
            state = FileState.SAME if data.decode() == self.running else FileState.EARLIER
            found = FileFound("m", 2, checksum(self.running), str(self.file), "", state, f"{hash(data)}")
            return [to_plain(found)]
        if op == "save":
            if self.is_lost:
                raise WorkerLostError("it is gone")
            verdict = SaveVerdict.UNDONE if self.fails else SaveVerdict.SAVED
            if not self.fails:
                write_together([NewContents(str(self.file), self.running.encode(), data)])
            order = from_plain(SaveOrder, arguments["orders"][0])
            failure = "no room on the disk" if self.fails else ""
            return [to_plain(FileSaved("m", order.path, verdict, 2, order.checksum, failure=failure))]
        assert op == "put_back"
        self.file.write_text("old\n")
        return []

    def wake(self, generation: int) -> None:
        """Nobody is there."""


class Distant:
    """A worker without a door here."""

    def __init__(self, name: str, disk: DiskState) -> None:
        self.worker = Worker(name, 200, f"host of {name}", "3.11.7", "shop", key=name)
        self._module = ModuleStatus("m", 2, checksum("new\n"), disk)

    def status(self) -> ProcessStatus:
        return ProcessStatus(self.worker, (self._module,))


def save(*workers: Any) -> SaveReport:
    return Saver("shop", Alone(1), workers).save(["m"])


def test_every_machine_has_its_file(tmp_path: Path) -> None:
    """Reported machine by machine."""
    machines = [Machine(f"w{i}", tmp_path / str(i)) for i in (1, 2, 3)]
    report = save(*machines)
    assert (report.verdict, [file.host for file in report.files]) == (
        SaveVerdict.SAVED,
        ["host of w1", "host of w2", "host of w3"],
    )
    assert {machine.file.read_text() for machine in machines} == {"new\n"}
    assert "3 files written" in str(report)
    assert f"host of w2: {machines[1].file}" in str(report)


def test_a_machine_that_fails_takes_the_others_back(tmp_path: Path) -> None:
    """All of it or nothing, over machines, too."""
    first, second, third = (Machine(f"w{i}", tmp_path / str(i)) for i in (1, 2, 3))
    second.fails = True
    report = save(first, second, third)
    assert report.verdict is SaveVerdict.UNDONE
    assert {machine.file.read_text() for machine in (first, second, third)} == {"old\n"}
    assert third.asked == ["files"]
    assert "no room on the disk" in str(report)


def test_a_machine_that_is_lost_is_unknown(tmp_path: Path) -> None:
    """What was written before is put back."""
    first, second = (Machine(f"w{i}", tmp_path / str(i)) for i in (1, 2))
    second.is_lost = True
    report = save(first, second)
    assert [file.verdict for file in report.files] == [SaveVerdict.UNDONE, SaveVerdict.UNKNOWN]
    assert (report.verdict, report.ok) == (SaveVerdict.UNKNOWN, False)
    assert first.file.read_text() == "old\n"


def test_one_file_of_several_workers_is_written_once(tmp_path: Path) -> None:
    """By one of them."""
    first = Machine("w1", tmp_path / "1")
    second = Machine("w2", tmp_path / "2")
    second.worker, second.file = replace(second.worker, host=first.worker.host), first.file
    report = save(first, second)
    assert (report.verdict, len(report.files)) == (SaveVerdict.SAVED, 1)
    assert (first.asked, second.asked) == (["files", "save"], ["files"])


def test_machines_that_run_something_else(tmp_path: Path) -> None:
    """Nothing is written anywhere."""
    first, second = Machine("w1", tmp_path / "1"), Machine("w2", tmp_path / "2", "other\n")
    report = save(first, second)
    assert {refusal.code for refusal in report.refusals} == {"LC413"}
    assert first.file.read_text() == "old\n"


def test_machines_without_a_door_here(tmp_path: Path) -> None:
    """They are named with what to do there, unless their file says it already."""
    report = save(Machine("w1", tmp_path / "1"), Distant("w2", DiskState.DIFFERS), Distant("w3", DiskState.SAME))
    assert (report.verdict, len(report.files)) == (SaveVerdict.PARTLY, 2)
    assert "no door of host of w2 can be reached from here" in str(report)
    assert "save there: livecode save shop m" in str(report)
    report = save(Machine("w4", tmp_path / "4"), Distant("w3", DiskState.SAME))
    assert report.verdict is SaveVerdict.SAVED
    report = save(Distant("w2", DiskState.DIFFERS))
    assert (report.verdict, {refusal.code for refusal in report.refusals}) == (SaveVerdict.REFUSED, {"LC414"})


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_save_says_in_the_log() -> None:
    """What runs stays; its patch is for the new file, and for the old one, too."""
    before = replace(NOTHING_YET, generation=4, patches=(Patch("m", 4, "d4", "b"), Patch("n", 1, "d1", "b")))
    state = generations.saved(before, {"m": "d4", "other": "x"}, Author("ann", "why", 1.0, "key"))
    assert (state.generation, state.action, state.modules, state.began) == (5, Action.SAVE, ("m",), 5)
    assert state.patches == (Patch("m", 4, "d4", "d4", also=("b",)), before.patches[1])
    again = generations.saved(state, {"m": "d6"}, Author("ann", "why", 1.0, "key"))
    assert again.by_module["m"].also == ("d4", "b")
    assert generations.saved(again, {"m": "b"}, Author("ann", "why", 1.0, "key")).by_module["m"].also == ("d6", "d4")


def test_a_push_after_a_save_is_for_all_files_that_there_may_be() -> None:
    """A worker of a machine that was not reached has the old one still."""
    before = replace(NOTHING_YET, patches=(Patch("m", 4, "d4", "d4", also=("b",)),))
    trial = generations.tried(before, PUSH, ANN, "trial", ("w1",), {"m": 4})  # type: ignore[arg-type]
    for base, also in (("d4", ("b",)), ("b", ("d4",))):
        patch = generations.went_live(trial, Action.PUSH, {"m": Applied("d5", base)}).by_module["m"]
        assert (patch.base, patch.also) == (base, also)


def test_the_own_process_is_saved_without_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook that is not attached."""
    from livecode.fleet.service import here
    from livecode.live import tracking

    (tmp_path / "own_saved.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    tracking.track(tmp_path)
    try:
        __import__("own_saved")
        assert here().push({"own_saved": "x = 2\n"}).ok
        assert here().save("own_saved").verdict is SaveVerdict.SAVED
        assert (tmp_path / "own_saved.py").read_text() == "x = 2\n"
        assert file_ops.OPERATIONS["files"](
            this_process(), {"op": "files", "modules": ["own_saved"], "place": "", "known": []}
        )
    finally:
        sys.modules.pop("own_saved", None)
        tracking.untrack_all()


def test_a_process_that_is_gone_is_no_reason_to_wait(services: Services) -> None:
    """A worker that does not answer is named, and nothing is written."""
    running, service = started(services)
    service.push({"pricing": saying("two")})
    slow = attach("shop", answer_s=1.0)
    stopped = service.workers()[0].pid
    os.kill(stopped, signal.SIGSTOP)
    try:
        report = slow.save("pricing")
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert (report.verdict, {refusal.code for refusal in report.refusals}) == (SaveVerdict.REFUSED, {"LC413"})
    assert "did not answer within" in str(report)
    assert (running.folder / "pricing.py").read_text() == OLD
