"""Edits as data: what a module says before and after; `test_equivalence` asks whether it lives as a fresh import."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """Sources before, then the pushes, one after the other; a module that is left out stays as it is."""

    name: str
    before: dict[str, str]
    pushes: list[dict[str, str]]


def text(*lines: str) -> str:
    """The lines as a source."""
    return "".join(line + "\n" for line in lines)


SAME_AS_FRESH = [
    Edit(
        "value before an import under its name that may fail",
        {"m": text("try:", "  import missing as V", "except ImportError:", "  V = 1")},
        [{"m": text("V = 0", "try:", "  import missing as V", "except ImportError:", "  V = 1")}],
    ),
    Edit(
        "value that becomes a container that statements fill",
        {"m": text("def made(x): return x", "V = 5")},
        [{"m": text("def made(x): return x", "V = made([1])", "V.append(2)")}],
    ),
    Edit(
        "star import of a global that a call sets",
        {"a": text("def f(q):", "  global A", "  A = q", "f(4)"), "c": text("from a import *")},
        [{"a": text("def f(q):", "  global A", "  A = q", "f(8)")}],
    ),
    Edit(
        "call of what is given through a star import",
        {
            "a": text("R = 1", "def call(f): return f()", "def g(q=R): return q"),
            "c": text("from a import *", "V = call(g)"),
        },
        [{"a": text("R = 2", "def call(f): return f()", "def g(q=R): return q")}],
    ),
    Edit(
        "another definition of a name that several have",
        {
            "m": text(
                *("import functools", "@functools.singledispatch", "def f(x): return 0", "@f.register"),
                *("def _(x: int): return 'int'", "@f.register", "def _(x: list): return 'list'"),
                *("V = [f(1), f('s'), f([])]", "def g(): return [f(1), f('s'), f([])]"),
            )
        },
        [
            {
                "m": text(
                    *("import functools", "@functools.singledispatch", "def f(x): return 0", "@f.register"),
                    *("def _(x: int): return 'int'", "@f.register", "def _(x: list): return 'list'"),
                    *("@f.register", "def _(x: str): return 'str'", "V = [f(1), f('s'), f([]), 1]"),
                    "def g(): return [f(1), f('s'), f([])]",
                )
            }
        ],
    ),
    Edit(
        "container that a removed statement filled by a call",
        {
            "m": text(
                *("T = {}", "def put(f):", "  T[f.__name__] = f", "  return f"),
                *("@put", "def a(): return 1", "@put", "def b(): return 2", "V = sorted(T)"),
            )
        },
        [
            {
                "m": text(
                    *("T = {}", "def put(f):", "  T[f.__name__] = f", "  return f"),
                    *("@put", "def a(): return 1", "V = sorted(T)"),
                )
            }
        ],
    ),
    Edit(
        "members of an enum that read a value in their __init__",
        {
            "m": text(
                *("import enum", "R = 1", "class E(enum.Enum):", "  A = 1", "  def __init__(self, n): self.n = n * R"),
                "V = [e.n for e in E]",
            )
        },
        [
            {
                "m": text(
                    *(
                        "import enum",
                        "R = 2",
                        "class E(enum.Enum):",
                        "  A = 1",
                        "  def __init__(self, n): self.n = n * R",
                    ),
                    "V = [e.n for e in E]",
                )
            }
        ],
    ),
    Edit(
        "class that __init_subclass__ registers under another name",
        {
            "a": text("T = {}", "class B:", "  def __init_subclass__(c): T[c.name] = c"),
            "m": text("import a", "class C(a.B):", "  name = 'c'", "class D(a.B):", "  name = 'd'"),
        },
        [{"m": text("import a", "class C(a.B):", "  name = 'e'", "class D(a.B):", "  name = 'd'")}],
    ),
    Edit(
        "result that is kept of a function that reads another module",
        {
            "a": text("R = 1"),
            "m": text(
                "import a, functools", "@functools.cache", "def f(): return g()", "def g(): return a.R", "V = f()"
            ),
        },
        [{"a": text("R = 2")}],
    ),
    Edit(
        "function given to map",
        {"m": text("R = 1", "def f(x): return x*R", "V = list(map(f, [1, 2]))")},
        [{"m": text("R = 3", "def f(x): return x*R", "V = list(map(f, [1, 2]))")}],
    ),
    Edit(
        "function given to an attribute of a module",
        {"m": text("import functools", "R = 1", "def f(x, y): return x + y*R", "V = functools.reduce(f, [1, 2])")},
        [{"m": text("import functools", "R = 3", "def f(x, y): return x + y*R", "V = functools.reduce(f, [1, 2])")}],
    ),
    Edit(
        "method of what a call made",
        {"m": text("class T:", "  def make(self): return R*2", "R = 1", "V = T().make()")},
        [{"m": text("class T:", "  def make(self): return R*2", "R = 10", "V = T().make()")}],
    ),
    Edit(
        "function called by another name in a comprehension",
        {"m": text("R = 1", "def f(): return R", "V = 0")},
        [{"m": text("R = 2", "def f(): return R", "V = [g() for g in [f]]")}],
    ),
    Edit(
        "multi-bound wrap body",
        {
            "m": text(
                "def wrap(f):",
                "  def w(): return ('w',f())",
                "  return w",
                "def f(): return 1",
                "f = wrap(f)",
            )
        },
        [
            {
                "m": text(
                    "def wrap(f):",
                    "  def w(): return ('w',f())",
                    "  return w",
                    "def f(): return 2",
                    "f = wrap(f)",
                )
            }
        ],
    ),
    Edit(
        "multi-bound wrap sig",
        {
            "m": text(
                "def wrap(f):",
                "  def w(): return ('w',f())",
                "  return w",
                "def f(): return 1",
                "f = wrap(f)",
            )
        },
        [
            {
                "m": text(
                    "def wrap(f):",
                    "  def w(): return ('w',f())",
                    "  return w",
                    "def f(a=1): return 2",
                    "f = wrap(f)",
                )
            }
        ],
    ),
    Edit(
        "multi-bound wrap removed",
        {
            "m": text(
                "def wrap(f):",
                "  def w(): return ('w',f())",
                "  return w",
                "def f(): return 1",
                "f = wrap(f)",
            )
        },
        [
            {
                "m": text(
                    "def wrap(f):",
                    "  def w(): return ('w',f())",
                    "  return w",
                    "def f(): return 2",
                )
            }
        ],
    ),
    Edit(
        "reorder values",
        {
            "m": text(
                "X=1",
                "X=2",
            )
        },
        [
            {
                "m": text(
                    "X=2",
                    "X=1",
                )
            }
        ],
    ),
    Edit(
        "two binders remove last",
        {
            "m": text(
                "X=1",
                "X=2",
            )
        },
        [{"m": "X=1\n"}],
    ),
    Edit(
        "accumulator append added",
        {
            "m": text(
                "L=[]",
                "L.append(1)",
            )
        },
        [
            {
                "m": text(
                    "L=[]",
                    "L.append(1)",
                    "L.append(2)",
                )
            }
        ],
    ),
    Edit(
        "dict setitem changed",
        {
            "m": text(
                "D={}",
                "D['a']=1",
            )
        },
        [
            {
                "m": text(
                    "D={}",
                    "D['b']=1",
                )
            }
        ],
    ),
    Edit(
        "attr set on fn",
        {
            "m": text(
                "def f(): return f.x",
                "f.x=1",
            )
        },
        [
            {
                "m": text(
                    "def f(): return f.x",
                    "f.x=2",
                )
            }
        ],
    ),
    Edit(
        "attr set on fn removed",
        {
            "m": text(
                "def f(): return 1",
                "f.x=1",
            )
        },
        [{"m": "def f(): return 1\n"}],
    ),
    Edit(
        "setter removed",
        {
            "m": text(
                "class C:",
                "  @property",
                "  def p(self): return 1",
                "  @p.setter",
                "  def p(self,v): pass",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  @property",
                    "  def p(self): return 1",
                )
            }
        ],
    ),
    Edit(
        "docstring",
        {
            "m": text(
                "'a'",
                "X=1",
            )
        },
        [
            {
                "m": text(
                    "'b'",
                    "X=1",
                )
            }
        ],
    ),
    Edit(
        "docstring removed",
        {
            "m": text(
                "'a'",
                "X=1",
            )
        },
        [{"m": "X=1\n"}],
    ),
    Edit(
        "docstring added",
        {"m": "X=1\n"},
        [
            {
                "m": text(
                    "'new'",
                    "X=1",
                )
            }
        ],
    ),
    Edit(
        "class doc",
        {
            "m": text(
                "class C:",
                "  'a'",
                "  def f(self): return 1",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  'b'",
                    "  def f(self): return 1",
                )
            }
        ],
    ),
    Edit(
        "class doc removed",
        {
            "m": text(
                "class C:",
                "  'a'",
                "  def f(self): return 1",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  def f(self): return 1",
                )
            }
        ],
    ),
    Edit(
        "ann",
        {
            "m": text(
                "x: int = 1",
                "y: str",
            )
        },
        [
            {
                "m": text(
                    "x: float = 1",
                    "z: str",
                )
            }
        ],
    ),
    Edit(
        "class ann",
        {
            "m": text(
                "class C:",
                "  x: int = 1",
                "  y: str",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  x: float = 1",
                    "  z: str",
                )
            }
        ],
    ),
    Edit(
        "if values",
        {
            "m": text(
                "import sys",
                "if sys.version_info>(3,):",
                "  A=1",
                "  def f(): return A",
                "else:",
                "  A=2",
            )
        },
        [
            {
                "m": text(
                    "import sys",
                    "if sys.version_info>(3,):",
                    "  A=5",
                    "  def f(): return A",
                    "else:",
                    "  A=2",
                )
            }
        ],
    ),
    Edit(
        "try",
        {
            "m": text(
                "try:",
                "  import nosuch",
                "except ImportError:",
                "  nosuch=None",
            )
        },
        [
            {
                "m": text(
                    "try:",
                    "  import nosuch2",
                    "except ImportError:",
                    "  nosuch2=None",
                )
            }
        ],
    ),
    Edit(
        "dataclass defaults",
        {
            "m": text(
                "from dataclasses import dataclass",
                "@dataclass",
                "class P:",
                "  a: int = 1",
            )
        },
        [
            {
                "m": text(
                    "from dataclasses import dataclass",
                    "@dataclass",
                    "class P:",
                    "  a: int = 2",
                    "  b: str = 'x'",
                    "  def g(self): return self.a",
                )
            }
        ],
    ),
    Edit(
        "dataclass field removed",
        {
            "m": text(
                "from dataclasses import dataclass",
                "@dataclass",
                "class P:",
                "  a: int = 1",
                "  b: int = 2",
            )
        },
        [
            {
                "m": text(
                    "from dataclasses import dataclass",
                    "@dataclass",
                    "class P:",
                    "  a: int = 1",
                )
            }
        ],
    ),
    Edit(
        "dataclass frozen",
        {
            "m": text(
                "from dataclasses import dataclass",
                "@dataclass",
                "class P:",
                "  a: int = 1",
            )
        },
        [
            {
                "m": text(
                    "from dataclasses import dataclass",
                    "@dataclass(frozen=True)",
                    "class P:",
                    "  a: int = 1",
                )
            }
        ],
    ),
    Edit(
        "overload",
        {
            "m": text(
                "from typing import overload",
                "@overload",
                "def f(x:int)->int: ...",
                "@overload",
                "def f(x:str)->str: ...",
                "def f(x=1): return x",
            )
        },
        [
            {
                "m": text(
                    "from typing import overload",
                    "@overload",
                    "def f(x:int)->int: ...",
                    "@overload",
                    "def f(x:bytes)->str: ...",
                    "def f(x=1): return x",
                )
            }
        ],
    ),
    Edit(
        "nested class attr",
        {
            "m": text(
                "class A:",
                "  class B:",
                "    x=1",
                "  y=B.x",
            )
        },
        [
            {
                "m": text(
                    "class A:",
                    "  class B:",
                    "    x=2",
                    "  y=B.x",
                )
            }
        ],
    ),
    Edit(
        "class dep const",
        {
            "m": text(
                "R=1",
                "class A:",
                "  x=R",
                "  def f(self,a=R): return a",
            )
        },
        [
            {
                "m": text(
                    "R=2",
                    "class A:",
                    "  x=R",
                    "  def f(self,a=R): return a",
                )
            }
        ],
    ),
    Edit(
        "class local dep",
        {
            "m": text(
                "class A:",
                "  x=1",
                "  y=x+1",
                "  z=[i for i in range(y)]",
            )
        },
        [
            {
                "m": text(
                    "class A:",
                    "  x=2",
                    "  y=x+1",
                    "  z=[i for i in range(y)]",
                )
            }
        ],
    ),
    Edit(
        "class to func",
        {
            "m": text(
                "class f:",
                "  pass",
            )
        },
        [{"m": "def f(): return 1\n"}],
    ),
    Edit(
        "func to value",
        {
            "m": text(
                "def f(): return 1",
                "g=f",
            )
        },
        [
            {
                "m": text(
                    "f=3",
                    "g=f",
                )
            }
        ],
    ),
    Edit(
        "value to func",
        {"m": "f=3\n"},
        [{"m": "def f(): return 1\n"}],
    ),
    Edit(
        "alias change",
        {
            "m": text(
                "def a(): return 1",
                "def b(): return 2",
                "cur=a",
            )
        },
        [
            {
                "m": text(
                    "def a(): return 1",
                    "def b(): return 2",
                    "cur=b",
                )
            }
        ],
    ),
    Edit(
        "class alias",
        {
            "m": text(
                "class A: x=1",
                "class B: x=2",
                "C=A",
            )
        },
        [
            {
                "m": text(
                    "class A: x=1",
                    "class B: x=2",
                    "C=B",
                )
            }
        ],
    ),
    Edit(
        "del",
        {
            "m": text(
                "X=1",
                "Y=X",
                "del X",
            )
        },
        [
            {
                "m": text(
                    "X=2",
                    "Y=X",
                    "del X",
                )
            }
        ],
    ),
    Edit(
        "for loop",
        {
            "m": text(
                "for i in range(3): pass",
                "T=[i]",
            )
        },
        [
            {
                "m": text(
                    "for i in range(5): pass",
                    "T=[i]",
                )
            }
        ],
    ),
    Edit(
        "with",
        {
            "m": text(
                "import contextlib",
                "with contextlib.nullcontext(3) as c: D=c",
            )
        },
        [
            {
                "m": text(
                    "import contextlib",
                    "with contextlib.nullcontext(4) as c: D=c",
                )
            }
        ],
    ),
    Edit(
        "walrus",
        {
            "m": text(
                "print((n:=3), file=open('/dev/null','w'))",
                "M=n",
            )
        },
        [
            {
                "m": text(
                    "print((n:=4), file=open('/dev/null','w'))",
                    "M=n",
                )
            }
        ],
    ),
    Edit(
        "lambda in comp",
        {
            "m": text(
                "O=[lambda: 1 for _ in range(2)]",
                "R=O[0]()",
            )
        },
        [
            {
                "m": text(
                    "O=[lambda: 2 for _ in range(2)]",
                    "R=O[0]()",
                )
            }
        ],
    ),
    Edit(
        "namedtuple call",
        {
            "m": text(
                "from collections import namedtuple",
                "P=namedtuple('P','a b')",
                "z=P(1,2)",
            )
        },
        [
            {
                "m": text(
                    "from collections import namedtuple",
                    "P=namedtuple('P','a b c')",
                    "z=P(1,2,3)",
                )
            }
        ],
    ),
    Edit(
        "async/sync",
        {"m": "def f(): return 1\n"},
        [{"m": "async def f(): return 1\n"}],
    ),
    Edit(
        "gen",
        {"m": "def f(): return 1\n"},
        [{"m": "def f(): yield 1\n"}],
    ),
    Edit(
        "abc",
        {
            "m": text(
                "from abc import ABC,abstractmethod",
                "class A(ABC):",
                "  @abstractmethod",
                "  def f(self): ...",
            )
        },
        [
            {
                "m": text(
                    "from abc import ABC,abstractmethod",
                    "class A(ABC):",
                    "  @abstractmethod",
                    "  def f(self): ...",
                    "  @abstractmethod",
                    "  def g(self): ...",
                )
            }
        ],
    ),
    Edit(
        "slots method",
        {
            "m": text(
                "class C:",
                "  __slots__=('a',)",
                "  def f(self): return 1",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  __slots__=('a',)",
                    "  def f(self): return 2",
                    "  def g(self): return 2",
                )
            }
        ],
    ),
    Edit(
        "enum member removed+method",
        {
            "m": text(
                "from enum import Enum",
                "class E(Enum):",
                "  A=1",
                "  B=2",
            )
        },
        [
            {
                "m": text(
                    "from enum import Enum",
                    "class E(Enum):",
                    "  A=1",
                    "  C=3",
                    "  def g(self): return 1",
                )
            }
        ],
    ),
    Edit(
        "flag",
        {
            "m": text(
                "from enum import Flag,auto",
                "class E(Flag):",
                "  A=auto()",
                "  B=auto()",
            )
        },
        [
            {
                "m": text(
                    "from enum import Flag,auto",
                    "class E(Flag):",
                    "  A=auto()",
                    "  B=auto()",
                    "  C=auto()",
                )
            }
        ],
    ),
    Edit(
        "global written",
        {
            "m": text(
                "N=0",
                "def bump():",
                "  global N",
                "  N+=1",
                "bump()",
                "bump()",
            )
        },
        [
            {
                "m": text(
                    "N=10",
                    "def bump():",
                    "  global N",
                    "  N+=1",
                    "bump()",
                    "bump()",
                )
            }
        ],
    ),
    Edit(
        "mod getattr",
        {"m": "def __getattr__(n): return 1\n"},
        [{"m": "def __getattr__(n): return n\n"}],
    ),
    Edit(
        "all",
        {
            "m": text(
                "__all__=['a']",
                "a=1",
                "b=2",
            )
        },
        [
            {
                "m": text(
                    "__all__=['a','b']",
                    "a=1",
                    "b=2",
                )
            }
        ],
    ),
    Edit(
        "type alias value",
        {
            "m": text(
                "from typing import Optional",
                "T=Optional[int]",
                "def f(x: T=None): return 1",
            )
        },
        [
            {
                "m": text(
                    "from typing import Optional",
                    "T=Optional[str]",
                    "def f(x: T=None): return 1",
                )
            }
        ],
    ),
    Edit(
        "future",
        {
            "m": text(
                "from __future__ import annotations",
                "def f(x: Foo=1): return x",
            )
        },
        [
            {
                "m": text(
                    "from __future__ import annotations",
                    "def f(x: Bar=1): return x",
                    "class C:",
                    "  y: Baz = 1",
                )
            }
        ],
    ),
    Edit(
        "x-mod from import value",
        {
            "a": "R=1\n",
            "b": text(
                "from a import R as Q",
                "T=Q*2",
            ),
            "c": text(
                "import b",
                "U=b.T+1",
            ),
        },
        [{"a": "R=5\n"}],
    ),
    Edit(
        "x-mod 2 pushed order",
        {
            "a": "R=1\n",
            "b": text(
                "from a import R",
                "T=R*2",
            ),
        },
        [
            {
                "b": text(
                    "from a import R",
                    "T=R*3",
                ),
                "a": "R=5\n",
            }
        ],
    ),
    Edit(
        "star __all__",
        {
            "a": text(
                "__all__=['K']",
                "K=1",
                "L=2",
            ),
            "b": text(
                "from a import *",
                "M=K",
            ),
        },
        [
            {
                "a": text(
                    "__all__=['K','L']",
                    "K=1",
                    "L=2",
                )
            }
        ],
    ),
    Edit(
        "default in other",
        {
            "a": "R=1\n",
            "b": text(
                "import a",
                "def f(x=a.R): return x",
                "class C:",
                "  y=a.R",
            ),
        },
        [{"a": "R=5\n"}],
    ),
    Edit(
        "base in other",
        {
            "a": text(
                "class A:",
                "  x=1",
            ),
            "b": text(
                "from a import A",
                "class B(A):",
                "  y=A.x",
            ),
        },
        [
            {
                "a": text(
                    "class A:",
                    "  x=2",
                )
            }
        ],
    ),
    Edit(
        "fn called in other",
        {
            "a": text(
                "R=1",
                "def mk(): return R*10",
            ),
            "b": text(
                "from a import mk",
                "T=mk()",
            ),
        },
        [
            {
                "a": text(
                    "R=2",
                    "def mk(): return R*10",
                )
            }
        ],
    ),
    Edit(
        "func to class in other",
        {
            "a": "def mk(): return 1\n",
            "b": text(
                "from a import mk",
                "T=mk",
            ),
        },
        [{"a": "class mk: pass\n"}],
    ),
    Edit(
        "new name used by other",
        {
            "a": "R=1\n",
            "b": text(
                "import a",
                "def f(): return a.R",
            ),
        },
        [
            {
                "a": text(
                    "R=1",
                    "S=2",
                ),
                "b": text(
                    "from a import S",
                    "import a",
                    "def f(): return S",
                ),
            }
        ],
    ),
    Edit(
        "cycle",
        {
            "a": text(
                "import b",
                "X=1",
                "def f(): return b.Y",
            ),
            "b": text(
                "import a",
                "Y=2",
                "def g(): return a.X",
            ),
        },
        [
            {
                "a": text(
                    "import b",
                    "X=3",
                    "def f(): return b.Y",
                ),
                "b": text(
                    "import a",
                    "Y=4",
                    "def g(): return a.X",
                ),
            }
        ],
    ),
    Edit(
        "break+repair",
        {
            "m": text(
                "X=1",
                "def f(): return X",
            )
        },
        [
            {
                "m": text(
                    "X=2",
                    "def f( return",
                )
            },
            {
                "m": text(
                    "X=3",
                    "def f(): return X+1",
                )
            },
        ],
    ),
    Edit(
        "fail+repair",
        {
            "m": text(
                "X=1",
                "def f(): return X",
            )
        },
        [
            {
                "m": text(
                    "X=2",
                    "def f(): return X",
                    "1/0",
                )
            },
            {
                "m": text(
                    "X=3",
                    "def f(): return X+1",
                )
            },
        ],
    ),
    Edit(
        "class deco",
        {
            "m": text(
                "from functools import total_ordering",
                "@total_ordering",
                "class C:",
                "  def __eq__(s,o): return True",
                "  def __lt__(s,o): return False",
            )
        },
        [
            {
                "m": text(
                    "from functools import total_ordering",
                    "@total_ordering",
                    "class C:",
                    "  def __eq__(s,o): return True",
                    "  def __lt__(s,o): return True",
                    "  def g(s): return 1",
                )
            }
        ],
    ),
    Edit(
        "method deco",
        {
            "m": text(
                "def d(f):",
                "  def w(*a): return ('w',f(*a))",
                "  return w",
                "class C:",
                "  @d",
                "  def m(self): return 1",
                "R=C().m()",
            )
        },
        [
            {
                "m": text(
                    "def d(f):",
                    "  def w(*a): return ('w',f(*a))",
                    "  return w",
                    "class C:",
                    "  @d",
                    "  def m(self, x=1): return 2",
                )
            }
        ],
    ),
    Edit(
        "generic",
        {
            "m": text(
                "from typing import Generic,TypeVar",
                "T=TypeVar('T')",
                "class C(Generic[T]):",
                "  x=1",
                "  def f(self)->T: return 1",
            )
        },
        [
            {
                "m": text(
                    "from typing import Generic,TypeVar",
                    "T=TypeVar('T')",
                    "class C(Generic[T]):",
                    "  x=2",
                    "  def f(self)->T: return 2",
                    "  def g(self)->T: return 3",
                )
            }
        ],
    ),
    Edit(
        "protocol",
        {
            "m": text(
                "from typing import Protocol",
                "class P(Protocol):",
                "  def f(self)->int: ...",
            )
        },
        [
            {
                "m": text(
                    "from typing import Protocol",
                    "class P(Protocol):",
                    "  x: int",
                    "  def f(self)->int: ...",
                    "  def g(self)->int: ...",
                )
            }
        ],
    ),
    Edit(
        "typeddict",
        {
            "m": text(
                "from typing import TypedDict",
                "class P(TypedDict):",
                "  a:int",
            )
        },
        [
            {
                "m": text(
                    "from typing import TypedDict",
                    "class P(TypedDict):",
                    "  a:int",
                    "  b:str",
                )
            }
        ],
    ),
    Edit(
        "attrs",
        {
            "m": text(
                "import attr",
                "@attr.s(auto_attribs=True)",
                "class P:",
                "  a:int=1",
            )
        },
        [
            {
                "m": text(
                    "import attr",
                    "@attr.s(auto_attribs=True)",
                    "class P:",
                    "  a:int=1",
                    "  b:int=2",
                    "  def g(self): return 1",
                )
            }
        ],
    ),
    Edit(
        "pydantic",
        {
            "m": text(
                "from pydantic import BaseModel",
                "class P(BaseModel):",
                "  a:int=1",
            )
        },
        [
            {
                "m": text(
                    "from pydantic import BaseModel",
                    "class P(BaseModel):",
                    "  a:int=1",
                    "  b:str='x'",
                )
            }
        ],
    ),
    Edit(
        "pydantic validator",
        {
            "m": text(
                "from pydantic import BaseModel,field_validator",
                "class P(BaseModel):",
                "  a:int=1",
                "  @field_validator('a')",
                "  @classmethod",
                "  def v(cls,x): return x+1",
                "R=P(a=3).a",
            )
        },
        [
            {
                "m": text(
                    "from pydantic import BaseModel,field_validator",
                    "class P(BaseModel):",
                    "  a:int=1",
                    "  @field_validator('a')",
                    "  @classmethod",
                    "  def v(cls,x): return x+100",
                    "R=P(a=3).a;S=1",
                )
            }
        ],
    ),
    Edit(
        "meta init",
        {
            "m": text(
                "class M(type):",
                "  def __init__(c,n,b,d): c.z=len(d)",
                "class C(metaclass=M):",
                "  def f(s): return 1",
            )
        },
        [
            {
                "m": text(
                    "class M(type):",
                    "  def __init__(c,n,b,d): c.z=len(d)",
                    "class C(metaclass=M):",
                    "  def f(s): return 2",
                )
            }
        ],
    ),
    Edit(
        "init_subclass",
        {
            "m": text(
                "class B:",
                "  subs=[]",
                "  def __init_subclass__(c): B.subs.append(c.__name__)",
                "class C(B):",
                "  x=1",
            )
        },
        [
            {
                "m": text(
                    "class B:",
                    "  subs=[]",
                    "  def __init_subclass__(c): B.subs.append(c.__name__)",
                    "class C(B):",
                    "  x=2",
                    "class D(B): pass",
                )
            }
        ],
    ),
    Edit(
        "rename class",
        {
            "m": text(
                "class A:",
                "  x=1",
                "def f(): return A.x",
            )
        },
        [
            {
                "m": text(
                    "class A2:",
                    "  x=1",
                    "def f(): return A2.x",
                )
            }
        ],
    ),
    Edit(
        "class moved",
        {
            "m": text(
                "class A:",
                "  x=1",
                "class B(A): pass",
            )
        },
        [
            {
                "m": text(
                    "X=1",
                    "",
                    "class A:",
                    "  x=1",
                    "",
                    "",
                    "class B(A): pass",
                )
            }
        ],
    ),
    Edit(
        "lambda default",
        {"m": "f=lambda a=1: a\n"},
        [{"m": "f=lambda a=2: a\n"}],
    ),
    Edit(
        "two lambdas",
        {"m": "f,g=lambda: 1,lambda: 2\n"},
        [{"m": "f,g=lambda: 1,lambda: 3\n"}],
    ),
    Edit(
        "dict of fns",
        {
            "m": text(
                "def a(): return 1",
                "def b(): return 2",
                "D={'a':a,'b':b}",
                "R=[x() for x in D.values()]",
            )
        },
        [
            {
                "m": text(
                    "def a(): return 1",
                    "def c(): return 3",
                    "D={'a':a,'c':c}",
                    "R=[x() for x in D.values()]",
                )
            }
        ],
    ),
    Edit(
        "cond if changes",
        {
            "m": text(
                "F=True",
                "if F:",
                "  def f(): return 1",
                "else:",
                "  def f(): return 2",
            )
        },
        [
            {
                "m": text(
                    "F=False",
                    "if F:",
                    "  def f(): return 1",
                    "else:",
                    "  def f(): return 2",
                )
            }
        ],
    ),
    Edit(
        "if removed branch name",
        {
            "m": text(
                "F=True",
                "if F:",
                "  X=1",
                "else:",
                "  Y=2",
            )
        },
        [
            {
                "m": text(
                    "F=False",
                    "if F:",
                    "  X=1",
                    "else:",
                    "  Y=2",
                )
            }
        ],
    ),
    Edit(
        "singledispatch add",
        {
            "m": text(
                "import functools",
                "@functools.singledispatch",
                "def f(x=0): return 'o'",
                "@f.register",
                "def _(x:int): return 'i'",
                "R=f(1)",
            )
        },
        [
            {
                "m": text(
                    "import functools",
                    "@functools.singledispatch",
                    "def f(x=0): return 'o'",
                    "@f.register",
                    "def _(x:int): return 'i'",
                    "@f.register",
                    "def _(x:str): return 's'",
                    "R=f(1)",
                )
            }
        ],
    ),
    Edit(
        "cached prop",
        {
            "m": text(
                "import functools",
                "class C:",
                "  @functools.cached_property",
                "  def p(self): return 1",
            )
        },
        [
            {
                "m": text(
                    "import functools",
                    "class C:",
                    "  @functools.cached_property",
                    "  def p(self): return 2",
                    "  @functools.cached_property",
                    "  def q(self): return 2",
                )
            }
        ],
    ),
    Edit(
        "cm",
        {
            "m": text(
                "import contextlib",
                "@contextlib.contextmanager",
                "def c(a=1):",
                "  yield a",
                "with c() as R: pass",
            )
        },
        [
            {
                "m": text(
                    "import contextlib",
                    "@contextlib.contextmanager",
                    "def c(a=2):",
                    "  yield a",
                    "with c() as R: pass",
                )
            }
        ],
    ),
    Edit(
        "semi",
        {"m": "a=1; b=2\n"},
        [{"m": "a=1; b=3; c=4\n"}],
    ),
    Edit(
        "backslash/multi",
        {
            "m": text(
                "x = [",
                " 1,",
                " 2]",
                "def f(): return x",
            )
        },
        [
            {
                "m": text(
                    "x = [",
                    " 1,",
                    " 2,3]",
                    "",
                    "def f(): return x",
                )
            }
        ],
    ),
    Edit(
        "unicode",
        {
            "m": text(
                "é=1",
                "def ñ(): return é",
                "s='😀'",
            )
        },
        [
            {
                "m": text(
                    "é=2",
                    "def ñ(): return é",
                    "s='😀😀'",
                )
            }
        ],
    ),
    Edit(
        "name collision builtin",
        {"m": "def f(): return len([1])\n"},
        [
            {
                "m": text(
                    "def len(x): return 42",
                    "def f(): return len([1])",
                )
            }
        ],
    ),
    Edit(
        "remove override of builtin",
        {
            "m": text(
                "def len(x): return 42",
                "def f(): return len([1])",
                "R=len([])",
            )
        },
        [
            {
                "m": text(
                    "def f(): return len([1])",
                    "R=len([])",
                )
            }
        ],
    ),
    Edit(
        "exec annotations fn",
        {
            "m": text(
                "class K: pass",
                "def f(a: K=None)->K: return a",
            )
        },
        [
            {
                "m": text(
                    "class K: pass",
                    "def f(a: int=None)->K: return a",
                )
            }
        ],
    ),
    Edit(
        "global in fn newly",
        {
            "m": text(
                "def f():",
                "  return 1",
            )
        },
        [
            {
                "m": text(
                    "def f():",
                    "  global Q",
                    "  Q=1",
                    "  return Q",
                )
            }
        ],
    ),
    Edit(
        "empty",
        {"m": "x=1\n"},
        [{"m": ""}],
    ),
    Edit(
        "from empty",
        {"m": ""},
        [
            {
                "m": text(
                    "x=1",
                    "def f(): return x",
                )
            }
        ],
    ),
    Edit(
        "only comments",
        {"m": "# a\n"},
        [
            {
                "m": text(
                    "# b",
                    "",
                    "# c",
                )
            }
        ],
    ),
    Edit(
        "import swap",
        {
            "m": text(
                "import json as j",
                "V=j.dumps(1)",
            )
        },
        [
            {
                "m": text(
                    "import pickle as j",
                    "V=j.dumps(1)",
                )
            }
        ],
    ),
    Edit(
        "import added name",
        {
            "m": text(
                "from os import path",
                "V=path.sep",
            )
        },
        [
            {
                "m": text(
                    "from os import path, sep",
                    "V=path.sep",
                )
            }
        ],
    ),
    Edit(
        "import removed",
        {
            "m": text(
                "import json,os",
                "def f(): return os.sep",
            )
        },
        [
            {
                "m": text(
                    "import os",
                    "def f(): return os.sep",
                )
            }
        ],
    ),
    Edit(
        "type params-like TypeVar",
        {
            "m": text(
                "from typing import TypeVar",
                "T=TypeVar('T')",
            )
        },
        [
            {
                "m": text(
                    "from typing import TypeVar",
                    "T=TypeVar('T',bound=int)",
                    "def f(a: T=1)->T: return a",
                )
            }
        ],
    ),
    Edit(
        "while/else",
        {
            "m": text(
                "n=0",
                "while n<3: n+=1",
                "m=n",
            )
        },
        [
            {
                "m": text(
                    "n=0",
                    "while n<5: n+=1",
                    "m=n",
                )
            }
        ],
    ),
    Edit(
        "match",
        {
            "m": text(
                "v=3",
                "match v:",
                "  case 3: r='three'",
                "  case _: r='other'",
            )
        },
        [
            {
                "m": text(
                    "v=4",
                    "match v:",
                    "  case 3: r='three'",
                    "  case _: r='other'",
                )
            }
        ],
    ),
    Edit(
        "aug",
        {
            "m": text(
                "x=1",
                "x+=1",
                "x*=3",
            )
        },
        [
            {
                "m": text(
                    "x=2",
                    "x+=1",
                    "x*=3",
                )
            }
        ],
    ),
    Edit(
        "aug changed",
        {
            "m": text(
                "x=1",
                "x+=1",
                "x*=3",
            )
        },
        [
            {
                "m": text(
                    "x=1",
                    "x+=5",
                    "x*=3",
                )
            }
        ],
    ),
    Edit(
        "enum dep",
        {
            "m": text(
                "from enum import Enum",
                "class E(Enum):",
                "  A=1",
                "X=E.A.value",
            )
        },
        [
            {
                "m": text(
                    "from enum import Enum",
                    "class E(Enum):",
                    "  A=2",
                    "X=E.A.value",
                )
            }
        ],
    ),
    Edit(
        "class attr dep",
        {
            "m": text(
                "class C:",
                "  x=1",
                "Y=C.x",
            )
        },
        [
            {
                "m": text(
                    "class C:",
                    "  x=2",
                    "Y=C.x",
                )
            }
        ],
    ),
    Edit(
        "class deco own",
        {
            "m": text(
                "def tag(c):",
                "  c.tag=1",
                "  return c",
                "@tag",
                "class C:",
                "  x=1",
            )
        },
        [
            {
                "m": text(
                    "def tag(c):",
                    "  c.tag=1",
                    "  return c",
                    "@tag",
                    "class C:",
                    "  x=2",
                )
            }
        ],
    ),
]
"""After the pushes the modules are what a fresh import of their sources makes."""

REFUSED = [
    (
        "LC105",
        Edit(
            "dataclass that becomes an enum",
            {"m": text("import dataclasses, enum", "@dataclasses.dataclass", "class A:", "  f: int = 1")},
            [{"m": text("import dataclasses, enum", "class A(enum.Enum):", "  F = 1")}],
        ),
    ),
    (
        "LC105",
        Edit(
            "typed dict that becomes a dataclass",
            {"m": text("import dataclasses, typing", "class A(typing.TypedDict):", "  f: int")},
            [{"m": text("import dataclasses, typing", "@dataclasses.dataclass", "class A:", "  f: int = 1")}],
        ),
    ),
    (
        "LC103",
        Edit(
            "slots change",
            {
                "m": text(
                    "class C:",
                    "  __slots__=('a',)",
                    "HELD = C()",
                )
            },
            [
                {
                    "m": text(
                        "class C:",
                        "  __slots__=('a','b')",
                        "HELD = C()",
                    )
                }
            ],
        ),
    ),
    (
        "LC102",
        Edit(
            "meta change",
            {
                "m": text(
                    "class M(type): pass",
                    "class C: pass",
                )
            },
            [
                {
                    "m": text(
                        "class M(type): pass",
                        "class C(metaclass=M): pass",
                    )
                }
            ],
        ),
    ),
    (
        "LC101",
        Edit(
            "future added",
            {"m": "def f(x=1): return x\n"},
            [
                {
                    "m": text(
                        "from __future__ import barry_as_FLUFL",
                        "def f(x=1): return x",
                    )
                }
            ],
        ),
    ),
    (
        "LC103",
        Edit(
            "attrs define",
            {
                "m": text(
                    "from attrs import define",
                    "@define",
                    "class P:",
                    "  a:int=1",
                    "HELD = [P()]",
                )
            },
            [
                {
                    "m": text(
                        "from attrs import define",
                        "@define",
                        "class P:",
                        "  a:int=1",
                        "  b:int=2",
                        "HELD = [P()]",
                    )
                }
            ],
        ),
    ),
]
"""What cannot be done live is refused with its code, and nothing changes."""
