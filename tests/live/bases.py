"""Classes that get other bases or metaclasses while they live: what holds before the push, and what is true after."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from tests.live.equivalence import load


class Rebased(NamedTuple):
    """One module before and after; `held` is executed before the push, each of `true` evaluated after it."""

    name: str
    before: str
    after: str
    held: str
    true: tuple[str, ...]


def rebased(before: str, after: str, held: str, true: list[str]) -> dict[str, Any]:
    """The verdict of a push, what was remarked, and which expressions are not true."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    load({"m": before})
    scope: dict[str, Any] = {"m": sys.modules["m"], "raises": raises}
    exec(held, scope)
    outcome = this_process().push(Push((ModuleSource("m", after),)))
    wrong = {}
    for expression in true:
        try:
            value = eval(expression, scope)
        except Exception as error:
            value = repr(error)
        if value is not True:
            wrong[expression] = repr(value)
    codes = [item.code for item in outcome.refusals]
    failure = outcome.failure and outcome.failure.message
    return {"verdict": outcome.verdict, "codes": codes, "failure": failure, "wrong": wrong, "said": outcome.warnings}


def raises(kind: type[Exception], function: Any, *args: Any) -> bool:
    """True if calling the function raises such an error."""
    try:
        function(*args)
    except kind:
        return True
    return False


HELD = "a = m.A(3); A = m.A"
POINT = "class A:\n def __init__(self, x): self.x = x\n def hi(self): return 'A'\n"
BASE = "class B:\n def hi(self): return 'B'\n def more(self): return 'more'\n"

