"""The widget: what the browser draws, and what it says. The only room that imports anywidget."""

from __future__ import annotations

from importlib import resources
from typing import Any

import anywidget
from traitlets import Dict, Float, Unicode

from livecode.front.panel.deeds import Asked, read_asked
from livecode.front.panel.pace import Seen
from livecode.front.panel.plain import Look, plain
from livecode.front.panel.watcher import Watcher
from livecode.model.html import sheet_html
from livecode.model.sheet import Sheet
from livecode.model.text import sheet_text

_FILES = resources.files("livecode.front.panel")

MAX_VIEW = 100


class PanelWidget(anywidget.AnyWidget):
    """A panel in the browser. What is shown is `shown`; each trait is sent when it has changed, and not otherwise."""

    _esm = _FILES.joinpath("panel.js").read_text("utf-8")
    _css = _FILES.joinpath("panel.css").read_text("utf-8")

    shown = Dict(help="What there is to see: `livecode.front.panel.plain`.").tag(sync=True)
    looked = Float(help="When that was looked at last, seconds since the epoch.").tag(sync=True)
    said = Dict(help="What became of the last deed: its key, HTML, plain text.").tag(sync=True)
    ended = Unicode(help="Why nothing is looked at any more; else empty.").tag(sync=True)
    stand_in = Unicode(help="The class of the table that stands for the panel where there is none.").tag(sync=True)

    watcher: Watcher | None = None

    def show(self, look: Look, at: float) -> None:
        """Sends what has changed."""
        self.shown, self.looked = plain(look), at

    def say(self, asked: Asked, sheet: Sheet) -> None:
        """Sends what became of a deed."""
        tone = sheet.head.tone.value if sheet.head is not None else ""
        self.said = {"key": asked.key, "html": sheet_html(sheet), "text": sheet_text(sheet), "tone": tone}

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; where it is not known, one line: the table above it says the rest."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        line = f"the live panel of {self.shown['service']}, where widgets are shown"
        return {**bundle[0], "text/plain": line}, bundle[1]

    def watch(self, watcher: Watcher) -> None:
        """From now on, what the browser says goes to that watcher."""
        self.watcher = watcher
        self.on_msg(self._hear)
        if hasattr(self.comm, "_reply_subshell_for"):
            # From 7.4 on ipykernel takes messages to where the comm spoke from last. A thread counts as the main shell,
            # where they would wait for the cell that runs, while the messages themselves say where they go.
            self.comm._reply_subshell_for = lambda _data, asked: asked

    def _hear(self, _widget: object, content: Any, _buffers: object) -> None:
        """What the browser says; what cannot be meant is not heard."""
        watcher = self.watcher
        if watcher is None or not isinstance(content, dict):
            return
        try:
            if "do" in content:
                watcher.ask(read_asked(content))
            else:
                watcher.seen(str(content.get("view"))[:MAX_VIEW], Seen(str(content.get("seen"))))
        except ValueError as error:
            self.log.warning("livecode: %s", error)
