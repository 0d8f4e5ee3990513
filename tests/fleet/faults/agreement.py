"""Whether all workers of a service are where its log is: by what they report, and by what they answer."""

from __future__ import annotations

from collections.abc import Iterable

from livecode.fleet.log import Log
from livecode.fleet.store import open_store
from livecode.model.log import State
from tests.services import RunningService, Services, wait_until

SETTLE_S = 15.0


def log_of(services: Services, service: str = "shop") -> Log:
    """The embedded log of a service; the caller closes it."""
    return Log(open_store(f"sqlite://{services.doors}/{service}.sqlite", service))


def differences(services: Services, pids: Iterable[int], service: str = "shop") -> list[str]:
    """What keeps these workers from being where the log is; none if they all are."""
    log = log_of(services, service)
    try:
        state = log.state()
        reports = {report.worker.pid: report for report in log.reports().values() if not report.pusher}
    finally:
        log.close()
    found = [f"on trial: {state.modules}"] if state.trial is not None else []
    for pid in pids:
        report = reports.get(pid)
        if report is None:
            found.append(f"{pid} reports nothing")
            continue
        held = {each.module: (each.version, each.digest) for each in report.held}
        wanted = {patch.module: (patch.version, patch.digest) for patch in state.patches}
        if report.generation != state.generation or report.trouble or held != wanted:
            found.append(f"{pid}: {report.generation} of {state.generation}, {report.trouble!r}, {held}, not {wanted}")
    return found


def agreed(
    services: Services, started: Iterable[RunningService], answer: str, expression: str = "pricing.quote()"
) -> State:
    """The generation on which all are, as soon as all answer that; waits for nobody to help them."""
    running = list(started)
    said: list[str] = []

    def holds() -> bool:
        said[:] = [*differences(services, [each.pid for each in running]), *(each.get(expression) for each in running)]
        return said == [answer] * len(running)

    try:
        wait_until(holds, "all agree", timeout_s=SETTLE_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {said}, and {answer} is expected") from None
    log = log_of(services)
    try:
        return log.state()
    finally:
        log.close()
