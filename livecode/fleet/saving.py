"""Saving over all workers of a service: every file once, by a worker of its own machine.

    survey ── agree? ── nothing in the way? ── write, host by host ── say it in the log
                │              │                      └─ one fails: those before it are put back
                └──────────────┴── REFUSED, nothing was written

Workers of other machines that cannot be reached through a door keep their files, and the report says so.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from livecode.engine.refusals import refusal
from livecode.errors import LivecodeError, StoreError, WorkerLostError
from livecode.fleet.client import LocalWorker, RemoteWorker, WorkerClient
from livecode.fleet.crew import Members
from livecode.fleet.together import ask_all
from livecode.live.saving import shown
from livecode.model.codec import from_plain, to_plain
from livecode.model.nouns import DiskState, ProcessStatus, Worker
from livecode.model.report import Refusal
from livecode.model.saving import (
    Contents,
    FileFound,
    FileSaved,
    FileSide,
    SaveOrder,
    SaveReport,
    SaveVerdict,
)

NOT_LOADED = "LC507"
Near = LocalWorker | RemoteWorker


@dataclass(frozen=True, slots=True)
class Look:
    """What one worker found."""

    client: Near
    found: FileFound

    @property
    def place(self) -> tuple[str, str, str]:
        """Tells one file from another."""
        return self.client.worker.host, self.found.path, self.found.identity


@dataclass(frozen=True, slots=True)
class Survey:
    """What all workers say of the modules.

    Attributes:
        looks: By module, one a worker that can be reached.
        lost: Workers that did not answer, and why.
        distant: What those say that can only be heard through the store.
    """

    looks: Mapping[str, tuple[Look, ...]]
    lost: tuple[str, ...]
    distant: tuple[ProcessStatus, ...]


def survey(
    clients: Sequence[WorkerClient], modules: Sequence[str], *, place: str = "", known: Iterable[str] = (), force: bool
) -> Survey:
    """What all workers say of the files of these modules."""
    near = [client for client in clients if isinstance(client, LocalWorker | RemoteWorker)]
    distant = tuple(client.status() for client in clients if not isinstance(client, LocalWorker | RemoteWorker))
    question = {"modules": list(modules), "place": place, "known": sorted(set(known)), "force": force}

    def ask(client: Near) -> list[Look] | WorkerLostError:
        try:
            return [Look(client, from_plain(FileFound, each)) for each in client.ask_files("files", **question)]
        except WorkerLostError as error:
            return error

    answers = ask_all(ask, near)
    lost = tuple(str(answer) for answer in answers if isinstance(answer, WorkerLostError))
    told = [answer for answer in answers if not isinstance(answer, WorkerLostError)]
    looks = {name: tuple(answer[i] for answer in told) for i, name in enumerate(modules)}
    return Survey(looks, lost, distant)


def sides(found: Survey, *, place: str = "") -> tuple[FileSide, ...]:
    """Every module's file beside every source of it that runs, with the workers that run it."""
    groups: dict[tuple[object, ...], list[Look]] = {}
    for name, looks in found.looks.items():
        for look in _chosen(looks):
            groups.setdefault((name, *look.place, look.found.checksum), []).append(look)
    return tuple(_side(group, place) for group in groups.values())


def _side(group: Sequence[Look], place: str) -> FileSide:
    first = group[0]
    found = first.found
    answer = first.client.ask_files("contents", module=found.module, checksum=found.checksum, place=found.path or place)
    workers = tuple(look.client.worker for look in group)
    return FileSide(workers, found, from_plain(Contents, answer))


def _chosen(looks: Sequence[Look]) -> tuple[Look, ...]:
    """Those of workers that know the module; of one that nobody knows, what the first one says."""
    knowing = tuple(look for look in looks if not _is_unknown(look.found))
    return knowing or tuple(looks[:1])


def _is_unknown(found: FileFound) -> bool:
    """True for a module that was never loaded there."""
    return not found.path and not found.checksum and any(each.code == NOT_LOADED for each in found.refusals)


