"""What is reached by what changes: from a name that gets another value to the functions that read it when called.

    RATE = 2                                   RATE is dirty
    def tax(x): return x * RATE                tax is tainted: a call gives another result
    class Order:
        def total(self): return tax(self.x)    Order.total is tainted
    ORDER = Order()                            ORDER.total is
    def build(): return Order().total()        build is

Everything is a path as the module writes it: ``RATE``, ``Order.total``, ``config.RATE``. ``D.*`` says that D is the
same object with other contents, ``C.?`` that every attribute of C may be another one, ``C.!`` that C has other fields,
which matters to classes that are built from them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property

from livecode.engine.bodies import MUTATORS, Inside, dotted
from livecode.engine.forms import Form, Kind

MAKERS = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__", "__set_name__", "__call__"})
"""Methods that run when the class, or the instance, is called."""

OPERATORS = frozenset(
    {
        *("__getitem__", "__iter__", "__len__", "__contains__", "__bool__", "__str__", "__repr__", "__format__"),
        *("__add__", "__radd__", "__sub__", "__mul__", "__truediv__", "__eq__", "__lt__", "__gt__", "__enter__"),
        *("__exit__", "__next__", "__hash__", "__int__", "__float__", "__index__", "__or__", "__and__", "__call__"),
    }
)
"""Methods that run when an object is looked at as a whole."""


_DISPLAYS = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
}
CONTAINERS = frozenset({"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter"})


class Places:
    """Where the forms of a module define and mention things; made once for each source.

    Args:
        forms: Of the module.
        calls_given: Says of an imported function whether it calls what it is given.
        enums: Qualified names of the classes that are enums: their members are made when the class is.
    """

    def __init__(
        self,
        forms: Sequence[Form],
        calls_given: Callable[[str], bool] = lambda _: False,
        enums: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self.forms = forms
        self._enums = enums
        self._calls_given = calls_given
        self._given: dict[str, bool] = {}
        self._mentioning: dict[str, list[Form]] = {}
        self._instances: dict[str, str] | None = None
        self._containers: dict[str, str] | None = None
        self._families: dict[str, set[str]] = {}
        self.led_to: dict[tuple[str, bool], list[tuple[str, bool]]] = {}
        self._bases_of: dict[str, set[str]] | None = None

    def imported_calls_given(self, name: str) -> bool:
        """True for an imported function that calls what it is given."""
        if name not in self._given:
            self._given[name] = self._calls_given(name)
        return self._given[name]

    @cached_property
    def classes(self) -> dict[str, Form]:
        """The classes by qualified name."""
        return {name: form for form in self.forms for name, form in _classes(form)}

    @cached_property
    def _known_enums(self) -> Collection[str]:
        return self._enums()

    def made_from(self, names: Collection[str]) -> set[str]:
        """What the statements that bind these names read, and those that bind what these read."""
        found, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            for form in self.mentioning(name):
                if form.kind is Kind.VALUE and name in form.names.binds:
                    waiting += form.names.reads - found
                    found |= form.names.reads
        return found

    def makers(self, form: Form) -> Iterator[str]:
        """What a class statement calls when it is executed: hooks of bases and metaclasses, an enum's own methods."""
        name = ".".join((*form.scope, form.name))
        yield from (f"{base}.__init_subclass__" for base in map(dotted, getattr(form.node, "bases", ())))
        for meta in self._metaclasses(form):
            yield from (f"{meta}.{method}" for method in ("__new__", "__init__", "__call__"))
        if name in self._known_enums:
            yield from (f"{name}.{method}" for method in ("__init__", "__new__", "_generate_next_value_"))

    def _metaclasses(self, form: Form) -> list[str]:
        words = getattr(form.node, "keywords", ()) if form.kind is Kind.CLASS else ()
        return [dotted(word.value) for word in words if word.arg == "metaclass"]

    def made_by(self, meta: str) -> Iterator[str]:
        """The classes of the module that name a metaclass."""
        yield from (path for path, form in self.classes.items() if meta in self._metaclasses(form))

    def mentioning(self, word: str) -> list[Form]:
        """The forms that have this word in their text."""
        if word not in self._mentioning:
            self._mentioning[word] = [form for form in self.forms if word in form.shape.words]
        return self._mentioning[word]

    def instances(self) -> dict[str, str]:
        """Names that stand for an instance of a class: name → the class as it is called."""
        if self._instances is None:
            self._instances = {}
            for form in self.forms:
                value = getattr(form.node, "value", None) if form.kind is Kind.VALUE else None
                if isinstance(value, ast.Call) and (called := dotted(value.func)):
                    self._instances |= dict.fromkeys(form.names.binds, called)
        return self._instances

    def containers(self) -> dict[str, str]:
        """Names that stand for a list, dict or set made where they are bound: name → what made it."""
        if self._containers is None:
            self._containers = {}
            for form in self.forms:
                value = getattr(form.node, "value", None) if form.kind is Kind.VALUE else None
                made = _container(value) if isinstance(value, ast.expr) else ""
                for name in form.names.binds if form.kind is not Kind.OTHER else ():
                    self._containers.pop(name, None)
                    if made:
                        self._containers[name] = made
        return self._containers

    def below(self, name: str, attribute: str) -> Iterator[str]:
        """Classes of the module that inherit this attribute of the class `name`."""
        for path, form in self.classes.items():
            if name in self._bases()[path] and not any(attribute in member.names.binds for member in form.members):
                yield path

    def family(self, name: str) -> set[str]:
        """A class of the module with all classes of the module that it is derived from, or that derive from it."""
        found = self._families.get(name)
        if found is None:
            found = self._families[name] = {name}
            size = 0
            while len(found) > size:
                size = len(found)
                for path, bases in self._bases().items():
                    if path in found or bases & found:
                        found |= {path, *(bases & self.classes.keys())}
        return found

    def _bases(self) -> dict[str, set[str]]:
        if self._bases_of is None:
            named = {path: getattr(form.node, "bases", ()) for path, form in self.classes.items()}
            self._bases_of = {path: set(map(dotted, bases)) for path, bases in named.items()}
        return self._bases_of


