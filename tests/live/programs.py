"""Programs of several modules and sequences of edits, made at random.

A program is a list of statements for each module. Every statement that does something notes that it was executed
(`t("tag", value)`), so that it is seen what a push executes. An edit changes, adds, removes, moves or swaps statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st

from tests.live.equivalence import Sources
from tests.live.played import MODULES


class Statement(NamedTuple):
    """One statement: `shape` with a name, a number and names of others filled in."""

    shape: str
    name: str
    number: int
    uses: tuple[str, ...]

    def text(self, module: str) -> str:
        """Its source."""
        one, two = self.uses
        tag = f"{module}.{self.shape}.{self.name}"
        return SHAPES[self.shape].format(n=self.name, k=self.number, x=one, y=two, tag=tag)


SHAPES = {
    "value": "{n} = t('{tag}', {k})",
    "sum": "{n} = t('{tag}', ({x}, {k}))",
    "table": "{n} = t('{tag}', {{'k': {k}, 'x': {x}}})",
    "comprehension": "{n} = t('{tag}', [({x}, i) for i in range({k} % 3)])",
    "function": "def {n}(q={k}): return ({x}, q)",
    "body": "def {n}():\n    r = {k}\n    return (r, {x})",
    "closure": "def {n}():\n    def inner(): return ({k}, {x})\n    return inner()",
    "default": "def {n}(q={x}): return (q, {k})",
    "generator": "def {n}():\n    yield {k}\n    yield {x}",
    "coroutine": "async def {n}(): return ({k}, {x})",
    "lambda": "{n} = t('{tag}', lambda: ({x}, {k}))",
    "class": "class {n}:\n    v = {k}\n    def m(self): return ({x}, self.v)\n"
    "    @property\n    def p(self): return {k}\n"
    "    @staticmethod\n    def s(): return {x}\n    @classmethod\n    def c(cls): return (cls.v, {k})",
    "reading class": "class {n}:\n    v = ({x}, {k})\n    def m(self): return self.v",
    "derived": "class {n}(Base):\n    def m(self): return (super().m(), {k}, {x})",
    "enum": "class {n}(enum.Enum):\n    ONE = {k}\n    TWO = {k} + 1",
    "dataclass": "@dataclasses.dataclass\nclass {n}:\n    f: int = {k}\n    def m(self): return (self.f, {x})",
    "tuple": "class {n}(typing.NamedTuple):\n    f: int = {k}\n    def m(self): return (self.f, {x})",
    "wrapped": "@wrap\ndef {n}(): return ({x}, {k})",
    "cached": "@functools.lru_cache\ndef {n}(): return {k}",
    "condition": "if t('{tag}', {k}) % 2:\n    {n} = {x}\nelse:\n    {n} = {y}",
    "attempt": "try:\n    {n} = t('{tag}', 6 // ({k} % 2))\nexcept ZeroDivisionError:\n    {n} = {x}",
    "walrus": "if ({n} := t('{tag}', {k})) > 5: {n} = {x}",
    "deleted": "{n}_ = t('{tag}', {k})\n{n} = ({n}_, {x})\ndel {n}_",
    "annotated": "{n}: int = t('{tag}', {k})",
    "registry": "{n} = t('{tag}', {{'f': call, 'x': {x}, 'k': {k}}})",
    "text": "{n} = t('{tag}', f'{{{x}!r:.20}} {k}')",
    "matched": "match t('{tag}', {k}) % 3:\n    case 0: {n} = {x}\n    case _: {n} = {y}",
    "loop": "{n} = []\nfor _i in range({k} % 4): {n}.append(({x}, _i))",
    "append": "{n} = [{y}]\n{n}.append(t('{tag}', ({k}, {x})))",
    "entries": "{n} = {{}}\n{n}['k'] = {k}\n{n}['x'] = {x}",
    "augmented": "{n} = t('{tag}', {k})\n{n} += 1",
    "extended": "{n} = [{y}]\n{n} += t('{tag}', [{x}, {k}])",
    "set by call": "def {n}_(q):\n    global {n}\n    {n} = (q, {k})\n{n}_(t('{tag}', {x}))",
    "call": "{n} = t('{tag}', call({x}))",
    "called": "def {n}_(): return ({x}, {k})\n{n} = t('{tag}', {n}_())",
    "nested": "def {n}():\n    total = {k}\n    def add(q):\n        nonlocal total\n        total += q\n"
    "        return (total, {x})\n    return [add(1), add(2)]",
    "maker": "def {n}_(q):\n    def inner(): return (q, {k}, {x})\n    return inner\n{n} = t('{tag}', {n}_({k}))",
    "heir": "class {n}(plain({x})):\n    def m(self): return (super().m(), {k}, {y})",
    "related": "class {n}_(Base):\n    v = {k}\n    def m(self): return ({x}, self.v)\n"
    "class {n}({n}_):\n    def m(self): return (super().m(), {y})",
    "meta": "class {n}(metaclass=Meta):\n    v = {k}\n    def m(self): return ({x}, self.made)",
    "subclassed": "class {n}(Counted):\n    v = {k}\n    def m(self): return (self.counted, {x})",
    "descriptor": "class {n}:\n    d = Field({k})\n    def m(self): return (self.d, {x})",
    "property class": "class {n}:\n    @property\n    def p(self): return {k}\n    @p.setter\n"
    "    def p(self, q): self.q = ({x}, q)\n    @functools.cached_property\n    def cp(self): return ({y}, {k})",
    "inner class": "class {n}:\n    class Inner:\n        v = ({x}, {k})\n        def m(self): return self.v\n"
    "    def m(self): return self.Inner().m()",
    "abstract": "class {n}(abc.ABC):\n    @abc.abstractmethod\n    def m(self): return {k}\n"
    "    def p(self): return {x}",
    "protocol": "class {n}(typing.Protocol):\n    v: int = {k}\n    def m(self): return {x}",
    "typed": "class {n}(typing.TypedDict):\n    f: int\n    g{k}: str",
    "made tuple": "{n} = t('{tag}', collections.namedtuple('{n}', 'f g', defaults=({k}, 0)))",
    "frozen": "@dataclasses.dataclass(frozen=True)\nclass {n}:\n    f: tuple = ({x}, {k})\n    g: int = {k}",
    "flag": "class {n}(enum.Flag):\n    A = enum.auto()\n    B = 2 ** ({k} + 1)\n    @property\n"
    "    def p(self): return {x}",
    "partial": "{n} = t('{tag}', functools.partial(call, {x}))",
    "dispatched": "@functools.singledispatch\ndef {n}(q=None): return ({k}, {x})\n"
    "@{n}.register\ndef {n}_(q: int): return ({y}, q)",
    "lambda table": "{n} = t('{tag}', {{'a': lambda: ({x}, {k}), 'b': lambda q={k}: q}})",
    "chained": "{n} = t('{tag}', 0 <= {k} < 5 != 7)",
    "attempted import": "try:\n    import missing{k} as {n}\nexcept ImportError:\n    {n} = t('{tag}', {x})",
    "annotations": "def {n}(q: int = {k}, *, r: 'str' = {x}) -> list[int]: return (q, r)",
    "asynchronous": "async def {n}():\n    for i in range({k}): yield ({x}, i)",
    "defined in a branch": "if {k} % 2:\n    def {n}(): return ({x}, 1)\nelse:\n    def {n}(q=0): return ({y}, q, {k})",
    "two at once": "{n}, {n}_ = t('{tag}', ({k}, {x}))",
    "assigned with": "with contextlib.nullcontext(t('{tag}', {k})) as {n}_:\n    {n} = ({n}_, {x})",
    "typed names": "{n} = t('{tag}', list[int] if {k} % 2 else dict[str, int])",
    "class table": "class {n}:\n    table = {{'k': {k}, 'm': lambda self: {x}}}\n"
    "    rows = [i * {k} for i in range(3)]\n    def m(self): return self.table['m'](self)",
    "redefined": "def {n}(): return ({k}, {x})\n{n} = wrap({n})",
    "updated": "{n} = {{'k': {k}}}\n{n}.update(x=t('{tag}', {x}))",
    "global reader": "{n}_state = {k}\ndef {n}():\n    global {n}_state\n    return ({n}_state, {x})",
}
"""What statements look like; `x` and `y` are names that other statements bound before.