class Saver:
    """Saves what the workers of a service run.

    Args:
        service: Its name; empty for the own process.
        members: Its workers and their log.
        clients: Those that are there.
    """

    def __init__(self, service: str, members: Members, clients: Sequence[WorkerClient]) -> None:
        self._service, self._members, self._clients = service, members, clients

    def save(
        self, modules: Sequence[str], *, place: str = "", force: bool = False, author: str = "", reason: str = ""
    ) -> SaveReport:
        """What became of it.

        Raises:
            ProtocolError: A worker was made for another livecode. Nothing was written.
        """
        began = time.perf_counter()
        known = tuple(self._bases(modules))
        found = survey(self._clients, modules, place=place, known=known, force=force)
        planned = tuple(file for name in modules for file in _planned(name, found))
        report = SaveReport(SaveVerdict.REFUSED, planned, self._service, author, reason)
        if not any(file.refusals for file in planned):
            files = self._write(found, known, force)
            report = replace(report, verdict=_verdict(files), files=files)
            report = self._told(report, found)
        return replace(report, duration_ms=(time.perf_counter() - began) * 1000)

    def _bases(self, modules: Sequence[str]) -> Iterable[str]:
        """What the log says that the files may have."""
        try:
            log = self._members.log() if self._members.has_log() else None
            patches = log.state().by_module if log is not None else {}
        except StoreError:  # what the workers remember has to do; that the log was not told is said at the end
            return
        for name in modules:
            if (patch := patches.get(name)) is not None:
                yield from filter(None, (patch.base, *patch.also))

    def _write(self, found: Survey, known: tuple[str, ...], force: bool) -> tuple[FileSaved, ...]:
        """All files, host by host; when one fails, those before it are put back."""
        files: list[FileSaved] = []
        done: list[tuple[Near, str]] = []
        for client, orders in _orders(found).items():
            key = secrets.token_hex(8)
            try:
                answer = client.ask_files(
                    "save", orders=[to_plain(order) for order in orders], key=key, known=list(known), force=force
                )
                written = [_of(client.worker, from_plain(FileSaved, each)) for each in answer]
            except WorkerLostError as error:
                why = f"{error} while it wrote: the file has the old or the new text, look at the difference"
                written = [_lost(client.worker, order, why) for order in orders]
            files += written
            if not all(file.verdict in (SaveVerdict.SAVED, SaveVerdict.SAME) for file in written):
                return tuple(self._put_back(files, done))
            done.append((client, key))
        return tuple(files)

    def _put_back(self, files: list[FileSaved], done: Sequence[tuple[Near, str]]) -> list[FileSaved]:
        """The files with what became of those that were written already."""
        for client, key in reversed(done):
            try:
                left, why = set(client.ask_files("put_back", key=key)), ""
            except LivecodeError as error:
                left, why = {file.path for file in files}, str(error)
            for i, file in enumerate(files):
                if file.worker == client.worker.name and file.verdict is SaveVerdict.SAVED:
                    kept = bool(left & {file.path, "all of them: somebody else saved since then"})
                    failure = f"it could not be put back, and has the new text {why}".strip() if kept else ""
                    verdict = SaveVerdict.PARTLY if kept else SaveVerdict.UNDONE
                    files[i] = replace(file, verdict=verdict, failure=failure)
        return files

    def _told(self, report: SaveReport, found: Survey) -> SaveReport:
        """The same after the log was told, and with the machines that could not be reached."""
        said = {file.module: file.checksum for file in report.files}
        written = {file.module for file in report.files if file.verdict is SaveVerdict.SAVED}
        if report.ok and said:
            try:
                log = self._members.log() if self._members.has_log() else None
                if log is not None:
                    log.note_saved(said, written, report.author, report.reason)
                    self._wake(log.now.generation)
            except StoreError as error:
                why = f"the log was not told ({error}): save again when it can be, or later pushes count as stale"
                report = replace(report, remarks=(*report.remarks, why))
        missing = tuple(_unreached(found))
        if not missing:
            return report
        verdict = SaveVerdict.PARTLY if report.ok else report.verdict
        return replace(report, verdict=verdict, files=(*report.files, *missing))

    def _wake(self, generation: int) -> None:
        for client in self._clients:
            if isinstance(client, RemoteWorker):
                client.wake(generation)


