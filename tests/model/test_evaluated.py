"""What workers say to an expression: equal answers once, as text and as HTML."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livecode.errors import UsageError
from livecode.model.codec import from_plain, to_plain
from livecode.model.evaluated import Evaluated, MimeData, alike, alike_sheet, evaluated_sheet, spans
from livecode.model.evaluated_html import evaluated_html
from livecode.model.report import Failure, Frame
from livecode.model.text import sheet_text
from tests.model.reports import worker

FRAMES = (
    Frame("expression", 1, "<module>", "shop.boom()", own=True),
    Frame("shop", 9, "boom", "return CACHE[x]", own=True),
    Frame("/usr/lib/python3/json.py", 7, "loads", "x", own=False),
)
FAILED = Evaluated(worker(3), failure=Failure("KeyError", "'kiwi'", "shop", 9, frames=FRAMES), duration_ms=2.0)
TABLE = MimeData("text/html", "<table><td>7</td></table>")


def value(number: int, text: str = "7", **more: object) -> Evaluated:
    return replace(Evaluated(worker(number), text, "int", duration_ms=float(number)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("w1",), "w1"),
        (("w1", "w2"), "w1, w2"),
        (("w1", "w2", "w3", "w7", "w9", "w10", "w11"), "w1–w3, w7, w9–w11"),
        (("here",), "here"),
        (("w1", "web", "w2"), "w1, web, w2"),
    ],
)
def test_names_in_a_row_are_a_span(names: tuple[str, ...], text: str) -> None:
    """From three on."""
    assert spans(names) == text


def test_equal_answers_are_one() -> None:
    """However long each took; with all hosts; the first worker's first."""
    groups = alike([value(1), value(4, "8"), value(5), value(6)])
    assert [(each.title, each.hosts, each.share) for each in groups] == [
        ("w1, w5, w6", ("web-1", "web-2"), "3 of 4 say the same"),
        ("w4", ("web-1",), ""),
    ]
    assert alike([value(1), value(2)])[0].share == "all 2 say the same"


def test_short_values_are_a_table() -> None:
    """Who says what, at a glance."""
    assert (
        sheet_text(alike_sheet([value(1), value(2), value(3, "'x'")], "shop.x"))
        == """
worker  host   value
w1, w2  web-1  7      2 of 3 say the same
w3      web-1  'x'""".lstrip("\n")
    )


def test_others_stand_below_each_other() -> None:
    """Lines, what was printed, what failed with the service's own frames, who is silent."""
    silent = Evaluated(worker(5), lost="w5 (pid 105) did not answer within 15 s")
    printed = value(1, "a  b\n1  2", printed="looking\n", cut=True, notes=("image/png is left out: 9.0 MB",))
    assert (
        sheet_text(alike_sheet([printed, FAILED, silent], "shop.boom()"))
        == """
w1  web-1
  looking
  a  b
  1  2
  … and more: ask for less of it
  ! image/png is left out: 9.0 MB
w3  web-1
  ✖ FAILED  shop.boom()  KeyError: 'kiwi'  w3  2 ms
    shop, line 9, in boom:  return CACHE[x]
    … 1 frame of other code, the last: /usr/lib/python3/json.py, line 7, in loads
w5  web-2
  ? UNKNOWN  shop.boom()  w5 (pid 105) did not answer within 15 s""".lstrip("\n")
    )


def test_a_block_has_frames_of_its_own() -> None:
    """Which of its lines failed is not to be seen otherwise."""
    in_block = sheet_text(evaluated_sheet([FAILED], "x = 1\nshop.boom()"))
    assert "expression, line 1, in <module>:  shop.boom()" in in_block
    assert "expression, line 1" not in sheet_text(evaluated_sheet([FAILED], "shop.boom()"))


def test_cards_have_the_best_form() -> None:
    """HTML as it came, a picture in its size, a formula, JSON laid out, else the text, escaped."""
    forms = {
        "text/html": ("<i>7</i>", "<div class='lc-value'><i>7</i></div>"),
        "image/png": ("QUJD", "<img src='data:image/png;base64,QUJD' width='7'>"),
        "image/svg+xml": ("<svg/>", "<img src='data:image/svg+xml;base64,PHN2Zy8+' width='7'>"),
        "text/latex": ("$a<b$", "<div>$a&lt;b$</div>"),
        "application/json": ('{"a": [1]}', "<pre>{\n  &quot;a&quot;: [\n    1\n  ]\n}</pre>"),
        "text/markdown": ("*x*", "<pre>*x*</pre>"),
        "application/x-unknown": ("?", "<pre>&lt;7&gt;</pre>"),
    }
    for mime, (content, drawn) in forms.items():
        shown = value(1, "<7>", data=(MimeData(mime, content, '{"width": 7, "height": "x"}'),))
        assert drawn in evaluated_html([shown, value(2)], "shop.x")
    both = value(1, data=(MimeData("image/png", "QUJD"), TABLE))
    assert TABLE.content in evaluated_html([both, value(2)], "shop.x")
    assert "data:image" not in evaluated_html([both, value(2)], "shop.x")


def test_cards_are_complete() -> None:
    """Workers, hosts, kinds, what failed, what was left out; text is escaped; the style travels along."""
    notes = ("text/html is left out",)
    found = [value(1, "<b>", notes=notes), value(2, "<b>", notes=notes), FAILED]
    html = evaluated_html(found, "shop.boom()")
    for said in ("w1, w2", "web-1", "2 of 3 say the same", "&lt;b&gt;", "text/html is left out", "int", "✖ FAILED"):
        assert said in html
    assert "shop, line 9, in boom:  return CACHE[x]" in html
    assert (
        "<summary>1 frame of other code</summary><pre class='lc'>/usr/lib/python3/json.py, line 7, in loads:  x" in html
    )
    assert html.count("<style>") == 1
    assert "\n" not in html.partition("</style>")[0]


@pytest.mark.parametrize("text", ["7", "None", "{'a': [1, (2.5,)]}", "b'x'", "{1, 2}", "-1e10"])
def test_a_literal_is_a_value_here(text: str) -> None:
    """Numbers, text, and containers of such can be worked with."""
    assert repr(value(1, text).value) == repr(eval(text))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (value(1, "<shop.Order at 0x1>", type="Order"), "this Order is an object there, and only its text is here"),
        (value(1, "[1, 2", type="list", cut=True), "all of this list did not come here"),
        (FAILED, "w3 has no value: KeyError: 'kiwi'"),
        (Evaluated(worker(1), lost="it is gone"), "w1 has no value: it is gone"),
    ],
)
def test_other_values_are_not(found: Evaluated, why: str) -> None:
    """With what to do instead."""
    with pytest.raises(UsageError, match=why):
        assert found.value


def test_the_answer_of_an_older_worker_can_be_read() -> None:
    """It has no other forms."""
    plain = to_plain(value(1, data=(TABLE,)))
    assert from_plain(Evaluated, plain).data == (TABLE,)
    older = {name: plain[name] for name in plain if name not in ("data", "notes", "printed")}
    assert from_plain(Evaluated, older) == value(1)
