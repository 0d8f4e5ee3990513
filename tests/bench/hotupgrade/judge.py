"""What functions, classes and modules are, so that a held one can be compared with the new release.

The new release is not imported for that: what its functions should be is read from compiling its sources here.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

CALL_SPELLINGS = {"LOAD_METHOD": "LOAD_ATTR"}
"""Calling a name of an import statement is compiled in one of two ways; which one does not change what it does."""

MADE_BY_LOADING = {"__builtins__", "__cached__", "__file__", "__spec__", "__loader__", "__warningregistry__"}
MADE_BY_TYPE = {"__dict__", "__weakref__", "__doc__", "__static_attributes__", "__firstlineno__", "_abc_impl"}


class Held(NamedTuple):
    """A function that something held before the switch, with where its code came from."""

    file: str
    qualname: str
    function: FunctionType


class Code(NamedTuple):
    """What a code object does, and on which lines it says that it stands."""

    does: object
    lines: object


Codes = dict[tuple[str, str], Code]


def codes_of(folder: Path) -> Codes:
    """The functions of all sources below a folder, by file and qualified name; those that share both are left out."""
    found: dict[tuple[str, str], list[CodeType]] = {}
    for path in sorted(folder.rglob("*.py")):
        name = str(path.relative_to(folder))
        try:
            module = compile(path.read_bytes(), name, "exec", dont_inherit=True)
        except SyntaxError:  # templates, and tests of other syntaxes
            continue
        for code in _inside(module):
            found.setdefault((name, code.co_qualname), []).append(code)
    return {key: describe(codes[0]) for key, codes in found.items() if len(codes) == 1}


def describe(code: CodeType) -> Code:
    """Equal for code objects that do the same, and for those that say the same lines."""
    inner = [describe(const) for const in code.co_consts if isinstance(const, CodeType)]
    lines = sorted({line for *_, line in code.co_lines() if line is not None})
    return Code((_does(code), tuple(one.does for one in inner)), (lines, [one.lines for one in inner]))


def _does(code: CodeType) -> object:
    import dis

    steps = []
    for step in dis.get_instructions(code):
        name = CALL_SPELLINGS.get(step.opname, step.opname)
        if name in ("CACHE", "NOP", "PRECALL", "PUSH_NULL", "RESUME", "EXTENDED_ARG") or "JUMP" in name:
            continue
        argument = "" if isinstance(step.argval, CodeType) else step.argrepr
        for noise in ("NULL|self + ", " + NULL|self", "NULL + ", " + NULL"):
            argument = argument.replace(noise, "")
        steps.append((name, "" if name.startswith("CALL") else argument))
    kind = code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags & 0x2AF
    return (kind, code.co_varnames, code.co_freevars, tuple(steps))


def _inside(code: CodeType) -> Iterator[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _inside(const)


def held_functions(folder: Path) -> list[Held]:
    """Every function in the process whose code comes from below a folder."""
    prefix = f"{folder}/"
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    return [
        Held(function.__code__.co_filename.removeprefix(prefix), function.__code__.co_qualname, function)
        for function in functions
        if function.__code__.co_filename.startswith(prefix)
    ]


def held_classes(modules: Iterable[ModuleType]) -> list[type]:
    """Every class that one of these modules made and that its own name leads to."""
    names = {module.__name__ for module in modules}
    classes = [thing for thing in gc.get_objects() if isinstance(thing, type) and thing.__module__ in names]
    return [cls for cls in classes if named(cls.__module__, cls.__qualname__) is cls]


def named(module: str, qualname: str) -> Any:
    """What a qualified name leads to now."""
    thing: Any = sys.modules.get(module)
    for part in qualname.split("."):
        thing = getattr(thing, "__dict__", {}).get(part)
    return thing


def runs(function: FunctionType, wanted: Code) -> bool:
    """True if calling the function runs such code: its own, or that of a function of its name that it hands on to."""
    waiting: list[Any] = [function]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if type(each) is not FunctionType or id(each) in seen or each.__name__ != function.__name__:
            continue
        seen.add(id(each))
        if describe(each.__code__).does == wanted.does:
            return True
        waiting += [const for const in each.__code__.co_consts if type(const) is FunctionType]
        waiting += [each.__dict__.get("__wrapped__"), *_contents(each)]
    return False


def _contents(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is empty
            continue


def shapes(modules: Iterable[ModuleType]) -> dict[str, list[str]]:
    """The names of every module and the attributes and bases of every class in them, by qualified name."""
    found = {}
    for module in modules:
        found[module.__name__] = sorted(name for name in module.__dict__ if name not in MADE_BY_LOADING)
        for name, value in list(module.__dict__.items()):
            if isinstance(value, type) and value.__module__ == module.__name__ and value.__qualname__ == name:
                attributes = sorted(key for key in value.__dict__ if key not in MADE_BY_TYPE)
                bases = [f"<{base.__module__}.{base.__qualname__}>" for base in value.__mro__]
                found[f"{module.__name__}.{name}"] = [*bases, *attributes]
    return found


def counted(node_ids: Iterable[str]) -> dict[str, int]:
    """How many cases of each test passed; a parameter may be different in every run, such as the time of day."""
    return dict(Counter(node.partition("[")[0] for node in node_ids))
