"""What a guest can ask at the door, one function an operation.

    hello                        who answers here, and where the log of the service is
    checksums  modules           checksum and version of what runs, by module
    push       push, dry_run     an Outcome
    follow     generation        goes on to that generation of the log: a WorkerReport
    status                       a ProcessStatus, and a WorkerReport
    source     module, version   text, or null
    history    module            a History
    evaluate   expression, …     an Evaluated, within `timeout_s`; for people, and for agents that may push
    names      text, module      how a dotted name in an expression may go on; for the same
    loaded     folder, files     the modules that were loaded from those files; the folder is tracked from now on
    open_kernel, close_kernel    session, a notebook's kernel in this process (`livecode.kernel.desk`)
    files, contents, save, put_back     the files of modules (`livecode.fleet.file_ops`)

A request that says `agent` is an agent's, and so is a push with one: what it may is what the service allows
(`livecode.fleet.permission`).

The process's own side (`livecode.live.process`) is imported at the first operation that needs it; hello does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

from livecode.errors import LivecodeError, NotAllowedError, ProtocolError, StoreError
from livecode.fleet import PROTOCOL, wire
from livecode.fleet.door import Door, Guest
from livecode.live.turns import GUEST_TURN_S, short_turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livecode.model.nouns import Push
    from livecode.model.report import Outcome

IDLE_S = 30.0
"""How long a guest may be connected without asking."""
FRAME_S = 30.0
"""How long one frame may take to come in, or to be read by the other side."""
BRISK_S = 0.1
"""How long turns stay short for who may ask again at once: a push is several requests."""

Request: TypeAlias = Mapping[str, Any]


def serve(door: Door, guest: Guest) -> None:
    """Answer what a guest asks until it leaves, is silent for too long, or sends what is no request."""
    frames = wire.Frames(guest.connection)
    try:
        while (request := frames.next(IDLE_S, FRAME_S)) is not None:
            _serve_briskly(door, guest, frames, request)
    except ProtocolError as error:
        _refuse(guest, error)
    except OSError:  # it has gone, or does not read: nobody is left to be told
        return


def _serve_briskly(door: Door, guest: Guest, frames: wire.Frames, request: Request | None) -> None:
    """Answers a request, and those that follow at once. A guest that has left is noticed by who asks next."""
    with short_turns(GUEST_TURN_S):
        while request is not None:
            guest.busy = True
            wire.send(guest.connection, _reply(door, request), FRAME_S)
            guest.busy = False
            try:
                request = frames.next(BRISK_S, FRAME_S)
            except TimeoutError:
                return


def _refuse(guest: Guest, error: ProtocolError) -> None:
    """Say why, and no more: after a broken frame nobody knows where the next one starts."""
    try:
        wire.send(guest.connection, _error("protocol", str(error)), FRAME_S)
    except OSError:
        return


def _reply(door: Door, request: Request) -> dict[str, Any]:
    try:
        operation = _operation(door, request)
        if request.get("agent"):
            _check_agent(door, request)
        return {"protocol": PROTOCOL, "answer": operation(door, request)}
    except ProtocolError as error:
        return _error("protocol", str(error))
    except StoreError as error:
        return _error("store", str(error))
    except NotAllowedError as error:
        return _error("not allowed", str(error))
    except LivecodeError as error:
        return _error("usage", str(error))
    except Exception as error:
        return _error("fault", _where(error))


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"protocol": PROTOCOL, "error": {"kind": kind, "message": message}}


def _where(error: Exception) -> str:
    """The error with the place that raised it: a fault of livecode, so this goes into a bug report."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = f" ({step.tb_frame.f_globals.get('__name__')}, line {step.tb_lineno})" if step else ""
    return f"{type(error).__name__}: {error}{place}"


