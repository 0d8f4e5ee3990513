"""Code objects as values: find, shift, pair and redirect them. Nothing here touches a function."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import CodeType

CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ASYNC_GENERATOR = 0x200
CO_HAS_DOCSTRING = 0x4000000  # from 3.13 on

_TARGET = "a constant that is replaced by the function to call"


def nested(code: CodeType) -> Iterator[CodeType]:
    """The code objects made by `code`, directly."""
    return (const for const in code.co_consts if isinstance(const, CodeType))


def walk(code: CodeType) -> Iterator[CodeType]:
    """`code` and every code object inside it."""
    yield code
    for inner in nested(code):
        yield from walk(inner)


def by_place(code: CodeType) -> Mapping[tuple[str, int], list[CodeType]]:
    """Every code object inside `code`, by qualified name and first line."""
    table: dict[tuple[str, int], list[CodeType]] = defaultdict(list)
    for inner in walk(code):
        table[inner.co_qualname, inner.co_firstlineno].append(inner)
    return table


def shifted(code: CodeType, lines: int) -> CodeType:
    """The same code, `lines` further down: tracebacks and `inspect.getsource` follow a function that moved."""
    first, consts = code.co_firstlineno + lines, code.co_consts
    for const in consts:
        if type(const) is CodeType:
            inner = tuple([shifted(c, lines) if type(c) is CodeType else c for c in consts])
            return code.replace(co_firstlineno=first, co_consts=inner)
    return code.replace(co_firstlineno=first)


def pair_nested(old: CodeType, new: CodeType) -> dict[CodeType, CodeType]:
    """Which code object inside `new` stands for which one inside `old`, by name and order of occurrence.

    Closures that a function made before it changed are functions with such old nested code.
    """
    pairs: dict[CodeType, CodeType] = {}
    waiting: dict[str, list[CodeType]] = defaultdict(list)
    for inner in nested(new):
        waiting[inner.co_name].append(inner)
    for inner in nested(old):
        if waiting[inner.co_name]:
            partner = waiting[inner.co_name].pop(0)
            pairs[inner] = partner
            pairs.update(pair_nested(inner, partner))
    return pairs


def stands_at(one: CodeType, other: CodeType) -> bool:
    """True for the same code at the same lines and columns: tells apart two lambdas of one line.

    Without columns (`-X no_debug_ranges`) two lambdas that do the same are one, which makes no difference to callers.
    """
    return one == other and list(one.co_positions()) == list(other.co_positions())


def docstring(code: CodeType) -> str | None:
    """The docstring that a function made from `code` starts with.

    Source: `PyFunction_New` in CPython's funcobject.c. Up to 3.12 it takes the first constant; from 3.13 on a flag
    says whether there is one.
    """
    first = code.co_consts[0] if code.co_consts else None
    if not isinstance(first, str) or code.co_name == "<lambda>":
        return None
    marked = bool(code.co_flags & CO_HAS_DOCSTRING)
    return first if marked or not MARKS_DOCSTRINGS else None


def redirect(old: CodeType, target: object, *, without_first: bool = False) -> CodeType:
    """Code for the function that has `old` now, which calls `target` with whatever it is given.

    `without_first` leaves out the first argument: a method became a static one, and bound methods are held.

    A function's code can be replaced only by code with as many free variables; this one has the same and ignores
    them. It is needed where the new function has others (a method gains `super()`) or is no function at all.
    """
    asynchronous = bool(old.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR))
    body = _passing_on(old.co_flags, target)
    template = _template(old.co_freevars, asynchronous, "_livecode_first, /, " if without_first else "", body)
    return template.replace(
        co_consts=tuple(target if const is _TARGET or const == _TARGET else const for const in template.co_consts),
        co_name=old.co_name,
        co_qualname=old.co_qualname,
        co_filename=old.co_filename,
        co_firstlineno=old.co_firstlineno,
    )


def _passing_on(flags: int, target: object) -> str:
    """The body that calls the target and stays the same kind of function, which is what callers were told it is.

    Code of another kind could be given too, but since 3.12 that is deprecated.
    """
    call = f"{_TARGET!r}(*_livecode_args, **_livecode_kwargs)"
    made = getattr(target, "__code__", None)
    if flags & CO_GENERATOR:
        return f"return (yield from {call})"
    if flags & CO_ASYNC_GENERATOR:
        return f"async for _livecode_item in {call}: yield _livecode_item"
    if flags & CO_COROUTINE and (made is None or made.co_flags & CO_COROUTINE):
        return f"return await {call}"
    return f"return {call}"


def _template(freevars: tuple[str, ...], asynchronous: bool, first: str, body: str) -> CodeType:
    names = ", ".join(freevars)
    known = f"if False: {'; '.join(freevars)}" if freevars else "pass"  # makes them free, and is never compiled
    define = "async def" if asynchronous else "def"
    source = (
        f"def make({names}):\n"
        f" {define} call({first}*_livecode_args, **_livecode_kwargs):\n"
        f"  {known}\n"
        f"  {body}\n"
        " return call\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a string is called, until it is replaced
        made = compile(source, "<livecode redirect>", "exec", dont_inherit=True)
    return next(code for code in walk(made) if code.co_name == "call")


def _marks_docstrings() -> bool:
    probe = compile("def f():\n 'doc'", "<livecode probe>", "exec", dont_inherit=True)
    return any(code.co_flags & CO_HAS_DOCSTRING for code in walk(probe))


def _annotates_later() -> bool:
    probe = compile("class C:\n x: 1", "<livecode probe>", "exec", dont_inherit=True)
    return any(code.co_name == "__annotate__" for code in walk(probe))


MARKS_DOCSTRINGS = _marks_docstrings()
ANNOTATES_LATER = _annotates_later()
"""True from Python 3.14 on (PEP 649): annotations are evaluated when they are asked for."""
