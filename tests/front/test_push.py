"""The one use case: what is found here is never sent, what is sent carries who, why and from where."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from livecode.engine import check
from livecode.errors import UsageError
from livecode.front.push import PushRequest, default_author, push, push_folder
from livecode.front.sources import file_item, loaded_files, module_items
from livecode.model.nouns import ModuleSource
from livecode.model.report import Verdict
from tests.front.targets import KeepingTarget, on_python


def request(module: str, source: object, **more: object) -> PushRequest:
    """A request of one module."""
    return PushRequest((ModuleSource(module, source, "cell 3"),), **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two modules."""
    (tmp_path / "one.py").write_text("x = 1\n")
    (tmp_path / "two.py").write_text("y = 1\n")
    return tmp_path


@pytest.fixture
def target(folder: Path) -> KeepingTarget:
    """A service that has loaded both."""
    return KeepingTarget({"one": folder / "one.py", "two": folder / "two.py"})


def test_a_push_carries_who_why_and_from_where(target: KeepingTarget) -> None:
    """What was asked arrives unchanged."""
    report = push(request("one", "x = 2", author="ann@laptop", reason="why", force=True), target)
    assert report.verdict is Verdict.LIVE
    assert target.calls == [
        {
            "sources": {"one": "x = 2"},
            "author": "ann@laptop",
            "reason": "why",
            "force": True,
            "origins": {"one": "cell 3"},
        }
    ]


def test_without_an_author_it_is_user_at_host(target: KeepingTarget) -> None:
    """Every push has an author."""
    push(request("one", "x = 2"), target)
    assert target.calls[0]["author"] == default_author()
    assert "@" in default_author()


def test_a_syntax_error_never_leaves(target: KeepingTarget) -> None:
    """NOT SENT names the line, what runs on every worker, and reaches nobody."""
    report = push(request("one", "x = (\n"), target)
    assert report.verdict is Verdict.NOT_SENT
    assert target.calls == []
    assert "syntax error: v1 is still live on 1/1" in str(report)
    assert "one, line 1 (cell 3)" in str(report)


@pytest.mark.parametrize(
    ("module", "source", "code"),
    [
        ("__main__", "x = 1", "LC502"),
        ("a-b", "x = 1", "LC501"),
        ("one", "x = '\0'", "LC505"),
        ("one", b"x = 1", "LC505"),
        ("one", "x" * (check.MAX_SOURCE_BYTES + 1), "LC505"),
    ],
)
def test_what_cannot_be_a_push_is_refused_here(target: KeepingTarget, module: str, source: object, code: str) -> None:
    """REFUSED with a code, before anybody is asked to do anything."""
    report = push(request(module, source), target)
    assert (report.verdict, [r.code for r in report.refusals]) == (Verdict.REFUSED, [code])
    assert target.calls == []


def test_a_refusal_is_told_even_if_nobody_answers(target: KeepingTarget) -> None:
    """What is wrong with the source does not depend on the service."""
    target.gone = True
    assert "LC502" in str(push(request("__main__", ""), target))


def test_another_python_checks_by_itself(target: KeepingTarget) -> None:
    """What does not compile here may compile there."""
    push(request("one", "x = ("), on_python(target, "3.99.0"))
    assert len(target.calls) == 1


def test_the_same_source_is_compiled_once(target: KeepingTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second push of a source that compiled does not compile it again."""
    compiled: list[ModuleSource] = []

    def compile_failure(item: ModuleSource) -> None:
        compiled.append(item)

    monkeypatch.setattr("livecode.front.push.compile_failure", compile_failure)
    for _ in range(2):
        push(request("one", "x = 'once only'"), target)
    assert len(compiled) == 1


def test_a_dry_run_is_a_dry_run(target: KeepingTarget) -> None:
    """Nothing is pushed."""
    assert push(request("one", "x = 2", dry_run=True), target).verdict is Verdict.READY
    assert "dry_run" in target.calls[0]


def test_a_module_named_twice_is_misuse(target: KeepingTarget) -> None:
    """Which of two sources is meant cannot be known."""
    item = ModuleSource("one", "x = 2")
    with pytest.raises(UsageError, match="one is named twice"):
        push(PushRequest((item, item)), target)


def test_modules_are_read_from_the_files_that_the_target_loaded(target: KeepingTarget, folder: Path) -> None:
    """Also where this process would find another file under that name."""
    (folder / "one.py").write_text("x = 5\n")
    assert module_items(("one", "one"), target)[0].source == "x = 5\n"


def test_modules_that_are_not_loaded_are_found_on_the_path_without_importing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for a submodule runs neither it nor its parents."""
    (folder / "pack_lc").mkdir()
    (folder / "pack_lc" / "__init__.py").write_text("raise SystemExit")
    (folder / "pack_lc" / "sub.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(folder)
    items = module_items(("pack_lc.sub", "pack_lc"), KeepingTarget())
    assert [item.source for item in items] == ["raise SystemExit"] * 2
    assert "pack_lc" not in sys.modules


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("no_such_lc", "no source file of no_such_lc was found"),
        ("json.nothing.more", "no source file of json.nothing.more was found"),
        ("sys", "no source file of sys was found"),
        ("a b", "not a module name"),
        ("_ctypes", "has no source file"),
    ],
)
def test_a_module_without_a_file_says_what_to_do(module: str, why: str) -> None:
    """Nothing to push is misuse, not an empty push."""
    with pytest.raises(UsageError, match=why):
        module_items((module,), KeepingTarget())


def test_a_named_file_that_is_no_source_says_why(tmp_path: Path) -> None:
    """Binary files and wrong cookies have a clear error."""
    bad = tmp_path / "bad.py"
    bad.write_bytes(b"# -*- coding: no-such -*-\n")
    with pytest.raises(UsageError, match="no-such"):
        file_item("bad", bad)


def test_a_folder_is_one_push_of_what_differs(target: KeepingTarget, folder: Path) -> None:
    """What runs already is left out, unless it is asked for."""
    (folder / "one.py").write_text("x = 2\n")
    push_folder(folder, target)
    assert target.calls[-1]["sources"] == {"one": "x = 2\n"}
    (folder / "one.py").write_text("x = 3\n")
    push_folder(folder, target, changed_only=False)
    assert target.calls[-1]["sources"] == {"one": "x = 3\n", "two": "y = 1\n"}


def test_a_folder_without_differences_is_the_same(target: KeepingTarget, folder: Path) -> None:
    """Nothing is sent, and the report says so."""
    report = push_folder(folder, target)
    assert str(report) == "○ SAME  nothing differs from what runs: nothing sent"
    assert target.calls == []


@pytest.mark.parametrize("content", [b"x = (", b"\xff\xfe\x00", b"# coding: nonsense\n"])
def test_one_bad_file_keeps_all_back(target: KeepingTarget, folder: Path, content: bytes) -> None:
    """The report names it, and nothing changes."""
    (folder / "one.py").write_text("x = 2\n")
    (folder / "two.py").write_bytes(content)
    report = push_folder(folder, target)
    assert report.verdict is Verdict.NOT_SENT
    assert "two" in str(report)
    assert target.calls == []


def test_a_folder_must_be_one(target: KeepingTarget, folder: Path) -> None:
    """A file is no folder."""
    with pytest.raises(UsageError, match=r"one\.py is not a folder"):
        push_folder(folder / "one.py", target)


def test_files_of_loaded_modules(target: KeepingTarget, folder: Path) -> None:
    """What is saved is found by its real path."""
    assert loaded_files(target.status()) == {folder / "one.py": ("one",), folder / "two.py": ("two",)}
