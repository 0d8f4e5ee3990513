"""Which hooks cannot be called, and which classes an edit changes."""

from __future__ import annotations

import pytest

from livecode.engine.forms import parse
from livecode.engine.hooks import asynchronous_hooks, changed_classes, names_migrate, refuse_hooks
from tests.engine.fake import plan_of


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def __hot_dispose__(): pass", None),
        ("def __hot_dispose__(x=1, *, y=2): pass", None),
        ("def __hot_dispose__(x): pass", "takes 1 argument, and it is called with 0"),
        ("def __hot_accept__(state): pass", None),
        ("def __hot_accept__(state, /, more=1): pass", None),
        ("def __hot_accept__(*args): pass", None),
        ("def __hot_accept__(): pass", "takes 0 arguments, and it is called with 1"),
        ("def __hot_accept__(a, b, c=1): pass", "takes 2 to 3 arguments, and it is called with 1"),
        ("def __hot_accept__(state, *, k): pass", "needs the keyword 'k', which it is not given"),
        ("def __hot_accept__(state): yield", "is a generator, whose body would not run"),
        ("def __hot_accept__(state):\n def f(): yield\n return f", None),
        ("async def __hot_accept__(state): pass", None),
        ("async def __hot_accept__(): pass", "takes 0 arguments, and it is called with 1"),
        ("class __hot_accept__: pass", "is a class, and a function is wanted"),
        ("__hot_accept__ = 1", "cannot be called"),
        ("__hot_accept__: object = []", "cannot be called"),
        ("__hot_accept__ = None", None),
        ("__hot_accept__ = lambda: 0", "takes 0 arguments, and it is called with 1"),
        ("__hot_accept__ = make()", None),
        ("from other import __hot_accept__", None),
        ("@deco\ndef __hot_accept__(): pass", None),
        ("if X:\n def __hot_accept__(): pass", "takes 0 arguments, and it is called with 1"),
        ("def f():\n def __hot_accept__(): pass", None),
        ("class C:\n def __hot_accept__(self): pass", None),
        ("def __hot_migrate__(): pass", None),
        ("class C:\n def __hot_migrate__(self, old): pass", None),
        ("class C:\n def __hot_migrate__(self): pass", "takes 1 argument, and it is called with 2"),
        ("class C:\n class D:\n  def __hot_migrate__(self): pass", "takes 1 argument, and it is called with 2"),
        ("class C:\n @classmethod\n def __hot_migrate__(cls, old): pass", "is no method of the instance"),
        ("class C:\n async def __hot_migrate__(self, old): pass", "is async: instances are migrated between"),
        ("class C:\n __hot_migrate__ = None", None),
        ("HELP = 'def __hot_accept__(): pass'", None),
    ],
)
def test_signatures(source: str, said: str | None) -> None:
    """A hook is refused for what can be seen in the source, with the line at which it stands."""
    found = refuse_hooks("m", parse("X = 1\n\n" + source + "\n"))
    assert [item.code for item in found] == ([] if said is None else ["LC107"])
    for item in found:
        assert said is not None
        assert said in item.what
        assert item.line == 3 + source[: source.index("__hot_")].count("\n")
        assert item.way_out.startswith("write def __hot_")


def test_async_hooks_are_known() -> None:
    """Those that need an event loop."""
    source = "async def __hot_accept__(s): pass\nasync def f(): pass\ndef __hot_dispose__(): pass\n"
    assert asynchronous_hooks(parse(source)) == ("__hot_accept__",)


def test_a_hook_for_instances_is_announced() -> None:
    """A source in which no class has the hook is known at a glance."""
    assert names_migrate(parse("class C:\n def __hot_migrate__(self, old): pass\n"))
    assert not names_migrate(parse("class C:\n def f(self, old): pass\n"))


@pytest.mark.parametrize(
    ("before", "after", "classes"),
    [
        ("class A:\n x = 1", "class A:\n x = 2", {"A"}),
        ("class A:\n def f(s): 1", "class A:\n def f(s): 2", {"A"}),
        ("class A:\n def f(s): 1", "class A:\n def f(s): 1\n def g(s): 1", {"A"}),
        ("class A:\n x = 1", "class A:\n x = 1 # more", set()),
        ("class A:\n x = 1", "\n\nclass A:\n x = 1", set()),
        ("class A:\n x = 1\nclass B: pass", "class A:\n x = 1\nclass B:\n y = 1", {"B"}),
        ("class A:\n x = 1", "class A:\n x = 1\nclass B: pass", set()),
        ("class A:\n class B:\n  x = 1", "class A:\n class B:\n  x = 2", {"A.B"}),
        ("class A:\n class B:\n  def f(s): 1", "class A:\n class B:\n  def f(s): 2", {"A.B"}),
        ("if 1:\n class A:\n  def f(s): 1", "if 1:\n class A:\n  def f(s): 2", {"A"}),
        ("if 1:\n class A:\n  x = 1", "if 1:\n class A:\n  x = 2", {"A"}),
        ("X = 1\nclass A:\n x = X", "X = 2\nclass A:\n x = X", {"A"}),
        ("def f():\n class A: pass", "def f():\n class A:\n  x = 1", set()),
    ],
)
def test_changed_classes(before: str, after: str, classes: set[str]) -> None:
    """A class changes if one of its members does; a comment or another line number is no change."""
    assert changed_classes(plan_of(before + "\n", after + "\n")) == classes