class Reach:
    """What is dirty and tainted at one place of a module; it grows by `dirty` and `taint`.

    Args:
        places: Of the module.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.dirt: set[str] = set()
        self.tainted: set[str] = set()
        self.words: set[str] = set()  # what all of it ends in: a form without these words has nothing to do with it
        self._given: set[tuple[str, bool]] = set()
        self._roots: set[str] = set()  # first names of what is dirty

    def copy(self) -> Reach:
        """The same, to go on from."""
        made = Reach(self.places)
        made.dirt, made.tainted, made.words = set(self.dirt), set(self.tainted), set(self.words)
        made._given, made._roots = set(self._given), set(self._roots)
        return made

    def dirty(self, paths: Iterable[str]) -> None:
        """Adds what gets another value, with all that calls reach it."""
        self._grow([(path, False) for path in paths])

    def taint(self, paths: Iterable[str]) -> None:
        """Adds what gives another result when it is called."""
        self._grow([(path, True) for path in paths])

    def clean(self, names: Collection[str]) -> None:
        """Takes away names that have their old value again: what was reached from them is found anew."""
        if not self._roots.isdisjoint(names):
            kept = [(path, is_taint) for path, is_taint in self._given if is_taint or root_of(path) not in names]
            self.dirt, self.tainted, self.words, self._given, self._roots = set(), set(), set(), set(), set()
            self._grow(kept)

    def _grow(self, given: list[tuple[str, bool]]) -> None:
        self._given.update(given)
        waiting = list(given)
        while waiting:
            path, is_taint = waiting.pop()
            known = self.tainted if is_taint else self.dirt
            if path in known:
                continue
            known.add(path)
            if path.endswith((".__init_subclass__", ".<lambda>")):
                self.words.add(path.split(".")[-2])  # the class as a base, the statement with the lambda
            if not is_taint:
                self._roots.add(root_of(path))
            self.words.add(path.removesuffix(".*").removesuffix(".?").removesuffix(".!").rpartition(".")[2])
            waiting += self._next(path, is_taint)

    def _next(self, path: str, is_taint: bool) -> list[tuple[str, bool]]:
        """What a path leads to at once, which its module alone decides: found out once."""
        found = self.places.led_to.get((path, is_taint))
        if found is None:
            found = [(other, is_taint) for other in self._same_attribute(path)]
            found += [(name, True) for name in self._readers(path, is_taint=is_taint)]
            owner, _, last = path.rpartition(".")
            if is_taint and last in MAKERS and owner:
                found += [(owner, True)] if last != "__init_subclass__" else []
                found += [(f"{each}.__init_subclass__", True) for each in self.places.made_by(owner)]
            self.places.led_to[path, is_taint] = found = list(dict.fromkeys(found))
        return found

    def _same_attribute(self, path: str) -> Iterator[str]:
        """The same attribute of subclasses and of instances that the module knows by name."""
        owner, _, attribute = path.rpartition(".")
        if not owner or attribute in ("*", "!"):
            return
        yield from (f"{name}.{attribute}" for name in self.places.below(owner, attribute))
        for name, called in self.places.instances().items():
            if called == owner and attribute not in MAKERS - {"__call__"}:
                yield f"{name}.{attribute}"

    def _readers(self, path: str, *, is_taint: bool) -> Iterator[str]:
        """Functions, methods and other names for functions that read the path when they are called."""
        if path.endswith(".!"):
            return
        bare = path.removesuffix(".*").removesuffix(".?")
        owner, _, last = bare.rpartition(".")
        for form in self.places.mentioning(last):
            if not owner and _only_defines(form, last):
                continue
            for name, body in form.shape.bodies:
                if last in body.calls if is_taint and not owner else self._reads(body, name, owner, last):
                    yield name
            for name, body in form.shape.bodies:
                if not owner and last in body.made:
                    yield from self._returned_by(name)
            if form.kind is Kind.VALUE and is_taint:
                if (owner, last) in form.names.attributes if owner else bare in form.names.reads:
                    yield from form.names.binds  # an alias, a partial: calling it calls the function

    def _returned_by(self, maker: str) -> Iterator[str]:
        """Names that stand for what a function returned: by a call, or as its decorator."""
        for form in self.places.mentioning(maker.rpartition(".")[2]):
            if maker in form.names.calls and (form.kind is Kind.VALUE or _decorates(form)):
                yield from form.names.binds

    def _reads(self, body: Inside, name: str, owner: str, last: str) -> bool:
        if not owner:
            return last in body.names
        if (owner, last) in body.attributes and root_of(owner) in body.names:
            return True
        own = name.rpartition(".")[0]
        if last in body.reached and own and owner in self.places.family(own):
            return True
        makes = last in MAKERS and owner in body.names
        return makes or (last in body.reached and owner in body.names)


def _only_defines(form: Form, name: str) -> bool:
    """True for a function in whose text its own name stands once: nothing in it reads that."""
    return form.kind is Kind.FUNCTION and form.name == name and form.text.isascii() and form.text.count(name) == 1


def root_of(path: str) -> str:
    """The first name of a path."""
    return path.partition(".")[0]


def reason_to_run(now: Reach, form: Form) -> str:
    """Why an unchanged statement (or class member) must be executed again; empty if it need not."""
    if form.kind is Kind.IMPORT or now.words.isdisjoint(form.shape.words):
        return ""
    read = _read(now, form)
    if read:
        return f"reads {read}"
    called = called_by(now, form)
    what = f"{called}(), which reads what changed"
    return f"{'decorated by' if _decorates(form) else 'calls'} {what}" if called else ""


def _read(now: Reach, form: Form) -> str:
    """A path that the statement reads, and that is dirty."""
    names, held = form.names, now.places.containers()
    if not names.reads.isdisjoint(now.dirt):
        return min(names.reads & now.dirt)
    given = {name for callee, name in names.handed if name in held and _looks(now, callee)}
    for name in sorted(names.whole | names.calls | given):
        if f"{name}.*" in now.dirt:
            return name
    for owner, attribute in sorted(names.attributes):
        path = f"{owner}.{attribute}"
        if not now.dirt.isdisjoint((path, f"{path}.*", f"{owner}.?")):
            return path
        if f"{owner}.*" in now.dirt and owner in held and attribute not in MUTATORS:
            return owner
    return _of_unknown(now.dirt, form, now.places)


def called_by(now: Reach, form: Form) -> str:
    """A tainted function or method that executing the statement calls; empty if there is none."""
    names = form.names
    if not names.calls.isdisjoint(now.tainted):
        return min(names.calls & now.tainted)
    for owner, attribute in sorted(names.attributes):
        if f"{owner}.{attribute}" in now.tainted and form.kind is not Kind.FUNCTION:
            return f"{owner}.{attribute}"
    for maker in now.places.makers(form) if form.kind is Kind.CLASS else ():
        if maker in now.tainted:
            return maker
    if found := _of_unknown(now.tainted, form, now.places):
        return found
    for callee, name in sorted(names.handed):
        if name in now.tainted and _calls_given(now, callee):
            return name
    for name in sorted(names.whole - now.places.classes.keys()):
        for operator in OPERATORS:
            if f"{name}.{operator}" in now.tainted:
                return f"{name}.{operator}"
    return ""


def asked_of_unknown(form: Form) -> set[str]:
    """The attributes that a statement asks of what is no name of the module."""
    return {attribute for owner, attribute in form.names.attributes if root_of(owner) not in form.names.reads}


def _of_unknown(paths: Collection[str], form: Form, places: Places) -> str:
    """A member of a class that the statement names, asked of what it cannot tell: `[s.sign for s in Side]`."""
    reads, asked = form.names.reads, asked_of_unknown(form)
    if asked and form.kind is not Kind.FUNCTION:
        for path in sorted(paths):
            owner, _, member = path.rpartition(".")
            if member in asked and (owner in reads or owner in places.made_from(reads)):
                return path
    return ""


def _decorates(form: Form) -> bool:
    return bool(getattr(form.node, "decorator_list", ()))


def _calls_given(now: Reach, callee: str) -> bool:
    forms = now.places.mentioning(callee)
    own = (body.calls_given for form in forms for name, body in form.shape.bodies if name == callee)
    return any(own) or now.places.imported_calls_given(callee)


def _looks(now: Reach, callee: str) -> bool:
    """True for a function that is given an object to look at, false for a class that keeps it, and for methods."""
    first, _, last = callee.rpartition(".")
    return not last[:1].isupper() and (not first or first not in now.places.instances())


def _container(value: ast.expr) -> str:
    """What kind of container the expression makes; empty for all else."""
    if isinstance(value, ast.Call):
        made = dotted(value.func).rpartition(".")[2]
        return made if made in CONTAINERS else ""
    return _DISPLAYS.get(type(value), "")


def _classes(form: Form) -> Iterator[tuple[str, Form]]:
    if form.kind is Kind.CLASS:
        yield ".".join((*form.scope, form.name)), form
        for member in form.members:
            yield from _classes(member)
