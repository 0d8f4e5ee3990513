"""What a guest can ask of the files of the modules that run here.

    files      modules, place, known, force     what each file says beside what runs: a FileFound a module
    contents   module, checksum, place          both as bytes: Contents
    save       orders, key, known, force        writes all of it or nothing: a FileSaved a module
    put_back   key                              takes that save back: the files that could not be

What is known, and what else is forced, is for caution only: see `livecode.live.saving`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from livecode.errors import ProtocolError
from livecode.live import saving
from livecode.live.process import Process
from livecode.model.codec import from_plain, to_plain
from livecode.model.saving import SaveOrder

Request: TypeAlias = Mapping[str, Any]


def _files(process: Process, request: Request) -> Any:
    place, force = _text(request, "place"), bool(request.get("force"))
    known = _texts(request, "known")
    names = _texts(request, "modules")
    return [to_plain(saving.look(process, name, place=place, known=known, force=force)) for name in names]


def _contents(process: Process, request: Request) -> Any:
    module, digest = _text(request, "module"), _text(request, "checksum")
    return to_plain(saving.contents(process, module, digest, place=_text(request, "place")))


def _save(process: Process, request: Request) -> Any:
    try:
        orders = [from_plain(SaveOrder, order) for order in request.get("orders") or ()]
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"save: {error}") from error
    known, force = _texts(request, "known"), bool(request.get("force"))
    return to_plain(saving.save(process, orders, key=_text(request, "key"), known=known, force=force))


def _put_back(_process: Process, request: Request) -> Any:
    return list(saving.put_back(_text(request, "key")))


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"{request.get('op')}: {name} is text, not {value!r:.80}")
    return value


def _texts(request: Request, name: str) -> list[str]:
    values = request.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ProtocolError(f"{request.get('op')}: {name} is a list of texts, not {values!r:.80}")
    return values


OPERATIONS: Mapping[str, Callable[[Process, Request], Any]] = {
    "files": _files,
    "contents": _contents,
    "save": _save,
    "put_back": _put_back,
}
