"""A service that does nothing, and heads of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from livecode.errors import ServiceNotFoundError
from livecode.http.endpoint import Endpoint
from livecode.http.exchange import Head, Response
from livecode.http.tokens import Keyring, tokens_in
from livecode.model.nouns import DiskState, History, ModuleStatus, ProcessStatus, Version, Worker
from livecode.model.report import Outcome, Report, Verdict
from tests.http.asking import PUSH_SECRET, TOKENS

WORKER = Worker("w1", 71, "web-1", "3.12.1", "shop")
LIVE = Report(Verdict.LIVE, ("a",), (Outcome(WORKER, Verdict.LIVE),), 1, service="shop")


class FakeService:
    """Answers every push with one report, and remembers what was asked of it."""

    def __init__(self, report: Report = LIVE, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.name, self.report, self.calls = "shop", report, list[tuple[str, Any]]()
        self._meanwhile = meanwhile

    def push(self, sources: Any, **more: Any) -> Report:
        self.calls.append(("push", sources, more))  # type: ignore[arg-type]
        self._meanwhile()
        return self.report

    def dry_run(self, sources: Any, **more: Any) -> Report:
        self.calls.append(("dry_run", sources, more))  # type: ignore[arg-type]
        return self.report

    def undo(self, *modules: str, **more: Any) -> Report:
        self.calls.append(("undo", modules, more))  # type: ignore[arg-type]
        return self.report

    def peek(self) -> tuple[ProcessStatus, ...]:
        module = ModuleStatus("a", 1, "c" * 64, DiskState.SAME, "/srv/secret-place/app/a.py")
        return (ProcessStatus(WORKER, (module,), folders=("/srv/secret-place/app",)),)

    def log(self, limit: int) -> tuple[()]:
        return ()

    def history(self, module: str) -> History:
        return History(module, (Version(1, "x = 1\n"),) if module == "a" else ())

    def source(self, module: str) -> str | None:
        return "x = 1\n" if module == "a" else None


def endpoint(service: Any = None, tokens: str = TOKENS, name: str = "shop", limit: int = 1000) -> Endpoint:
    """An endpoint of that service; of none that listens if it is None."""

    @contextmanager
    def service_of(name: str) -> Iterator[Any]:
        if service is None:
            raise ServiceNotFoundError(name, ("other",))
        yield service

    return Endpoint(service_of, name, Keyring(tokens_in(tokens)), None, limit)


def head(method: str, path: str, secret: str = PUSH_SECRET, **more: Any) -> Head:
    """The head of a request with a token."""
    given: dict[str, Any] = {"content_type": "application/json", "client": "10.0.0.7"}
    return Head(method, path, **{**given, "authorization": (b"Bearer " + secret.encode(),), **more})


def respond(asked: Endpoint, sent: Head, body: bytes = b"{}") -> Response:
    """What is answered in the end."""
    admitted = asked.admit(sent)
    return admitted if isinstance(admitted, Response) else asked.answer(admitted, body)
