"""Requests and responses, without a server and without a service."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from livecode.errors import LivecodeError, ProtocolError, StoreError, UsageError, WorkerLostError
from livecode.http.answers import Hidden
from livecode.http.endpoint import MAX_AT_ONCE, Admitted
from livecode.http.exchange import Response
from livecode.model.report import Failure, Outcome, Refusal, Report, Verdict
from tests.http.asking import PUSH_SECRET, READ_SECRET
from tests.http.fakes import LIVE, WORKER, FakeService, endpoint, head, respond

PUSH = json.dumps({"modules": {"a": "x = 2\n"}, "reason": "why"}).encode()


def report(verdict: Verdict, code: str = "", failure: str = "") -> Report:
    """A report with that verdict from the one worker."""
    refusals = (Refusal(code, "what"),) if code else ()
    outcome = Outcome(WORKER, verdict, refusals=refusals, failure=Failure(failure, "x") if failure else None)
    return Report(verdict, ("a",), (outcome,), 1)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (report(Verdict.LIVE), 200),
        (report(Verdict.SAME), 200),
        (report(Verdict.READY), 200),
        (report(Verdict.CANARY), 200),
        (report(Verdict.REFUSED, "LC103"), 422),
        (report(Verdict.REFUSED, "LC406"), 409),
        (report(Verdict.REFUSED, "LC407"), 409),
        (report(Verdict.NOT_SENT), 422),
        (report(Verdict.ROLLED_BACK), 422),
        (report(Verdict.UNDONE), 422),
        (report(Verdict.UNDONE, failure="StaleBaseError"), 409),
        (report(Verdict.HALTED), 500),
        (report(Verdict.UNKNOWN), 504),
    ],
)
def test_the_status_follows_the_verdict(said: Report, status: int) -> None:
    """And the body is the report itself."""
    response = respond(endpoint(FakeService(said)), head("POST", "/push"), PUSH)
    assert response.status == status
    assert json.loads(response.body) == json.loads(said.to_json())


def test_every_verdict_has_a_status() -> None:
    """Also one that is new."""
    assert [respond(endpoint(FakeService(report(each))), head("POST", "/push"), PUSH).status for each in Verdict]


def test_what_is_sent_is_pushed_under_the_name_of_the_token() -> None:
    """With the address it came from, the reason and the policy."""
    service = FakeService()
    body = {"modules": {"a": "x", "b": None}, "reason": "r", "force": True, "policy": {"canary": 0.5, "canary_s": 9}}
    assert respond(endpoint(service), head("POST", "/push"), json.dumps(body).encode()).status == 200
    ((verb, sources, more),) = service.calls  # type: ignore[misc]
    assert (verb, sources, more["author"], more["reason"]) == ("push", {"a": "x", "b": None}, "ci@10.0.0.7", "r")  # type: ignore[has-type]
    assert (more["force"], more["policy"].canary, more["policy"].canary_s) == (True, 0.5, 9)  # type: ignore[has-type]


def test_a_dry_run_is_a_dry_run() -> None:
    """And has no policy."""
    service = FakeService()
    dry = {"modules": {"a": ""}, "dry_run": True}
    assert respond(endpoint(service), head("POST", "/push"), json.dumps(dry).encode()).status == 200
    both = json.dumps({**dry, "policy": {"canary": 2}}).encode()
    assert respond(endpoint(service), head("POST", "/push"), both).status == 400
    assert [call[0] for call in service.calls] == ["dry_run"]


def test_without_a_token_there_is_nothing() -> None:
    """Every path, every method and every header gets the same 404."""
    off = endpoint(FakeService(), tokens="")
    said = {
        respond(off, head(method, path)).body for method in ("GET", "POST") for path in ("/push", "/status", "/x", "")
    }
    assert len(said) == 1
    assert json.loads(said.pop())["status"] == 404


@pytest.mark.parametrize(
    "authorization",
    [
        *((), (b"",), (b"Bearer",), (b"Basic Y2k6eA==",), (b"Bearer " + PUSH_SECRET.encode()[:-1],)),
        *(
            (PUSH_SECRET.encode(),),
            (b"Bearer " + PUSH_SECRET.encode(),) * 2,
            (b"Bearer " + PUSH_SECRET.upper().encode(),),
        ),
    ],
)
def test_no_valid_token(authorization: tuple[bytes, ...]) -> None:
    """401 with the scheme, whatever is asked for: who has no token learns of no route."""
    for method, path in (("POST", "/push"), ("GET", "/nothing"), ("DELETE", "/status")):
        response = respond(endpoint(FakeService()), head(method, path, authorization=authorization))
        assert response.status == 401
        assert dict(response.headers)["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/push", "/reload", "/undo"])
def test_who_may_read_cannot_change(path: str) -> None:
    """403, and the service is not even looked for."""
    service = FakeService()
    status = 404 if path == "/reload" else 403
    assert respond(endpoint(service), head("POST", path, READ_SECRET), PUSH).status == status
    assert service.calls == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/status", f"x={PUSH_SECRET}"),
        ("/status", "token=abc"),
        ("/status", "Access-Token=abc"),
        ("/status", f"limit={READ_SECRET}"),
        (f"/modules/{READ_SECRET}", ""),
        ("/status", "api%5Fkey=1"),
    ],
)
def test_a_token_in_a_url_is_not_used(path: str, query: str, caplog: pytest.LogCaptureFixture) -> None:
    """Even beside a good header; it is said so, the log says whose it was, and neither repeats it."""
    response = respond(endpoint(FakeService()), head("GET", path, query=query.encode()))
    assert response.status == 400
    assert "was not used" in json.loads(response.body)["detail"]
    for text in (response.body.decode(), caplog.text):
        assert PUSH_SECRET not in text
        assert READ_SECRET not in text
    assert ("make a new one" in caplog.text) == (PUSH_SECRET in query or READ_SECRET in query + path)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": "application/json; charset=latin-1"}, 415),
        ({"content_type": "", "content_length": 5}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"content_length": 1001}, 413),
        ({"content_type": "Application/JSON; charset=UTF-8"}, 200),
        ({"content_type": "application/json; profile=x"}, 200),
    ],
)
def test_a_body_is_json_and_not_too_long(more: dict[str, Any], status: int) -> None:
    """What is not is refused by the head alone; a browser's form cannot send it."""
    asked = endpoint(FakeService())
    assert respond(asked, head("POST", "/push", **more), PUSH).status == status
    assert isinstance(asked.admit(head("POST", "/push", **more)), Response) == (status != 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", "/push", 405), ("OPTIONS", "/push", 405), ("HEAD", "/status", 405), ("TRACE", "/log", 405)),
        *(("GET", "/", 404), ("GET", "", 404), ("GET", "//status", 404), ("GET", "/status/", 404)),
        *(
            ("GET", "/modules/", 404),
            ("GET", "/modules/a/b", 404),
            ("GET", "/modules/..", 400),
            ("GET", "/modules/b", 404),
        ),
        *(("GET", "/modules/a\0", 400), ("GET", "/modules/a b", 400), ("GET", "/modules/../a", 404)),
        *(("POST", "/reload", 404), ("GET", "/modules/a/diff", 404)),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int) -> None:
    """What there is answers; nothing near it does."""
    response = respond(endpoint(FakeService()), head(method, path))
    assert response.status == status
    assert ("Allow" in dict(response.headers)) == (status == 405)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WorkerLostError("w1 (pid 71) is gone: /run/user/0/livecode/x.sock"), 504),
        (ProtocolError("/run/secret"), 502),
        (StoreError("redis://:password@10.0.0.1 is away"), 503),
        (UsageError("a canary leaves a worker as it is"), 400),
        (LivecodeError("/tmp/secret"), 503),
        (RuntimeError("a secret, and /a/path"), 500),
    ],
)
def test_faults_tell_the_log_and_not_the_client(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """No stack trace, no path, no password; the server's log has all of it."""

    def fail() -> None:
        raise error

    response = respond(endpoint(FakeService(meanwhile=fail)), head("POST", "/push"), PUSH)
    assert response.status == status
    assert not any(word in response.body.decode() for word in ("secret", "password", ".sock", "Traceback", "/a/path"))
    assert str(error) in caplog.text


def test_a_service_that_is_not_there() -> None:
    """503, and the names of others stay here."""
    response = respond(endpoint(None), head("GET", "/status"))
    assert response.status == 503
    assert b"other" not in response.body


def test_whose_name_is_not_known() -> None:
    """This process listens under none, and none was given."""
    assert respond(endpoint(FakeService(), name=""), head("GET", "/status")).status == 503


def test_paths_are_told_from_their_folder_on() -> None:
    """Of what is tracked, of Python, of the working folder."""
    plain = json.loads(respond(endpoint(FakeService()), head("GET", "/status")).body)
    (worker,) = plain["workers"]
    assert (worker["folders"], worker["modules"][0]["file"]) == (["app"], "app/a.py")
    hidden = Hidden(["/srv/place/app", "/srv"])
    assert hidden.plain({"x": ["/srv/place/app/a.py", "in /srv/b: no"]}) == {"x": ["app/a.py", "in srv/b: no"]}
    assert hidden.plain({"source": [[1, "open('/srv/b')"]]}) == {"source": [[1, "open('/srv/b')"]]}
    assert hidden.text(logging.__file__).count("/") == 2


def test_text_for_people() -> None:
    """What a terminal would show, with the next step in the words of this endpoint; JSON for all others."""
    asked = endpoint(FakeService(LIVE))
    said = respond(asked, head("POST", "/push", accept="text/plain"), PUSH)
    assert said.body.decode().startswith("✔ LIVE")
    assert "POST /undo" in said.body.decode()
    assert respond(asked, head("POST", "/push", accept="*/*"), PUSH).body.startswith(b"{")


def test_what_changed_is_in_the_log_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    """Who, from where, what, and what became of it, in one line that nobody can break."""
    caplog.set_level(logging.INFO, "livecode.http")
    odd = Report(Verdict.REFUSED, ("a\nb",), (), 1, refusals=(Refusal("LC501", "x"),))
    respond(endpoint(FakeService(odd)), head("POST", "/push"), PUSH)
    (record,) = caplog.records
    assert record.getMessage().startswith(r"ci@10.0.0.7 POST /push: push a\nb REFUSED LC501 (")


def test_wrong_tokens_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand of them are one line."""
    asked = endpoint(FakeService())
    for _ in range(1000):
        respond(asked, head("GET", "/status", "wrong"))
    assert len(caplog.records) == 1


def test_too_much_at_once_is_told_to_come_again() -> None:
    """One more than can be carried out at once; afterwards there is room again."""
    asked = endpoint(FakeService())
    more: list[Response] = []
    deep = 0

    def again() -> None:
        nonlocal deep
        deep += 1
        more.append(respond(asked, head("POST", "/push"), PUSH)) if deep <= MAX_AT_ONCE else None

    asked = endpoint(FakeService(meanwhile=again))
    assert respond(asked, head("POST", "/push"), PUSH).status == 200
    assert sorted(response.status for response in more) == [200] * (MAX_AT_ONCE - 1) + [503]
    assert isinstance(asked.admit(head("GET", "/status")), Admitted)
