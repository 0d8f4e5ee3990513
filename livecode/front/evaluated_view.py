"""What `%hoteval` answers with: one value as if it were local, several side by side."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

from IPython.lib.pretty import pretty

from livecode.errors import UsageError
from livecode.model.codec import to_plain
from livecode.model.evaluated import Evaluated, alike, alike_sheet, evaluated_sheet
from livecode.model.evaluated_html import evaluated_html
from livecode.model.sheet import Note, Sheet
from livecode.model.text import sheet_text

LINE = 79
"""Characters; longer literals are laid out on several lines, as IPython does with its own."""


class EvaluatedView(Sequence[Evaluated]):
    """What an expression is: a sequence of Evaluated, one a worker that was asked.

    Args:
        found: One a worker.
        expression: What was asked.
    """

    def __init__(self, found: Sequence[Evaluated], expression: str) -> None:
        self.found = tuple(replace(each, text=_laid_out(each)) for each in found)
        self.expression = expression

    @property
    def ok(self) -> bool:
        """True if all of them have a value."""
        return all(each.ok for each in self.found)

    @property
    def value(self) -> Any:
        """The value, made anew here, where all workers that were asked say the same.

        Raises:
            UsageError: There is none, it is more than a number, text, or containers of such, or they differ.
        """
        if len(alike([replace(each, duration_ms=0.0) for each in self.found])) > 1:
            raise UsageError(f"{len(self.found)} workers say different things: .values has what each of them says")
        return self.found[0].value

    @property
    def values(self) -> dict[str, Any]:
        """The values by the names of the workers.

        Raises:
            UsageError: One of them has none that could be made anew here.
        """
        return {each.worker.name: each.value for each in self.found}

    @overload
    def __getitem__(self, index: int) -> Evaluated: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Evaluated, ...]: ...
    def __getitem__(self, index: int | slice) -> Evaluated | tuple[Evaluated, ...]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def __str__(self) -> str:
        return sheet_text(self._sheet())

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        """The forms of the one value as they came, else all of it as HTML; always plain text."""
        plain = {"text/plain": str(self)}
        if not self._is_plain:
            return {"text/html": evaluated_html(self.found, self.expression), **plain}
        (only,) = self.found
        forms = {each.mime: _content(each.mime, each.content) for each in only.data}
        return forms | plain, {each.mime: json.loads(each.metadata) for each in only.data if each.metadata}

    def to_json(self) -> str:
        """All of them as one line of JSON."""
        return json.dumps(to_plain(self.found), ensure_ascii=False)

    @property
    def _is_plain(self) -> bool:
        """True for one value with nothing to be said about it."""
        return len(self.found) == 1 and self.found[0].ok and not (self.found[0].notes or self.found[0].cut)

    def _sheet(self) -> Sheet:
        if len(self.found) > 1:
            return alike_sheet(self.found, self.expression)
        sheet = evaluated_sheet(self.found, self.expression)
        return Sheet(None, (*sheet.items, *(Note(note, mark="!") for note in self.found[0].notes)))


def _content(mime: str, content: str) -> Any:
    return json.loads(content) if mime.endswith(("/json", "+json")) else content


def _laid_out(each: Evaluated) -> str:
    """A long literal on several lines; any other text as it is."""
    if each.cut or len(each.text) <= LINE or "\n" in each.text:
        return each.text
    try:
        text: str = pretty(ast.literal_eval(each.text), max_width=LINE)  # type: ignore[no-untyped-call]
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return each.text
    return text
