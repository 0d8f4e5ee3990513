"""Which code is measured: the functions that a module made, and those that its functions will make.

codes_of       the code objects of a module, by name
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from types import CodeType

from livecode.engine.code import nested
from livecode.live.locate import Living
from livecode.live.process import Process

Codes = dict[str, tuple[CodeType, ...]]
"""``shop.pricing.Order.total`` → its code objects: more than one for a property that is read and set."""

_CO_OPTIMIZED = 0x1
"""What function bodies have and class bodies have not."""

_PASSES_ON = "_livecode_args"
"""What `livecode.engine.code.redirect` calls the arguments that it hands to the function measured anyway."""


def codes_of(process: Process, module: str) -> Codes:
    """The code of a module's functions, in the order of their lines.

    Methods, properties, what is behind decorators, and functions in functions are among them.

    Lambdas, comprehensions and generator expressions are parts of the function around them: an error in them leaves
    that function too. Nothing for a module that is not loaded or whose source is not known.

    Keep the answer only for as long as it takes to begin: old code is found by who holds it.
    """
    known = process.known(module)
    live = sys.modules.get(module)
    if known is None or live is None:
        return {}
    found: dict[str, dict[int, CodeType]] = defaultdict(dict)
    for function in Living(live, known.filename).functions:
        for code in _functions_in(function.__code__):
            found[f"{module}.{code.co_qualname}"][id(code)] = code
    in_order = sorted(found.items(), key=lambda item: min(code.co_firstlineno for code in item[1].values()))
    return {name: tuple(codes.values()) for name, codes in in_order}


def _functions_in(code: CodeType) -> Iterator[CodeType]:
    """`code` and what it makes functions of, as far as these have a name."""
    if code.co_flags & _CO_OPTIMIZED and _is_named(code.co_name) and _PASSES_ON not in code.co_varnames:
        yield code
    for inner in nested(code):
        yield from _functions_in(inner)


def _is_named(name: str) -> bool:
    return not name.startswith("<") and name not in ("__annotate__", "__annotate_func__")
