"""The forms of a value other than text: the protocol of Jupyter, its limits, and what goes wrong with it."""

from __future__ import annotations

import base64
import json
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from livecode.live.evaluate import evaluate
from livecode.live.process import this_process
from livecode.model.evaluated import Evaluated, MimeData

PNG = b"\x89PNG\r\n\x1a\n"


class Shown:
    """What has the methods that a test gives it."""

    def __repr__(self) -> str:
        return "shown"


def showing(**methods: Any) -> Shown:
    """Something with these methods, which answer with these values."""
    return type("Shown", (Shown,), {f"_repr_{name}_": lambda self, a=answer: a for name, answer in methods.items()})()


@pytest.fixture
def holder() -> Iterator[types.ModuleType]:
    """A loaded module, to put a value in."""
    made = types.ModuleType("held_lc")
    sys.modules["held_lc"] = made
    yield made
    del sys.modules["held_lc"]


def asked(holder: types.ModuleType, value: object, rich_bytes: int = 1 << 20, timeout_s: float = 20.0) -> Evaluated:
    holder.value = value  # type: ignore[attr-defined]
    return evaluate(this_process(), "held_lc.value", "", timeout_s, rich_bytes)


def test_the_methods_of_the_protocol(holder: types.ModuleType) -> None:
    """Text stays text, bytes are in base64, JSON is its text; None is no form; a pair brings metadata."""
    value = showing(html="<b>x</b>", png=(PNG, {"width": 7}), json={"a": 1}, svg=None, latex="$x$")
    found = asked(holder, value)
    assert (found.text, found.notes) == ("shown", ())
    assert {form.mime: (form.content, form.metadata) for form in found.data} == {
        "text/html": ("<b>x</b>", ""),
        "image/png": (base64.b64encode(PNG).decode(), '{"width": 7}'),
        "application/json": ('{"a": 1}', ""),
        "text/latex": ("$x$", ""),
    }


def test_a_bundle_comes_first(holder: types.ModuleType) -> None:
    """What it has is not asked for once more, and its plain text is the value's own `repr`."""
    value = showing(mimebundle=None, html="<b>late</b>")
    type(value)._repr_mimebundle_ = lambda self, include, exclude: (  # type: ignore[attr-defined]
        {"text/plain": "no", "text/html": "<i>first</i>", "application/vnd.vega+json": {"mark": "bar"}},
        {"text/html": {"isolated": True}},
    )
    found = asked(holder, value)
    assert found.data == (
        MimeData("text/html", "<i>first</i>", '{"isolated": true}'),
        MimeData("application/vnd.vega+json", '{"mark": "bar"}'),
    )


def test_nothing_but_text_unless_it_is_asked_for(holder: types.ModuleType) -> None:
    """A program gets what it always got."""
    assert asked(holder, showing(html="<b>x</b>"), rich_bytes=0).data == ()


def test_what_is_too_large_is_left_out(holder: types.ModuleType) -> None:
    """With its size and the limit; what fits is there."""
    found = asked(holder, showing(html="x" * 5000, markdown="*x*"), rich_bytes=2048)
    assert [form.mime for form in found.data] == ["text/markdown"]
    assert found.notes == ("text/html is left out: 5 kB, more than the 2 kB there is",)


def test_what_fails_costs_that_form_alone(holder: types.ModuleType) -> None:
    """The value is there, and it is said what failed."""
    value = showing(html=7, markdown="*x*", json={1, 2})
    type(value)._repr_png_ = lambda self: 1 / 0  # type: ignore[attr-defined]
    type(value)._repr_svg_ = property(lambda self: 1 / 0)  # type: ignore[attr-defined]
    found = asked(holder, value)
    assert (found.text, found.failure, [form.mime for form in found.data]) == ("shown", None, ["text/markdown"])
    assert found.notes == (
        "_repr_html_ failed: TypeError: text/html is text or bytes, not int",
        "_repr_png_ failed: ZeroDivisionError: division by zero",
        "_repr_json_ failed: TypeError: Object of type set is not JSON serializable",
    )


def test_what_ends_the_thread_costs_no_more(holder: types.ModuleType) -> None:
    """Also SystemExit: the value is there, and the service goes on."""
    value = showing(html="<b>x</b>")
    type(value)._repr_png_ = lambda self: sys.exit(1)  # type: ignore[attr-defined]
    found = asked(holder, value)
    assert [form.mime for form in found.data] == ["text/html"]
    assert found.notes == ("_repr_png_ failed: SystemExit",)


def test_what_takes_too_long_leaves_the_value(holder: types.ModuleType) -> None:
    """The forms that were made are there, and it is said where it was."""

    def endless(self: object) -> None:
        while True:
            pass

    value = showing(html="<b>x</b>")
    type(value)._repr_png_ = endless  # type: ignore[attr-defined]
    found = asked(holder, value, timeout_s=0.5)
    assert (found.text, [form.mime for form in found.data]) == ("shown", ["text/html"])
    assert found.notes[0].startswith("_repr_png_ is left out: no more within 0.5 s; it was stopped (it was in endless")


def test_a_repr_that_takes_too_long(holder: types.ModuleType) -> None:
    """It is said that there was a value."""

    class Slow:
        def __repr__(self) -> str:
            while True:
                pass

    failure = asked(holder, Slow(), timeout_s=0.2).failure
    assert failure is not None
    assert "Slow has no text within 0.2 s; it was stopped (it was in __repr__" in failure.message


def test_who_has_any_method_has_none(holder: types.ModuleType) -> None:
    """A mock answers to everything and means nothing; a class is not what its instances are."""

    class Anything:
        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: "x"

    assert asked(holder, Anything()).data == ()
    assert asked(holder, type(showing(html="<b>x</b>"))).data == ()


def test_a_widget_needs_its_kernel(holder: types.ModuleType) -> None:
    """That is said instead of an empty output."""
    found = asked(holder, Widget())
    assert found.data == ()
    assert found.notes == ("this is a widget: it moves in a notebook of its own process only",)


class Widget(Shown):
    """What a widget says."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}


def test_a_data_frame_is_a_table(holder: types.ModuleType) -> None:
    """As pandas shows it in a notebook."""
    pandas = pytest.importorskip("pandas", reason="pip install 'livecode[test]'")
    found = asked(holder, pandas.DataFrame({"item": ["apple"], "price": [1.5]}))
    (form,) = found.data
    assert form.mime == "text/html"
    assert "<td>apple</td>" in form.content


def test_a_figure_is_a_picture(holder: types.ModuleType) -> None:
    """As IPython's inline backend draws it; an empty figure is none."""
    figure = pytest.importorskip("matplotlib.figure", reason="pip install 'livecode[test]'").Figure(figsize=(2, 1))
    assert asked(holder, figure).data == ()
    figure.subplots().plot([1, 2])
    (form,) = asked(holder, figure).data
    assert form.mime == "image/png"
    assert base64.b64decode(form.content).startswith(PNG)


def test_an_image_is_a_picture(holder: types.ModuleType) -> None:
    """By its own method."""
    image = pytest.importorskip("PIL.Image", reason="pip install 'livecode[test]'").new("RGB", (4, 3), "red")
    forms = {form.mime: base64.b64decode(form.content) for form in asked(holder, image).data}
    assert forms["image/png"].startswith(PNG)


def test_json_survives_the_way(holder: types.ModuleType) -> None:
    """What was sent is what the notebook gets."""
    (form,) = asked(holder, showing(json=[1, {"é": None}])).data
    assert json.loads(form.content) == [1, {"é": None}]
