"""Where in a code object a call gets at what changes, and what of it lies before and behind an instruction.

A call is in the middle of a change if it has got at one changed thing and will yet get at another one: it would see
the first as it was and the second as it is. A call that has not begun to look, or has done looking, is not.

    return first(), second()       between the two it is in the middle; before and after it is not
    while True:                    while a call is short, all of it is one look, whatever it repeats;
        first(), second()          of one that lasts, a look is one turn of its loop
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType

NOTHING = frozenset[str]()

_BINARY = [
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "lshift",
    "rshift",
    "and",
    "xor",
    "or",
]

OPERATORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"), ("COMPARE", "CONTAINS")),
    **dict.fromkeys(("__getitem__", "__setitem__", "__delitem__", "__missing__"), ("BINARY", "STORE_S", "DELETE_S")),
    **dict.fromkeys(("__iter__", "__next__"), ("GET_ITER", "FOR_ITER", "iter", "next", "list", "tuple", "sum")),
    **dict.fromkeys(("__enter__", "__exit__", "__aenter__", "__aexit__"), ("BEFORE_", "LOAD_SPECIAL")),
    **dict.fromkeys(("__str__", "__repr__", "__format__"), ("FORMAT", "str", "repr", "format", "print")),
    **dict.fromkeys(("__getattr__", "__getattribute__", "__get__"), ("LOAD_ATTR", "LOAD_METHOD", "getattr")),
    **dict.fromkeys(("__setattr__", "__delattr__", "__set__", "__delete__"), ("STORE_ATTR", "DELETE_ATTR", "setattr")),
    "__hash__": ("BINARY", "CONTAINS", "hash"),
    "__contains__": ("CONTAINS",),
    "__len__": ("TO_BOOL", "len", "bool"),
    "__bool__": ("TO_BOOL", "UNARY_NOT", "bool"),
    "__call__": ("CALL",),
    **{f"__{side}{name}__": ("BINARY", "INPLACE") for name in _BINARY for side in ("", "r", "i")},
    **dict.fromkeys(("__neg__", "__pos__", "__invert__", "__abs__"), ("UNARY", "CALL_INTRINSIC", "abs")),
}
"""The instructions, and the functions that Python has, that end in a method which no code mentions."""

_OTHERS = ("STORE_", "DELETE_", "LOAD_CONST", "LOAD_FAST")
"""Instructions with a text that is not what they read."""


_FOREVER = 1 << 62
_KEEPING = frozenset({"PRECALL", "SWAP", "COPY", "PUSH_NULL", "KW_NAMES", "NOP", "CACHE", "EXTENDED_ARG"})
"""Instructions that use nothing of what is on the stack."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An instruction that gets at what changes.

    Attributes:
        start: Its offset.
        end: What it got is used up before this offset: a function that was loaded is called only then.
        names: What it gets at.
    """

    start: int
    end: int
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spots:
    """What code gets at, by instruction.

    Attributes:
        at: In order.
        loops: First and last offset of each loop, the outermost first.
        itself: What the code is itself, if it is something that changes.
    """

    at: tuple[Spot, ...] = ()
    loops: tuple[tuple[int, int], ...] = ()
    itself: frozenset[str] = NOTHING

    def around(self, position: int, depth: int) -> tuple[frozenset[str], frozenset[str]]:
        """What a call got at up to an instruction, and what it may get at afterwards.

        Args:
            position: Offset of the instruction that it is at.
            depth: How many loops that it is inside of are taken by the turn: 0 takes the whole call as one look. Of a
                call that is taken by the turn and is in no loop, nothing counts.
        """
        around = [(first, last) for first, last in self.loops if first <= position <= last]
        if depth and not around:
            return NOTHING, NOTHING
        turn, inner = around[:depth][-1:], around[depth:]
        within = [spot for spot in self.at if not turn or turn[0][0] <= spot.start <= turn[0][1]]
        again = [spot.names for spot in within if any(first <= spot.start <= last for first, last in inner)]
        before = [spot.names for spot in within if spot.start <= position]
        behind = [spot.names for spot in within if spot.end > position]
        return self.itself.union(*before, *again), NOTHING.union(*behind, *again)


def spots(
    code: CodeType, led_to: Callable[[str], frozenset[str]], acting: frozenset[str], lasting: frozenset[str]
) -> Spots:
    """Where the code gets at what changes.

    Args:
        code: Any code object.
        led_to: What changes of that to which a name leads.
        acting: What changes of the methods in `OPERATORS`.
        lasting: What stays the same object and changes inside: who has it has not yet seen which version it is.
    """
    found: list[Spot] = []
    turns: dict[int, int] = {}
    held: dict[str, frozenset[str]] = {}
    instructions = list(dis.get_instructions(code))
    for number, each in enumerate(instructions):
        if "BACKWARD" in each.opname and not each.opname.endswith("NO_INTERRUPT"):
            turns[each.argval] = each.offset
        names = _got(each, led_to, held) | (_acting(each, acting) if acting else NOTHING)
        if names:
            last = names & lasting
            end, local = _used(instructions, number) if last else (each.offset + 1, "")
            if local:
                held[local] = held.get(local, NOTHING) | last
            found.append(Spot(each.offset, end, names))
    return Spots(tuple(found), _loops(turns))


def _loops(turns: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """The loops, the outermost first: what begins inside of one belongs to it, wherever the compiler has put it."""
    for first in sorted(turns, reverse=True):
        turns[first] = max(last for other, last in turns.items() if first <= other <= turns[first])
    return tuple(sorted(turns.items(), key=lambda turn: turn[0] - turn[1]))


def _got(
    each: dis.Instruction, led_to: Callable[[str], frozenset[str]], held: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """What an instruction reads by name, by what inner code reads, or from a local variable."""
    if isinstance(each.argval, CodeType):
        return NOTHING.union(*(led_to(name) for name in mentioned(each.argval)))
    if "LOAD_FAST" in each.opname:  # from 3.13 on one instruction may store a variable and load another one
        read = each.argval if isinstance(each.argval, tuple) else (each.argval,)
        return NOTHING.union(*(held.get(name, NOTHING) for name in read)) if held else NOTHING
    return led_to(each.argval) if isinstance(each.argval, str) and not each.opname.startswith(_OTHERS) else NOTHING


def _used(instructions: Sequence[dis.Instruction], number: int) -> tuple[int, str]:
    """Before which offset the value that an instruction loads is used up, and the local variable that keeps it, if any.

    A call uses it up when it begins if the value is what is called, and when it has ended if it was given to that.
    """
    loaded = instructions[number]
    slot = -1 if loaded.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR") else 0
    depth = _effect(loaded)
    for each in instructions[number + 1 :]:
        depth += _effect(each)
        if depth <= slot + 1 and each.opname not in _KEEPING:
            if each.opname.startswith("STORE_FAST"):
                return each.offset, each.argval if isinstance(each.argval, str) else each.argval[0]
            called = each.opname.startswith("CALL") and depth >= slot
            return (each.offset if called else each.offset + 1), ""
    return _FOREVER, ""


def _effect(each: dis.Instruction) -> int:
    return dis.stack_effect(each.opcode, each.arg, jump=False)


def _acting(each: dis.Instruction, acting: frozenset[str]) -> frozenset[str]:
    by = (each.opname, each.argval) if isinstance(each.argval, str) else (each.opname,)
    return frozenset(name for name in acting if any(item.startswith(OPERATORS[name]) for item in by))


def only_lost_its_turn(code: CodeType, position: int) -> bool:
    """True if a call that is at this instruction waits for its turn and nothing else: nothing there takes time."""
    opname = dis.opname[code.co_code[position]] if position >= 0 else "RESUME"
    return opname == "RESUME" or "JUMP" in opname


def mentioned(code: CodeType) -> frozenset[str]:
    """Every name that the code reads from outside of itself, its inner scopes included."""
    inner = (mentioned(const) for const in code.co_consts if isinstance(const, CodeType))
    return frozenset((*code.co_names, *code.co_freevars)).union(*inner)
