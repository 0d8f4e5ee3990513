"""Whether a file still says what a module that was imported before it was tracked was made of.

    functions      the code of every live one is compared with that of the file
    definitions    what the file defines in any case must be there
    statements     compared with the bytecode that Python keeps beside the file, which is what ran

The bytecode is believed where Python writes it (not with ``-B``, not in a folder that cannot be written) or where its
stamp says that it is of this file. Without it, an edited constant cannot be told from one that the program changed.
Another process that imported the edited file has put its own bytecode there; then only functions are compared.
"""

from __future__ import annotations

import ast
import marshal
import os
import sys
from collections.abc import Callable
from importlib import machinery, util
from pathlib import Path
from types import CodeType, ModuleType

from livecode.engine.code import by_place
from livecode.engine.forms import Form, Kind, parse
from livecode.live.locate import Living

HEADER_BYTES = 16


def drift_of(module: ModuleType, source: str, data: bytes, compiled: Callable[[], CodeType]) -> str:
    """What of a module is not what its file says, for people; empty if nothing is known to be.

    Args:
        module: A module that was loaded from the file, some time ago.
        source: The file's text.
        data: The same as bytes.
        compiled: Compiles that text under the path of the file.
    """
    try:
        code = compiled()
    except (SyntaxError, ValueError):
        return "the code that runs"
    return (
        _other_function(module, code, code.co_filename)
        or _missing(module, code, source)
        or _other_statement(module, code, source, data)
    )


def _other_function(module: ModuleType, code: CodeType, file: str) -> str:
    table = by_place(code)
    for function in Living(module, file).functions:
        live = function.__code__
        if not any(_is_same(live, other) for other in table.get((live.co_qualname, live.co_firstlineno), ())):
            return f"{live.co_qualname}() (line {live.co_firstlineno})"
    return ""


def _missing(module: ModuleType, code: CodeType, source: str) -> str:
    """A function or class that the file defines, whatever branch is taken, and that is not there."""
    made = {inner.co_name for inner in code.co_consts if isinstance(inner, CodeType) and inner.co_name.isidentifier()}
    if made <= module.__dict__.keys():
        return ""
    forms = parse(source)
    deleted = {name for form in forms if isinstance(form.node, ast.Delete) for name in form.names.binds}
    for form in forms:
        if form.kind in (Kind.FUNCTION, Kind.CLASS) and form.name not in deleted and form.name not in module.__dict__:
            return f"{form.label()} (line {form.start})"
    return ""


def _other_statement(module: ModuleType, code: CodeType, source: str, data: bytes) -> str:
    ran = _bytecode(module, data)
    if ran is None or _is_same(ran, code):
        return ""
    for form in parse(source):
        if form.kind is Kind.VALUE and _differs(module, form):
            return f"{form.label()} (line {form.start})"
    return "what stands outside of functions"


def _differs(module: ModuleType, form: Form) -> bool:
    """True for a constant that has another value."""
    value = getattr(form.node, "value", None)
    if not isinstance(value, ast.Constant):
        return False
    return any(module.__dict__.get(name) != value.value for name in form.names.binds)


def _bytecode(module: ModuleType, data: bytes) -> CodeType | None:
    """The code that was executed when the module was imported, None if that is not known for sure."""
    spec = module.__spec__
    if spec is None or type(spec.loader) is not machinery.SourceFileLoader or not spec.cached:
        return None
    try:
        cached = Path(spec.cached).read_bytes()
        if cached[:4] != util.MAGIC_NUMBER or not (_is_written(spec.cached) or _is_of(cached, str(spec.origin), data)):
            return None
        code = marshal.loads(cached[HEADER_BYTES:])
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def _is_written(cached: str) -> bool:
    return not sys.dont_write_bytecode and os.access(os.path.dirname(cached), os.W_OK)


def _is_of(cached: bytes, file: str, data: bytes) -> bool:
    """True if the stamp in the bytecode is that of the file.

    Source: `importlib._bootstrap_external._validate_timestamp_pyc` and `_validate_hash_pyc`.
    """
    if int.from_bytes(cached[4:8], "little") & 1:
        return cached[8:16] == util.source_hash(data)
    stamp = int(os.stat(file).st_mtime) & 0xFFFFFFFF, len(data) & 0xFFFFFFFF
    return stamp == (int.from_bytes(cached[8:12], "little"), int.from_bytes(cached[12:16], "little"))


def _is_same(one: CodeType, other: CodeType) -> bool:
    if one.co_code != other.co_code or one.co_names != other.co_names or one.co_varnames != other.co_varnames:
        return False
    return len(one.co_consts) == len(other.co_consts) and all(
        _is_same(mine, theirs)
        if isinstance(mine, CodeType) and isinstance(theirs, CodeType)
        else type(mine) is type(theirs) and (mine == theirs or repr(mine) == repr(theirs))  # nan
        for mine, theirs in zip(one.co_consts, other.co_consts, strict=True)
    )
