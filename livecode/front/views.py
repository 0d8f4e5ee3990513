"""What verbs other than push answer with: values that print well in a terminal, a notebook and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import overload

from livecode.model.codec import to_plain
from livecode.model.difference import Difference, difference_sheet
from livecode.model.html import sheet_html
from livecode.model.nouns import ProcessStatus, Worker
from livecode.model.overview import attached_sheet, services_sheet, status_sheet
from livecode.model.pushes import LoggedPush, log_sheet
from livecode.model.sheet import Head, Sheet, Tone
from livecode.model.text import sheet_text


class View:
    """Something to look at: ``str(view)``, HTML in a notebook."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def __str__(self) -> str:
        return sheet_text(self._sheet)

    __repr__ = __str__

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        return sheet_html(self._sheet)


class StatusView(View, Sequence[ProcessStatus]):
    """What every worker runs: a sequence of ProcessStatus, one a worker.

    Args:
        statuses: One a worker.
        now: Seconds since the epoch, for ages.
    """

    def __init__(self, statuses: Sequence[ProcessStatus], now: float = 0.0) -> None:
        super().__init__(status_sheet(statuses, now))
        self.statuses = tuple(statuses)

    @overload
    def __getitem__(self, index: int) -> ProcessStatus: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ProcessStatus, ...]: ...
    def __getitem__(self, index: int | slice) -> ProcessStatus | tuple[ProcessStatus, ...]:
        return self.statuses[index]

    def __len__(self) -> int:
        return len(self.statuses)

    def to_json(self) -> str:
        """All workers as one line of JSON."""
        return json.dumps(to_plain(self.statuses), ensure_ascii=False)


class AttachedView(View):
    """What a notebook is told when it has attached."""

    def __init__(self, statuses: Sequence[ProcessStatus], now: float = 0.0) -> None:
        super().__init__(attached_sheet(statuses, now))


class ServicesView(View):
    """Every worker of every service that can be attached."""

    def __init__(self, workers: Sequence[Worker], now: float = 0.0) -> None:
        super().__init__(services_sheet(workers, now))


class LogView(View, Sequence[LoggedPush]):
    """What was pushed to a service: a sequence of LoggedPush, newest first.

    Args:
        pushes: Newest first.
        service: Its name.
        now: Seconds since the epoch, for ages.
    """

    def __init__(self, pushes: Sequence[LoggedPush], service: str = "", now: float = 0.0) -> None:
        super().__init__(log_sheet(pushes, service, now))
        self.pushes = tuple(pushes)

    @overload
    def __getitem__(self, index: int) -> LoggedPush: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LoggedPush, ...]: ...
    def __getitem__(self, index: int | slice) -> LoggedPush | tuple[LoggedPush, ...]:
        return self.pushes[index]

    def __len__(self) -> int:
        return len(self.pushes)

    def to_json(self) -> str:
        """All of them as one line of JSON."""
        return json.dumps(to_plain(self.pushes), ensure_ascii=False)


class DiffView(View, Sequence[Difference]):
    """Sources compared: a sequence of Difference.

    Args:
        differences: One a pair that was compared.
        nothing: What is said if there is none.
    """

    def __init__(self, differences: Sequence[Difference], nothing: str = "nothing differs from disk") -> None:
        self.differences = tuple(differences)
        self._sheets = tuple(map(difference_sheet, differences))
        super().__init__(Sheet(Head("○", "SAME", Tone.CALM, nothing)))

    def __str__(self) -> str:
        return "\n".join(map(sheet_text, self._sheets or (self._sheet,)))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return sheet_html(*(self._sheets or (self._sheet,)))

    @overload
    def __getitem__(self, index: int) -> Difference: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Difference, ...]: ...
    def __getitem__(self, index: int | slice) -> Difference | tuple[Difference, ...]:
        return self.differences[index]

    def __len__(self) -> int:
        return len(self.differences)

    def to_json(self) -> str:
        """All of them as one line of JSON."""
        return json.dumps([{"same": each.is_same, **to_plain(each)} for each in self], ensure_ascii=False)
