"""A service end to end: real processes, real pushes, and what is said of each worker."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from livecode.errors import ServiceNotFoundError, UsageError
from livecode.fleet.rollout import Policy
from livecode.fleet.service import Service, attach, here
from livecode.model.nouns import checksum
from livecode.model.report import Outcome, Report, Verdict
from tests.services import RunningService, Services, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
THIRD = "def quote():\n    return 'third'\n"
DIES = "import os\nos.kill(os.getpid(), 9)\ndef quote():\n    return 'dead'\n"


@pytest.fixture
def shop(services: Services) -> tuple[Service, list[RunningService]]:
    """Two processes of one name that run the module `pricing`, in the order w1, w2."""
    started = [services.threaded("shop", {"pricing.py": OLD}) for _ in range(2)]
    return attach("shop"), sorted(started, key=lambda service: service.pid)


def impatient(answer_s: float) -> Service:
    """The service, waiting no longer than that; its workers have imported what they need for an answer."""
    attach("shop").status()
    return attach("shop", answer_s=answer_s)


def quotes(started: list[RunningService]) -> list[str]:
    """What each process answers."""
    return [service.get("pricing.quote()") for service in started]


def words(report: Report) -> list[str]:
    """Worker and verdict of each outcome."""
    return [f"{outcome.worker.name} {outcome.verdict.value}" for outcome in report.outcomes]


def raising_in(pid: int) -> str:
    """A source that raises in one process."""
    return f"import os\nif os.getpid() == {pid}:\n    raise MemoryError('no room')\n{NEW}"


def test_push_goes_live_everywhere(shop: tuple[Service, list[RunningService]]) -> None:
    """A push is live in all processes of the name; each answers for itself."""
    service, started = shop
    heard: list[Outcome] = []
    report = service.push({"pricing": NEW}, author="ann", reason="why", on_outcome=heard.append)
    assert (report.verdict, report.ok, words(report)) == (Verdict.LIVE, True, ["w1 LIVE", "w2 LIVE"])
    assert [outcome.worker.pid for outcome in report.outcomes] == [process.pid for process in started]
    assert (report.workers, report.service, report.action, report.author) == (2, "shop", "push", "ann")
    assert sorted(outcome.worker.name for outcome in heard) == ["w1", "w2"]
    assert quotes(started) == ["'new'", "'new'"]
    assert report.to_json().startswith('{"ok": true')


def test_same_again(shop: tuple[Service, list[RunningService]]) -> None:
    """The same source again is SAME on all, with the version that runs."""
    service, _ = shop
    service.push({"pricing": NEW})
    report = service.push({"pricing": NEW})
    assert words(report) == ["w1 SAME", "w2 SAME"]
    assert {(module.before, module.after) for found in report.outcomes for module in found.modules} == {(2, 2)}


def test_dry_run(shop: tuple[Service, list[RunningService]]) -> None:
    """A dry run says READY and changes nothing."""
    service, started = shop
    report = service.dry_run({"pricing": NEW})
    assert (report.verdict, report.action, words(report)) == (Verdict.READY, "dry run", ["w1 READY", "w2 READY"])
    assert quotes(started) == ["'old'", "'old'"]


def test_first_rolls_back(shop: tuple[Service, list[RunningService]]) -> None:
    """A source that fails on the first worker never reaches the second."""
    service, started = shop
    report = service.push({"pricing": f"1 / 0\n{NEW}"})
    assert (report.verdict, words(report), report.workers) == (Verdict.ROLLED_BACK, ["w1 ROLLED BACK"], 2)
    assert report.outcomes[0].failure is not None
    assert report.outcomes[0].failure.type == "ZeroDivisionError"
    assert quotes(started) == ["'old'", "'old'"]


def test_second_fails_and_all_is_undone(shop: tuple[Service, list[RunningService]]) -> None:
    """Where the second worker fails, the first goes back to what it ran; what was never live is no version."""
    service, started = shop
    report = service.push({"pricing": raising_in(started[1].pid)})
    assert (report.verdict, words(report)) == (Verdict.UNDONE, ["w1 UNDONE", "w2 ROLLED BACK"])
    assert quotes(started) == ["'old'", "'old'"]
    undone = report.outcomes[0].modules[0]
    assert (undone.module, undone.before, undone.checksum) == ("pricing", 1, checksum(OLD))
    assert [version.source for version in service.history("pricing").versions] == [OLD]
    assert [(state.action.value, len(state.patches)) for state in service.log(3)] == [
        ("take back", 0),
        ("push", 1),
        ("try", 0),
    ]


def test_new_module_is_taken_out_again(shop: tuple[Service, list[RunningService]]) -> None:
    """Where a new module fails on the second worker, it is not there on the first any more."""
    service, started = shop
    report = service.push({"promo": raising_in(started[1].pid)})
    assert (report.verdict, words(report)) == (Verdict.UNDONE, ["w1 UNDONE", "w2 ROLLED BACK"])
    assert started[0].get("'promo' in sys.modules") == "False"


def test_second_is_killed_by_the_push(shop: tuple[Service, list[RunningService]]) -> None:
    """A worker that dies within the push is UNKNOWN, and that it was killed is said; the others go back."""
    service, started = shop
    dies = DIES.replace("os.kill", f"os.getpid() == {started[1].pid} and os.kill")
    report = service.push({"pricing": dies})
    assert (report.verdict, words(report)) == (Verdict.UNKNOWN, ["w1 UNDONE", "w2 UNKNOWN"])
    failure = report.outcomes[1].failure
    assert failure is not None
    assert failure.message.startswith(f"w2 (pid {started[1].pid}) was killed in the middle of the push")
    assert "runs what the service ran before" in failure.message
    assert quotes(started[:1]) == ["'old'"]
    assert [worker.pid for worker in service.workers()] == [started[0].pid]
    assert service.lost() == (f"shop (pid {started[1].pid})",)


def test_first_is_killed_by_the_push(shop: tuple[Service, list[RunningService]]) -> None:
    """Where the first worker dies, the second never sees the push and serves on."""
    service, started = shop
    report = service.push({"pricing": DIES})
    assert (report.verdict, words(report)) == (Verdict.UNKNOWN, ["w1 UNKNOWN"])
    assert quotes(started[1:]) == ["'old'"]


def test_gunicorn_replaces_a_killed_worker(services: Services) -> None:
    """Workers are looked for at each push: the one that gunicorn started instead is pushed to as well."""
    server = services.gunicorn("shop", {"pricing.py": OLD}, "--workers", "2")
    service = attach("shop")
    wait_until(lambda: len(service.workers()) == 2, "both workers listen", server)
    killed = service.workers()[0].pid
    assert service.push({"pricing": DIES}).verdict is Verdict.UNKNOWN
    wait_until(lambda: len(service.workers()) == 2, "another worker listens", server)
    report = service.push({"pricing": NEW})
    assert (report.verdict, words(report)) == (Verdict.LIVE, ["w1 LIVE", "w2 LIVE"])
    assert killed not in {outcome.worker.pid for outcome in report.outcomes}


def test_does_not_answer_in_time(services: Services) -> None:
    """A worker that does not answer within the time may still apply the push, and that is said."""
    started = services.threaded("shop", {"pricing.py": OLD})
    service = impatient(2)
    os.kill(started.pid, signal.SIGSTOP)
    report = service.push({"pricing": NEW})
    os.kill(started.pid, signal.SIGCONT)
    failure = report.outcomes[0].failure
    assert (report.verdict, words(report)) == (Verdict.UNKNOWN, ["w1 UNKNOWN"])
    assert failure is not None
    assert "did not answer within 2 s" in failure.message
    assert service.push({"pricing": NEW}).verdict is Verdict.LIVE


def test_slow_commit_is_taken_back(services: Services) -> None:
    """A source that takes longer than anyone waits is UNKNOWN: the worker takes it back when it is through."""
    started = services.threaded("shop", {"pricing.py": OLD})
    service = impatient(2)
    report = service.push({"pricing": f"import time, sys\ntime.sleep(4)\nsys.ended = True\n{NEW}"})
    failure = report.outcomes[0].failure
    assert report.verdict is Verdict.UNKNOWN
    assert failure is not None
    assert f"w1 (pid {started.pid}) did not answer within 2 s; what it still applies, it takes" in failure.message
    wait_until(lambda: started.get("getattr(sys, 'ended', False)") == "True", "it has applied the push")
    wait_until(lambda: started.get("pricing.quote()") == "'old'", "it has taken it back")
    assert service.push({"pricing": NEW}).verdict is Verdict.LIVE


def test_push_while_one_is_under_way(services: Services) -> None:
    """A second push meanwhile is refused as LC406, with who pushes what, and the first goes on."""
    started = services.threaded("shop", {"pricing.py": OLD})
    reports: list[Report] = []
    slow = f"import time, sys\nsys.begun = True\ntime.sleep(3)\n{NEW}"
    first = threading.Thread(target=lambda: reports.append(attach("shop").push({"pricing": slow}, author="ann")))
    first.start()
    wait_until(lambda: started.get("getattr(sys, 'begun', False)") == "True", "the first push is under way")
    report = attach("shop").push({"pricing": THIRD})
    first.join()
    assert (report.verdict, report.refusals[0].code) == (Verdict.REFUSED, "LC406")
    assert "pricing by ann" in report.refusals[0].what
    assert (reports[0].verdict, quotes([started])) == (Verdict.LIVE, ["'new'"])


def test_somebody_pushed_meanwhile(shop: tuple[Service, list[RunningService]]) -> None:
    """Of two who push what both saw, the second is told who was faster, and how theirs differs; again, it goes on."""
    ours, started = shop
    attach("shop").push({"pricing": NEW}, author="ann", reason="new prices")
    report = ours.push({"pricing": THIRD})
    (refused,) = report.refusals
    assert (report.verdict, refused.code, report.outcomes) == (Verdict.REFUSED, "LC407", ())
    assert refused.what == f"ann pushed v2 ({checksum(NEW)[:7]}) meanwhile: new prices"
    assert report.diff[:2] == ("--- pricing v2 (ann)", "+++ pricing (yours)")
    assert report.diff[-2:] == ("-    return 'new'", "+    return 'third'")
    assert quotes(started) == ["'new'", "'new'"]
    assert ours.push({"pricing": THIRD}).verdict is Verdict.LIVE
    assert quotes(started) == ["'third'", "'third'"]


def test_undo_and_history(shop: tuple[Service, list[RunningService]]) -> None:
    """undo() brings back what ran before on all, again and again, and a version by its number."""
    service, started = shop
    service.push({"pricing": NEW})
    service.push({"pricing": THIRD})
    report = service.undo()
    assert (report.verdict, report.action, quotes(started)) == (Verdict.LIVE, "undo", ["'new'", "'new'"])
    assert service.undo("pricing").ok
    assert quotes(started) == ["'old'", "'old'"]
    assert service.undo("pricing", to=3).ok
    assert quotes(started) == ["'third'", "'third'"]
    assert service.source("pricing") == THIRD
    assert service.source("pricing", 1) == OLD


@pytest.mark.parametrize(("modules", "to"), [((), None), (("pricing",), None), (("pricing",), 7), (("no.such",), None)])
def test_nothing_to_undo(shop: tuple[Service, list[RunningService]], modules: tuple[str, ...], to: int | None) -> None:
    """Where nothing older is remembered, undo is refused with the versions that there are."""
    report = shop[0].undo(*modules, to=to)
    assert (report.verdict, report.refusals[0].code, report.workers) == (Verdict.REFUSED, "LC509", 2)


def test_undo_where_one_worker_is_new(services: Services) -> None:
    """A worker that started after the push has no history, and is undone to the same source all the same."""
    first = services.threaded("shop", {"pricing.py": OLD})
    service = attach("shop")
    service.push({"pricing": NEW})
    second = services.threaded("shop", {"pricing.py": THIRD})
    assert service.undo().ok
    assert quotes([first, second]) == ["'old'", "'old'"]


def test_unload(shop: tuple[Service, list[RunningService]]) -> None:
    """unload() takes a module out of every process; one that is not there is refused."""
    service, started = shop
    service.push({"promo": NEW})
    report = service.unload("promo")
    assert (report.verdict, report.action) == (Verdict.LIVE, "unload")
    assert [process.get("'promo' in sys.modules") for process in started] == ["False", "False"]
    assert service.unload("no_such_module").verdict is Verdict.REFUSED


def test_status(shop: tuple[Service, list[RunningService]]) -> None:
    """status() says of each worker what runs there."""
    service, started = shop
    service.push({"pricing": NEW}, author="ann")
    found = service.status()
    assert [(status.worker.name, status.worker.pid, status.pushes) for status in found] == [
        ("w1", started[0].pid, 1),
        ("w2", started[1].pid, 1),
    ]
    by_module = {module.module: module for module in found[0].modules}
    assert (by_module["pricing"].version, by_module["pricing"].author) == (2, "ann")


def test_status_of_a_stopped_worker(shop: tuple[Service, list[RunningService]]) -> None:
    """A worker that does not answer is in the status, and it says so."""
    service, started = shop
    hasty = impatient(2)
    os.kill(started[1].pid, signal.SIGSTOP)
    found = hasty.status()
    os.kill(started[1].pid, signal.SIGCONT)
    assert (found[0].busy, "did not answer within 2 s" in found[1].busy) == ("", True)
    assert service.status()[1].busy == ""


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        ({"pricing": b"x = 1"}, "LC505"),
        ({"pricing": "\0"}, "LC505"),
        ({"a b": ""}, "LC501"),
        ({"__main__": ""}, "LC502"),
    ],
)
def test_refused_before_anyone_is_asked(
    shop: tuple[Service, list[RunningService]], sources: dict[str, str], code: str
) -> None:
    """What cannot be pushed at all is refused with its code, without an outcome."""
    report = shop[0].push(sources)
    assert (report.verdict, report.outcomes, report.refusals[0].code) == (Verdict.REFUSED, (), code)


@pytest.mark.parametrize("sources", [{}, [], "pricing", {1: "x"}])
def test_nonsense(sources: object) -> None:
    """What is no mapping of modules is a UsageError that shows the form."""
    with pytest.raises(UsageError, match=r"'shop\.pricing': source"):
        here().push(sources)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"canary": -1},
        {"canary": 1.5},
        {"canary": float("nan")},
        {"canary_s": 0},
        {"canary": 1, "mixed": "why"},
        {"canary": 1, "now": True},
    ],
)
def test_nonsense_in_a_policy(nonsense: dict[str, float]) -> None:
    """No such number of workers, no such time, or two things that exclude each other."""
    with pytest.raises(UsageError, match="a canary"):
        Policy(**nonsense)  # type: ignore[arg-type]


def test_a_policy_needs_other_workers(services: Services) -> None:
    """One process cannot be tried first and compared with the others."""
    started = services.threaded("shop", {"pricing.py": OLD})
    for service, why in ((attach("shop"), "has only one"), (attach(started.pid), "no other"), (here(), "no other")):
        with pytest.raises(UsageError, match=why):
            service.push({"pricing": NEW}, policy=Policy(canary=1))
    with pytest.raises(UsageError, match="no other"):
        here().undo(now=True)
    assert started.get("pricing.quote()") == "'old'"


def test_several_modules_are_one_push(services: Services) -> None:
    """Modules that depend on each other go live together."""
    files = {"pricing.py": OLD, "routes.py": "from pricing import quote\ndef route():\n    return quote()\n"}
    started = services.uvicorn("shop", files)
    routes = "from pricing import quote\ndef route():\n    return quote() + '!'\n"
    report = attach("shop").push({"pricing": NEW, "routes": routes})
    assert (report.verdict, started.get("routes.route()")) == (Verdict.LIVE, "'new!'")


def test_service_that_has_gone(services: Services) -> None:
    """Every verb on a service without workers says that it is gone."""
    started = services.threaded("shop")
    service = attach("shop")
    started.stop(signal.SIGKILL)
    for verb in (service.status, service.undo, lambda: service.push({"m": ""}), lambda: service.source("m")):
        with pytest.raises(ServiceNotFoundError, match="no service named 'shop'"):
            verb()  # type: ignore[operator]


def test_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """here() is this process: the same verbs, without a socket."""
    (tmp_path / "local_pricing.py").write_text(OLD)
    monkeypatch.syspath_prepend(str(tmp_path))
    from livecode.live import tracking

    tracking.track(tmp_path)
    import local_pricing  # type: ignore[import-not-found]

    service = here()
    report = service.push({"local_pricing": NEW})
    assert (report.verdict, words(report), local_pricing.quote()) == (Verdict.LIVE, ["here LIVE"], "new")
    assert (service.name, report.service, service.workers()[0].pid) == ("", "", os.getpid())
    assert service.push({"local_pricing": NEW}).verdict is Verdict.SAME
    assert service.undo().ok
    assert local_pricing.quote() == "old"
    assert service.status()[0].worker.name == "here"
    assert service.unload("local_pricing", force=True).ok
    tracking.untrack_all()


def test_somebody_else_pushed_meanwhile(shop: tuple[Service, list[RunningService]]) -> None:
    """Who pushes over what another one pushed since they looked is told, and nothing is sent; again, and it goes."""
    mine, started = shop
    attach("shop").push({"pricing": NEW}, author="bob", reason="mine is better")
    mine.peek()  # a program looked: nobody has seen it
    report = mine.push({"pricing": THIRD}, author="ann")
    assert (report.verdict, report.refusals[0].code, report.refusals[0].module) == (
        Verdict.REFUSED,
        "LC407",
        "pricing",
    )
    assert report.refusals[0].what.startswith("bob pushed v2")
    assert report.refusals[0].what.endswith("meanwhile: mine is better")
    assert quotes(started) == ["'new'", "'new'"]
    assert mine.push({"pricing": THIRD}, author="ann").verdict is Verdict.LIVE


def test_what_was_seen_is_no_conflict(shop: tuple[Service, list[RunningService]]) -> None:
    """A status, a push of the same source, and a push of another module know of no conflict."""
    mine, _ = shop
    attach("shop").push({"pricing": NEW}, author="bob")
    assert mine.push({"promo": NEW}, author="ann").verdict is Verdict.LIVE
    attach("shop").push({"pricing": THIRD}, author="bob")
    assert mine.push({"pricing": THIRD}, author="ann").verdict is Verdict.SAME
    attach("shop").push({"pricing": NEW}, author="bob")
    mine.status()
    assert mine.push({"pricing": THIRD}, author="ann").verdict is Verdict.LIVE
