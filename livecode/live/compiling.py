"""Who compiles for this process: short sources this process itself, long ones somebody else, if there is somebody.

One call of the compiler lets no other thread run, for 100 ms and more where the source is long. So what is long is
asked for elsewhere (`livecode.fleet.compiling`), and its code is loaded here in pieces. Whoever is asked may be
missing, slow or wrong: then it is compiled here, and the push is as right as it would have been.
"""

from __future__ import annotations

import marshal
import time
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any, TypeAlias

from livecode.engine.forms import Form, is_long
from livecode.engine.prepare import Compiler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livecode.live.code_cache import CodeCache, Wanted

BREATH_S = 0.0002
"""Long enough for a thread that waits for its turn to get it."""

Elsewhere: TypeAlias = Callable[[bytes, Mapping[str, Any]], bytes | None]
"""Gives the payload for a key and what is wanted (`livecode.live.code_cache`), None if it has none."""


def nowhere(_key: bytes, _plain: Mapping[str, Any]) -> None:
    """Nobody else compiles for this process."""


class Compiling:
    """Compiles for one process.

    Attributes:
        elsewhere: Who is asked for what is long.
    """

    def __init__(self) -> None:
        self.elsewhere: Elsewhere = nowhere
        self._cache: CodeCache | None = None

    def module(self, source: str, filename: str) -> CodeType:
        """Code of a whole module.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: It does not compile.
        """
        if self.elsewhere is not nowhere and is_long(source):
            from livecode.live.code_cache import WantedModule

            parts = self._parts(WantedModule(filename, source))
            if len(parts) == 1:
                time.sleep(BREATH_S)
                loaded: CodeType = marshal.loads(parts[0])
                return loaded
        code: CodeType = compile(source, filename, "exec", dont_inherit=True)
        return code

    def statements(self, compiler: Compiler, forms: Sequence[Form]) -> None:
        """Tells the compiler the code of these forms, if somebody else has compiled them."""
        if self.elsewhere is nowhere:
            return
        from livecode.live.code_cache import WantedStatements

        alone = [form for form in forms if form.shape.syntax.parses_alone()]
        said = tuple((form.text, form.start, form.shape.first) for form in alone)
        try:
            parts = self._parts(WantedStatements(compiler.filename, compiler.flags, compiler.imported, said))
        except SyntaxError:  # compiling them here says the same, of the first one
            return
        if len(parts) == len(alone):
            for form, part in zip(alone, parts, strict=True):
                compiler.know(form, marshal.loads(part))

    def _parts(self, wanted: Wanted) -> tuple[bytes, ...]:
        """One marshalled code object each, none if nobody else has them.

        Raises:
            SyntaxError: They do not compile.
        """
        from livecode.live.code_cache import CodeCache, key_of, unpacked

        self._cache = self._cache or CodeCache()
        plain = wanted.plain()
        key = key_of(plain)
        payload = self._cache.get(key) or self.elsewhere(key, plain)
        if payload is None:
            return ()
        self._cache.put(key, payload)
        return unpacked(payload)