Containers are displays: of one that an unknown call made, it is told that what was added to it is not taken back.
"""

HEAD = {
    "a": "{imports}{tools}",
    "b": "{imports}import a\nfrom a import A0{names}\n",
    "c": "{imports}import b as bee\nfrom a import *\nfrom b import B0 as first\n",
}
IMPORTS = ("abc", "collections", "contextlib", "dataclasses", "enum", "functools", "typing")
TOOLS = {
    "call": "def call(x): return x() if callable(x) and not isinstance(x, type) else x\n",
    "wrap": "def wrap(f):\n    @functools.wraps(f)\n    def w(*args): return ('w', f(*args))\n    return w\n",
    "Base": "class Base:\n    def m(self): return 'base'\n",
    "plain": "def plain(x): return x if isinstance(x, type) and issubclass(x, Base) else Base\n",
    "Meta": "class Meta(type):\n    def __new__(m, n, b, d): return super().__new__(m, n, b, {**d, 'made': n})\n",
    "Counted": "class Counted:\n    def __init_subclass__(cls): cls.counted = cls.__name__\n",
    "Field": "class Field:\n    def __init__(self, v): self.v = v\n    def __set_name__(self, o, n): self.n = n\n"
    "    def __get__(self, o, t=None): return (self.n, self.v)\n",
}
"""What module `a` defines for all: only what a history uses of it, so that a failure reads well."""

OUTSIDE = {"a": (), "b": ("A0", "a.A0", "a.A1"), "c": ("first", "bee.B1", "A0", "A1", "bee.B0")}

BREAKS = ("", "", "", "def broken(:\n", "broken = 1 // 0\n")
"""What is added to the changed modules first: nothing, a syntax error, or an exception when it is loaded."""

Program = tuple[tuple[Statement, ...], ...]


def histories_as_sources(programs: Iterable[Program]) -> list[Sources]:
    """Each program as module → source; at the top of the modules is what one of the programs uses."""
    every = list(programs)
    bodies = [
        {m: "".join(f"{s.text(m)}\n" for s in made) for m, made in zip(MODULES, program, strict=True)}
        for program in every
    ]
    used = set(re.findall(r"\w+", " ".join(text for body in bodies for text in body.values())))
    tools = [name for name in TOOLS if name in used or (name == "Base" and "plain" in used)]
    used |= set(re.findall(r"\w+", "".join(TOOLS[name] for name in tools)))
    imports = ", ".join(name for name in IMPORTS if name in used)
    heads = {
        module: head.format(
            imports=f"import {imports}\n" if imports else "",
            tools="".join(TOOLS[name] for name in tools),
            names="".join(f", {name}" for name in tools),
        )
        for module, head in HEAD.items()
    }
    return [{module: heads[module] + text for module, text in body.items()} for body in bodies]


@st.composite
def statement_of(draw: st.DrawFn, module: str, name: str, before: tuple[str, ...]) -> Statement:
    """A statement that binds the name, and may read names that are bound before."""
    known = (*before, *OUTSIDE[module])
    use = st.sampled_from(known) if known else st.just("None")
    number = draw(st.integers(0, 9))
    return Statement(draw(st.sampled_from(list(SHAPES))), name, number, (draw(use), draw(use)))


def names_of(module: str, count: int) -> tuple[str, ...]:
    """The names that a module binds at first."""
    return tuple(f"{module.upper()}{number}" for number in range(count))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Some statements for each module; the first two are plain, so that others can rely on them."""
    made = []
    for module in MODULES:
        names = names_of(module, draw(st.integers(2, 5)))
        made.append(tuple(draw(statement_of(module, name, names[:at])) for at, name in enumerate(names)))
    return tuple(made)


