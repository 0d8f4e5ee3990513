"""The forms of a value other than text, by the protocol of Jupyter, without a notebook's software.

Asked for are the methods of the value that IPython's formatters ask for (`_repr_html_`, `_repr_png_`, …,
`_repr_mimebundle_`), and figures of matplotlib become pictures as they do there. A method that raises, or answers with
what is no such form, costs that form alone, and a note says so.

Source: IPython, "Integrating your objects with IPython"; `IPython.core.formatters`, `IPython.core.pylabtools`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from livecode.model.evaluated import MimeData

METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "application/pdf": "_repr_pdf_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}
BUNDLE = "_repr_mimebundle_"
CANARY = "_ipython_canary_method_should_not_exist_"
"""Who has this has any method, and means none of them."""

MAX_BYTES = 16 << 20
"""No answer has more, whoever asks."""
NEEDS_KERNEL = "application/vnd.jupyter.widget-view+json"
"""A form that shows what it is about only where its kernel is."""

Form = Any
"""What a method answers with: text, bytes, JSON, or a pair of that and metadata."""


class Forms:
    """What was made of a value so far: it is looked at from another thread, when the time is up.

    Args:
        bytes_left: What all forms together may have.

    Attributes:
        data: The forms.
        notes: What was left out, and why.
        making: What is being made now; empty when all is done.
    """

    def __init__(self, bytes_left: int) -> None:
        self.data: list[MimeData] = []
        self.notes: list[str] = []
        self.making = ""
        self._limit = self._left = min(bytes_left, MAX_BYTES)

    def make(self, value: object) -> None:
        """Asks the value for each of its forms."""
        if isinstance(value, type) or self._limit <= 0:
            return
        for name, mime, ask in _askable(value):
            self.making = name
            try:
                self._take(mime, ask())
            except Exception as error:
                self.notes.append(f"{name} failed: {_words(error)}")
        self.making = ""

    def _take(self, mime: str, form: Form) -> None:
        data, metadata = form if isinstance(form, tuple) and len(form) == 2 else (form, {})
        if data is None:
            return
        if mime:
            self._add(mime, data, metadata)
            return
        for kind, each in data.items():
            if kind != "text/plain":
                self._add(str(kind), each, metadata.get(kind) or {})

    def _add(self, mime: str, data: Any, metadata: Any) -> None:
        if any(each.mime == mime for each in self.data):
            return
        if mime == NEEDS_KERNEL:
            self.notes.append("this is a widget: it moves in a notebook of its own process only")
            return
        content = _content(mime, data)
        if len(content) > self._left:
            self.notes.append(f"{mime} is left out: {_size(len(content))}, more than the {_size(self._limit)} there is")
            return
        self._left -= len(content)
        self.data.append(MimeData(mime, content, json.dumps(metadata) if metadata else ""))


def _askable(value: Any) -> Iterator[tuple[str, str, Callable[[], Form]]]:
    """What can be asked of it: name, MIME type (empty for several), and how."""
    if _has(value, CANARY):
        return
    if _has(value, BUNDLE):
        yield BUNDLE, "", lambda: getattr(value, BUNDLE)(include=None, exclude=None)
    for mime, name in METHODS.items():
        if _has(value, name):
            yield name, mime, getattr(value, name)
    figures = getattr(sys.modules.get("matplotlib.figure"), "Figure", None)
    if figures is not None and isinstance(value, figures):
        yield "the picture of the figure", "image/png", lambda: _picture(value)


def _has(value: Any, name: str) -> bool:
    try:
        return callable(getattr(value, name, None))
    except Exception:  # IPython's rule, too: who fails here has it not
        return False


def _picture(figure: Any) -> bytes | None:
    """As IPython's inline backend draws it; nothing of a figure without anything in it."""
    from io import BytesIO

    if not figure.axes and not figure.lines:
        return None
    drawn = BytesIO()
    colours = {"facecolor": figure.get_facecolor(), "edgecolor": figure.get_edgecolor()}
    figure.savefig(drawn, format="png", bbox_inches="tight", **colours)
    return drawn.getvalue()


def _content(mime: str, data: Any) -> str:
    """The text that is sent.

    Raises:
        TypeError: It is no such form.
    """
    if isinstance(data, bytes):
        return base64.b64encode(data).decode("ascii")
    if mime.endswith(("/json", "+json")):
        return json.dumps(data)
    if not isinstance(data, str):
        raise TypeError(f"{mime} is text or bytes, not {type(data).__name__}")
    return data


def _size(characters: int) -> str:
    return f"{characters / 2**20:.1f} MB" if characters >= 2**20 else f"{characters / 2**10:.0f} kB"


def _words(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception:  # a message that cannot be shown is none
        return type(error).__name__
