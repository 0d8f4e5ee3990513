"""What IPython in a terminal shows of livecode's answers: the same text, in the colours of the command line."""

from __future__ import annotations

from typing import Any

from livecode.front.evaluated_view import EvaluatedView
from livecode.front.terminal import coloured
from livecode.front.views import View
from livecode.model.report import Report
from livecode.model.saving import SaveReport

COLOURED = (View, Report, SaveReport, EvaluatedView)


def colour(shown: Any, printer: Any, cycle: bool) -> None:
    """Shows an answer; a value of the service stays as it is, only what failed is livecode's to say."""
    text = str(shown)
    is_value = isinstance(shown, EvaluatedView) and shown.ok
    printer.text("…" if cycle else text if is_value else coloured(text))