@st.composite
def edited(draw: st.DrawFn, program: Program) -> Program:
    """The program after an edit of one module or several."""
    made = [list(statements) for statements in program]
    for at in draw(st.lists(st.integers(0, 2), min_size=1, max_size=2)):
        module, here = MODULES[at], made[at]
        place = draw(st.integers(0, len(here) - 1))
        before = tuple(statement.name for statement in here[:place])
        match draw(st.sampled_from(("number", "number", "swap", "add", "remove", "move", "rename"))):
            case "number":
                here[place] = here[place]._replace(number=draw(st.integers(0, 9)))
            case "swap":
                here[place] = draw(statement_of(module, here[place].name, before))
            case "add":
                name = f"{module.upper()}{draw(st.integers(2, 7))}"
                here.insert(place, draw(statement_of(module, name, before)))
            case "remove" if place > 1:
                del here[place]
            case "move":
                here.insert(draw(st.integers(0, len(here) - 1)), here.pop(place))
            case "rename" if place > 1:
                here[place] = here[place]._replace(name=f"{module.upper()}{draw(st.integers(5, 9))}")
    return tuple(map(tuple, made))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Program], list[str]]:
    """A program and what becomes of it, edit by edit; and what is broken before each edit arrives whole."""
    found = [draw(programs())]
    for _ in range(draw(st.integers(1, 3))):
        found.append(draw(edited(found[-1])))
    return found, [draw(st.sampled_from(BREAKS)) for _ in found[1:]]


def may_execute(before: Program, after: Program) -> set[str]:
    """Tags of what a push may execute: what changed, moved past what it reads, or reads such a thing in the end."""
    was, now = _seen(before), _seen(after)
    touched = {name for name in {*was, *now} if was.get(name) != now.get(name)}
    pairs = [(m, s) for program in (before, after) for m, made in zip(MODULES, program, strict=True) for s in made]
    known = -1
    while known < len(touched):
        known = len(touched)
        touched |= {f"{m}.{s.name}" for m, s in pairs if touched & {_target(m, use) for use in s.uses}}
    return {f"{m}.{s.shape}.{s.name}" for m, s in pairs if f"{m}.{s.name}" in touched}


def _seen(program: Program) -> dict[str, list[object]]:
    """Name → the statements that bind it, each with what binds the names that it uses above it."""
    found: dict[str, list[object]] = {}
    for module, statements in zip(MODULES, program, strict=True):
        for at, statement in enumerate(statements):
            above = [s.text(module) for s in statements[:at] if s.name in statement.uses]
            found.setdefault(f"{module}.{statement.name}", []).append((statement.text(module), above))
    return found


def _target(module: str, use: str) -> str:
    """The module and name that a use in a module means."""
    if "." in use:
        return use.replace("bee.", "b.")
    return "b.B0" if use == "first" else f"{use[0].lower()}.{use}"