LIVE = [
    Rebased(
        "first base",
        BASE + POINT,
        BASE + POINT.replace("A:", "A(B):").replace("'A'", "'A' + super().hi()"),
        HELD,
        (
            "m.A is A and isinstance(a, m.B) and issubclass(A, m.B)",
            "a.hi() == 'AB' and a.more() == 'more' and A(4).x == 4",
            "A.__mro__[0] is A and A.__mro__[-2:] == (m.B, object)",
            "__import__('copy').copy(a).x == 3",
            "__import__('pickle').loads(__import__('pickle').dumps(a)).x == 3",
            "raises(TypeError, A) and raises(TypeError, A, 1, 2)",
            "type('S', (A,), {'__new__': lambda cls, *args: object.__new__(cls)})(5).x == 5",
            "type('S', (A,), {'__new__': lambda cls, *args: A.__new__(cls)})(5).x == 5",
        ),
    ),
    Rebased(
        "first base that pickles in its own way",
        "class B:\n def __reduce__(self): return int, (7,)\n def tzname(self): return 'B'\n" + POINT,
        "class B:\n def __reduce__(self): return int, (7,)\n def tzname(self): return 'B'\n"
        + POINT.replace("A:", "A(B):"),
        HELD,
        ("__import__('copy').copy(a) == 7", "a.tzname() == 'B'"),
    ),
    Rebased(
        "first base of a base",
        BASE + POINT + "class S(A): pass\n",
        BASE + POINT.replace("A:", "A(B):") + "class S(A): pass\n",
        "s = m.S(1); S = m.S",
        ("s.more() == 'more' and isinstance(s, m.B) and m.S is S", "type('T', (S,), {})(2).more() == 'more'"),
    ),
    Rebased(
        "two first bases in a row of subclasses",
        BASE + POINT + "class S(A): pass\nclass O: pass\nclass T(S, O): pass\n",
        BASE + "class C: pass\n" + POINT.replace("A:", "A(B):") + "class S(A): pass\n"
        "class O(C): pass\nclass T(S, O): pass\n",
        "t = m.T(1)",
        ("isinstance(t, m.B) and isinstance(t, m.C)", "t.hi() == 'A'"),
    ),
    Rebased(
        "last base",
        BASE + POINT.replace("A:", "A(B):"),
        BASE + POINT,
        HELD,
        ("not isinstance(a, m.B) and not hasattr(a, 'more')", "a.hi() == 'A' and m.A is A and A(1).x == 1"),
    ),
    Rebased(
        "abstract base",
        "class A:\n def f(self): raise NotImplementedError\nclass S(A):\n def f(self): return 1\nclass T(A): pass\n",
        "from abc import ABC, abstractmethod\nclass A(ABC):\n @abstractmethod\n def f(self): ...\n"
        "class S(A):\n def f(self): return 1\nclass T(A): pass\n",
        "s, t, f = m.S(), m.T(), m.S.f",
        (
            "raises(TypeError, m.A) and raises(TypeError, m.T) and m.S().f() == 1",
            "m.A.__abstractmethods__ == m.T.__abstractmethods__ == {'f'} and not m.S.__abstractmethods__",
            "raises(TypeError, type('U', (m.A,), {}))",
            "type('V', (m.A,), {'f': lambda self: 2})().f() == 2",
            "isinstance(s, m.A) and isinstance(s, __import__('abc').ABC) and f(s) == 1",
        ),
    ),
    Rebased(
        "abstract metaclass",
        "class B: pass\nclass A(B):\n def f(self): pass\n",
        "from abc import ABCMeta, abstractmethod\nclass B: pass\n"
        "class A(B, metaclass=ABCMeta):\n @abstractmethod\n def f(self): pass\n",
        "a = m.A()",
        ("raises(TypeError, m.A) and isinstance(a, m.A)", "raises(TypeError, type('U', (m.A,), {}))"),
    ),
    Rebased(
        "metaclass of abstract classes",
        "class M(type): pass\nclass A(metaclass=M):\n def f(self): pass\nclass S(A):\n def f(self): return 1\n",
        "from abc import ABCMeta, abstractmethod\nclass M(ABCMeta): pass\nclass A(metaclass=M):\n"
        " @abstractmethod\n def f(self): pass\nclass S(A):\n def f(self): return 1\n",
        "a, s, A = m.A(), m.S(), m.A",
        (
            "m.A is A and isinstance(s, m.A) and isinstance(a, m.A) and not isinstance(1, m.A)",
            "raises(TypeError, m.A) and m.S().f() == 1",
            "m.A.register(int) is int and isinstance(1, m.A)",
        ),
    ),
    Rebased(
        "metaclass of a base",
        "class M(type): pass\nclass N(M):\n def of(cls): return cls.__name__\n"
        "class B(metaclass=M): pass\nclass C(metaclass=N): pass\nclass A(B):\n def f(self): 1\n",
        "class M(type): pass\nclass N(M):\n def of(cls): return cls.__name__\n"
        "class B(metaclass=M): pass\nclass C(metaclass=N): pass\nclass A(B, C):\n def f(self): 1\n",
        "A = m.A",
        ("m.A is A and type(A) is m.N and A.of() == 'A'",),
    ),
    Rebased(
        "base that is told of its subclasses",
        "class B:\n known = []\n def __init_subclass__(cls): B.known.append(cls.__name__)\nclass A: pass\n",
        "class B:\n known = []\n def __init_subclass__(cls): B.known.append(cls.__name__)\nclass A(B): x = 1\n",
        "",
        ("m.B.known == ['A'] and m.A.x == 1",),
    ),
    Rebased(
        "generic base",
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass B: pass\nclass A(B): pass\n",
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass B: pass\nclass A(B, Generic[T]): pass\n",
        "a = m.A()",
        ("m.A.__parameters__ == (m.T,)", "m.A[int].__args__ == (int,)", "isinstance(a, m.Generic)"),
    ),
    Rebased(
        "dataclass on another base",
        "from dataclasses import dataclass\n@dataclass\nclass B:\n x: int = 1\n@dataclass\nclass C:\n y: int = 2\n"
        "@dataclass\nclass A(B):\n z: int = 3\n",
        "from dataclasses import dataclass\n@dataclass\nclass B:\n x: int = 1\n@dataclass\nclass C:\n y: int = 2\n"
        "@dataclass\nclass A(C):\n z: int = 3\n",
        "A = m.A; a = A()",
        ("m.A is A and A(5, 6).y == 5 and isinstance(a, m.C)",),
    ),
]
"""Other bases on a class that exists, as a fresh import would make them."""
LIVE += [
    Rebased(
        "slots written in another way",
        "class A:\n __slots__ = ['x', 'y']\n def f(self): return 1\n",
        "class A:\n __slots__ = ('y', 'x')\n def f(self): return self.x + self.y\n",
        "a = m.A(); a.x, a.y = 1, 2",
        ("a.f() == 3 and (a.x, a.y) == (1, 2) and type(a) is m.A and m.A.__slots__ == ('y', 'x')",),
    )
]
META = (
    "class M(type):\n known = {}\n ordered = []\n def __init__(cls, name, bases, space):\n"
    "  super().__init__(name, bases, space)\n  M.known[space.get('key', name)] = cls\n  M.ordered.append(cls)\n"
    "  cls.fields = sorted(key for key, value in space.items() if isinstance(value, int) and key[0] != '_')\n"
)
LIVE += [
    Rebased(
        "metaclass that registers and derives",
        META + "class A(metaclass=M):\n x = 1\n seen = []\nclass B(A): y = 2\n",
        META + "class A(metaclass=M):\n x = 1\n z = 3\n seen = []\nclass B(A): y = 2\n",
        "A = m.A; a = A(); A.seen.append(1); seen = A.seen",
        (
            "m.A is A and A.fields == ['x', 'z'] and a.z == 3 and A.seen is seen and seen == [1]",
            "m.M.ordered == [A, m.B] and m.M.known == {'A': A, 'B': m.B}",
            "A.__subclasses__() == [m.B]",
        ),
    ),
    Rebased(
        "metaclass that registers under another name",
        META + "class A(metaclass=M): key = 'a'\nclass B(A): key = 'b'\n",
        META + "class A(metaclass=M): key = 'c'\nclass B(A): key = 'b'\n",
        "A = m.A",
        ("list(m.M.known.items()) == [('c', A), ('b', m.B)] and m.M.ordered == [A, m.B]",),
    ),
]

REFUSED = [
    Rebased(
        "first base of a class that makes itself",
        BASE + "class A:\n def __new__(cls): return object.__new__(cls)\n",
        BASE + "class A(B):\n def __new__(cls): return object.__new__(cls)\n",
        "a = m.A()",
        ("not isinstance(a, m.B) and m.A().__class__ is m.A",),
    ),
]
"""Not before Python 3.15."""

ROLLED_BACK = [
    Rebased(
        "other layout", "B = dict\nclass A: pass\n", "B = dict\nclass A(B): pass\n", "a = m.A()", ("type(a) is m.A",)
    ),
    Rebased(
        "metaclass that builds in another way",
        "class M(type): pass\nclass B: pass\nclass C(metaclass=M): pass\nclass A(B): pass\n",
        "class M(type): pass\nclass B: pass\nclass C(metaclass=M): pass\nclass A(B, C): pass\n",
        "a = m.A()",
        ("type(m.A) is type and m.A.__bases__ == (m.B,)",),
    ),
    Rebased(
        "first base that makes instances itself",
        "class B:\n def __new__(cls): return object.__new__(cls)\nclass A: pass\n",
        "class B:\n def __new__(cls): return object.__new__(cls)\nclass A(B): pass\n",
        "a = m.A()",
        ("m.A.__bases__ == (object,)",),
    ),
]
