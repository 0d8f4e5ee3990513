"""The HTML of reports: the words of the plain text, well formed, escaped, without scripts."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from livecode.model.html import attached_html, diff_html, history_html, report_html, services_html, status_html
from livecode.model.nouns import History, ModuleStatus, ProcessStatus
from livecode.model.report import Report, Verdict
from livecode.model.text import report_text
from tests.model import reports
from tests.model.test_overview_text import NOW, TWO

NASTY = "<script>alert('&')</script>"


class Document(HTMLParser):
    """Reads a fragment; collects its tags and words, and fails where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words += data.split()


def words(text: str) -> set[str]:
    """Words of a plain text, without what is only drawn."""
    return set(text.replace("[", " ").split()) - {"|", "→"}


@pytest.mark.parametrize("name", reports.ALL)
def test_html_says_all_that_the_text_says(name: str) -> None:
    """No word of the plain text is missing."""
    report = reports.ALL[name]
    html_words = set(" ".join(Document(report_html(report)).words).replace("[", " ").split())
    assert words(report_text(report)) <= html_words


@pytest.mark.parametrize("name", reports.ALL)
def test_html_has_no_script_and_nests(name: str) -> None:
    """A saved notebook shows it without running anything."""
    assert "script" not in Document(report_html(reports.ALL[name])).tags


def test_everything_is_escaped() -> None:
    """Names, messages and sources are text, whatever is in them."""
    failure = replace(reports.SYNTAX, message=NASTY, module=NASTY, origin=NASTY, source=((4, NASTY),))
    refusal = replace(reports.SLOTS, what=NASTY, way_out=NASTY)
    module = replace(reports.PRICING, module=NASTY, file=NASTY, still_old=(NASTY,))
    status = ModuleStatus(NASTY, 1, NASTY, module.disk, author=NASTY, reason=NASTY, since=1.0)
    drawn = (
        report_html(Report(Verdict.NOT_SENT, (NASTY,), failure=failure, refusals=(refusal,))),
        report_html(reports.everywhere(Verdict.LIVE, module)),
        status_html((ProcessStatus(reports.HERE, (status,)),)),
        diff_html((NASTY, NASTY), ("b", "c")),
        history_html(History(NASTY)),
        services_html((replace(reports.HERE, service=NASTY),)),
    )
    for html in drawn:
        assert "script" not in Document(html).tags
        assert "&lt;script&gt;" in html


def test_rows_of_workers_are_folded_unless_they_tell_something() -> None:
    """Eight equal answers are one line to open; different ones are open."""
    assert "<details class='lc-hosts'>" in report_html(reports.LIVE)
    assert "<details class='lc-hosts' open>" in report_html(reports.UNDONE)


def test_colours_follow_the_theme() -> None:
    """JupyterLab's variables come first, the system's preference is the fallback."""
    html = report_html(reports.LIVE)
    assert "var(--jp-content-font-color1," in html
    assert "prefers-color-scheme:dark" in html


def test_status_and_attached_say_what_the_text_says() -> None:
    """The same tables, the same next commands."""
    assert {"shop.tax", "2/2", "web-2"} <= set(Document(status_html(TWO, NOW)).words)
    assert "%hotdetach" in Document(attached_html(TWO, NOW)).words


def test_a_report_shows_itself_in_a_notebook() -> None:
    """The rich display of a Report is this HTML."""
    assert reports.LIVE._repr_html_() == report_html(reports.LIVE)