def _operation(door: Door, request: Request) -> Callable[[Door, Request], Any]:
    name, protocol = request.get("op"), request.get("protocol")
    if name != "hello" and protocol != PROTOCOL:
        raise ProtocolError(
            f"{door.service!r} (pid {door.pid}) speaks protocol {PROTOCOL}, and the request is in {protocol!r}: "
            "install the same livecode on both sides"
        )
    if not isinstance(name, str) or name not in OPERATIONS:
        raise ProtocolError(f"there is no operation {name!r}; there are: {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def _check_agent(door: Door, request: Request) -> None:
    from livecode.fleet.permission import check_request

    check_request(door.service, door.agents, request.get("op"), request.get("agent"))


def _hello(door: Door, _request: Request) -> dict[str, Any]:
    following = door.following
    return {**door.identity(), "store": following.url if following is not None else ""}


def _follow(door: Door, request: Request) -> Any:
    from livecode.model.codec import to_plain

    generation = request.get("generation")
    if not isinstance(generation, int) or door.following is None:
        raise ProtocolError(f"follow: the number of a generation is needed, not {generation!r}")
    _process(door)
    door.following.rung()
    return to_plain(door.following.follower().follow(generation))


def _checksums(door: Door, request: Request) -> dict[str, list[Any]]:
    modules = request.get("modules")
    if not isinstance(modules, list) or not all(isinstance(name, str) for name in modules):
        raise ProtocolError(f"checksums: a list of module names is needed, not {modules!r}")
    process = _process(door)
    return {name: [digest, version_of(process, name)] for name, digest in process.checksums(modules).items()}


def _push(door: Door, request: Request) -> Any:
    from livecode.model.codec import from_plain, to_plain
    from livecode.model.nouns import Push

    try:
        push, dry_run = from_plain(Push, request.get("push")), bool(request.get("dry_run"))
    except ValueError as error:
        raise ProtocolError(f"push: {error}") from error
    if push.agent is not None or request.get("agent"):
        if (refused := _refuse_agent(door, request, push, dry_run)) is not None:
            return to_plain(refused)
    if door.following is not None:
        door.following.rung()
    return to_plain(_process(door).push(push, dry_run=dry_run))


def _refuse_agent(door: Door, request: Request, push: Push, dry_run: bool) -> Outcome | None:
    """The answer to an agent whose push is not accepted."""
    from livecode.fleet.permission import refuse_agent, refused_outcome
    from livecode.model.agents import Agent

    asked = push if push.agent is not None else replace(push, agent=Agent(str(request.get("agent"))))
    process = _process(door)
    found = refuse_agent(door.service, door.agents, asked, process.checksums(push.names), for_real=not dry_run)
    return None if found is None else refused_outcome(found, asked, process.worker, process)


def _status(door: Door, _request: Request) -> Any:
    from livecode.model.codec import to_plain

    status = _process(door).status()
    return to_plain(door.following.described(status) if door.following is not None else status)


def _source(door: Door, request: Request) -> str | None:
    version = request.get("version")
    if not (version is None or isinstance(version, int)):
        raise ProtocolError(f"source: a version is a number, not {version!r}")
    module = _module(request)
    source: str | None = _process(door).source(module, version)
    return source


def _history(door: Door, request: Request) -> Any:
    from livecode.model.codec import to_plain

    module = _module(request)
    return to_plain(_process(door).history(module))


def _loaded(door: Door, request: Request) -> Any:
    from livecode.live.loaded import loaded_files
    from livecode.model.codec import from_plain, to_plain
    from livecode.model.loaded import WantedFile

    folder = request.get("folder")
    if not isinstance(folder, str):
        raise ProtocolError(f"loaded: the path of a folder is needed, not {folder!r}")
    try:
        wanted = from_plain(tuple[WantedFile, ...], request.get("files"))
    except ValueError as error:
        raise ProtocolError(f"loaded: {error}") from error
    return to_plain(loaded_files(_process(door), folder, wanted))


def _at_the_desk(name: str) -> Callable[[Door, Request], Any]:
    """An operation on kernels. The layer above is imported by its name, and when it is asked for: most never are."""

    def ask(door: Door, request: Request) -> Any:
        return getattr(import_module("livecode.kernel.desk"), name)(door, request)

    return ask


def _of_files(door: Door, request: Request) -> Any:
    from livecode.fleet import file_ops

    return file_ops.OPERATIONS[request["op"]](_process(door), request)


def _evaluate(door: Door, request: Request) -> Any:
    from livecode.fleet.permission import check_evaluation
    from livecode.live.evaluate import evaluate
    from livecode.model.codec import to_plain

    expression, module, timeout_s = (request.get(name) for name in ("expression", "module", "timeout_s"))
    rich_bytes = request.get("rich_bytes", 0)
    if not (isinstance(expression, str) and isinstance(module, str) and isinstance(timeout_s, int | float)):
        raise ProtocolError("evaluate: an expression, the name of a module or '', and a number of seconds are needed")
    if not isinstance(rich_bytes, int):
        raise ProtocolError(f"evaluate: rich_bytes is a number of bytes, not {rich_bytes!r}")
    check_evaluation(door.service, door.agents, agent := request.get("agent"))
    return to_plain(evaluate(_process(door), expression, module, timeout_s, 0 if agent else rich_bytes))


def _names(door: Door, request: Request) -> list[str]:
    from livecode.fleet.permission import check_evaluation
    from livecode.live.dotted import names_under

    text, module = request.get("text"), request.get("module")
    if not (isinstance(text, str) and isinstance(module, str)):
        raise ProtocolError("names: how a dotted name begins, and the name of a module or '', are needed")
    check_evaluation(door.service, door.agents, request.get("agent"))
    return list(names_under(_process(door), text, module))


def _module(request: Request) -> str:
    module = request.get("module")
    if not isinstance(module, str):
        raise ProtocolError(f"{request.get('op')}: the name of a module is needed, not {module!r}")
    return module


def _process(door: Door) -> Any:
    from livecode.fleet.elsewhere import compile_elsewhere
    from livecode.live.process import this_process

    process = this_process()
    process.name_service(door.service)
    compile_elsewhere(process)
    return process


def version_of(process: Any, module: str) -> int:
    """The version of a module that runs in a process, 0 if it is not loaded."""
    current = process.history(module).current
    return 0 if current is None or current.source is None else int(current.number)


OPERATIONS: Mapping[str, Callable[[Door, Request], Any]] = {
    "hello": _hello,
    "checksums": _checksums,
    "push": _push,
    "follow": _follow,
    "status": _status,
    "source": _source,
    "history": _history,
    "evaluate": _evaluate,
    "names": _names,
    "loaded": _loaded,
    **{name: _at_the_desk(name) for name in ("open_kernel", "close_kernel")},
    "files": _of_files,
    "contents": _of_files,
    "save": _of_files,
    "put_back": _of_files,
}