def _planned(name: str, found: Survey) -> Iterable[FileSaved]:
    """Each file of one module, with what stands in the way; UNDONE stands for not written."""
    looks = _chosen(found.looks.get(name, ()))
    general = tuple(_disagreements(name, looks, found))
    if not looks:
        far = refusal("LC414", f"no worker with a door on this machine runs {name}", module=name)
        yield FileSaved(name, "", SaveVerdict.REFUSED, refusals=(*general, far))
        return
    for look in _writers(looks):
        it, refusals = look.found, tuple(dict.fromkeys((*general, *look.found.refusals)))
        verdict = SaveVerdict.REFUSED if refusals else SaveVerdict.UNDONE
        yield _of(
            look.client.worker,
            FileSaved(
                name, it.path, verdict, it.version, it.checksum, shown=shown(it), link=it.link, refusals=refusals
            ),
        )


def _disagreements(name: str, looks: Sequence[Look], found: Survey) -> Iterable[Refusal]:
    """Why it is not clear what to save."""
    for why in found.lost:
        yield refusal("LC413", f"what it runs of {name} is not known: {why}", way_out="save again", module=name)
    running: dict[tuple[str, int], list[str]] = {}
    for look in looks:
        if look.found.checksum:
            running.setdefault((look.found.checksum, look.found.version), []).append(look.client.worker.name)
    for status in found.distant:
        for module in status.modules:
            if module.module == name and module.checksum:
                running.setdefault((module.checksum, module.version), []).append(status.worker.name)
    if len({digest for digest, _ in running}) > 1:
        said = ", ".join(
            f"v{version} ({digest[:7]}) on {' '.join(dict.fromkeys(who))}" for (digest, version), who in running.items()
        )
        yield refusal("LC413", f"the workers run {name} in {len(running)} versions: {said}", module=name)


def _writers(looks: Sequence[Look]) -> tuple[Look, ...]:
    """One worker a file."""
    return tuple({look.place: look for look in reversed(looks)}.values())[::-1]


def _orders(found: Survey) -> dict[Near, list[SaveOrder]]:
    orders: dict[Near, list[SaveOrder]] = {}
    for name, looks in found.looks.items():
        for look in _writers(_chosen(looks)):
            order = SaveOrder(name, look.found.checksum, look.found.path, look.found.found)
            orders.setdefault(look.client, []).append(order)
    return orders


def _of(worker: Worker, file: FileSaved) -> FileSaved:
    return replace(file, host=worker.host, worker=worker.name)


def _lost(worker: Worker, order: SaveOrder, why: str) -> FileSaved:
    file = FileSaved(order.module, order.path, SaveVerdict.UNKNOWN, checksum=order.checksum, failure=why)
    return _of(worker, file)


def _unreached(found: Survey) -> Iterable[FileSaved]:
    """The files of machines without a door here that do not say what runs."""
    seen: set[tuple[str, str]] = set()
    for status in found.distant:
        for module in status.modules:
            key = module.module, status.worker.host
            if module.module in found.looks and module.disk is not DiskState.SAME and key not in seen:
                seen.add(key)
                host = status.worker.host
                why = f"no door of {host} can be reached from here"
                way = f"save there: livecode save {status.worker.service} {module.module}"
                refused = (refusal("LC414", why, way_out=way, module=module.module),)
                yield _of(
                    status.worker,
                    FileSaved(
                        module.module, "", SaveVerdict.REFUSED, module.version, module.checksum, refusals=refused
                    ),
                )


_WORST_FIRST = (
    SaveVerdict.PARTLY,
    SaveVerdict.UNKNOWN,
    SaveVerdict.REFUSED,
    SaveVerdict.UNDONE,
    SaveVerdict.SAVED,
    SaveVerdict.SAME,
)


def _verdict(files: Sequence[FileSaved]) -> SaveVerdict:
    """The word for all of them."""
    return min((file.verdict for file in files), key=_WORST_FIRST.index, default=SaveVerdict.SAME)
