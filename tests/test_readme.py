"""The README says what is true: its commands, its tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import livecode
from livecode.engine.refusals import CODES
from livecode.model.report import Verdict

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """What stands under a heading, up to the next one."""
    _, _, rest = README.partition(f"\n## {title}\n")
    assert rest, f"README.md has no heading {title!r}"
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_the_example_of_hooks_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module under "Hooks" is pushed: one thread stops, one starts, the prices stay, the orders migrate."""
    _, _, rest = README.partition("\n### Hooks\n")
    (source, *_) = re.findall(r"^```python\n(.*?)^```", rest, re.MULTILINE | re.DOTALL)
    older = source.replace("self.total, self.tip = total, 0", "self.total = total")
    (tmp_path / "readme_hooks.py").write_text(older)
    monkeypatch.syspath_prepend(str(tmp_path))
    livecode.track(tmp_path)
    import readme_hooks  # type: ignore[import-not-found]

    order, first, prices = readme_hooks.Order(5), readme_hooks.thread, readme_hooks.held
    report = livecode.push({"readme_hooks": source})
    assert report.verdict == "LIVE", str(report)
    assert "1 live instance migrated" in str(report)
    assert (order.tip, readme_hooks.held is prices) == (0, True)
    assert (first.is_alive(), readme_hooks.thread.is_alive()) == (False, True)
    readme_hooks.__hot_dispose__()


@pytest.mark.parametrize("title", ["Run it", "Test it"])
def test_a_command_is_the_only_fenced_block_and_one_line(title: str) -> None:
    """A new user pastes one line, and there is nothing else to paste by mistake."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) == 1


@pytest.mark.parametrize("title", ["Run it", "Test it"])
def test_a_command_needs_only_python_venv_and_pip(title: str) -> None:
    """Nothing has to be installed before: every step but the first is a program of the virtual environment."""
    (line,) = re.findall(r"^```.*?\n(.*?)\n```", section(title), re.MULTILINE | re.DOTALL)
    first, *others = line.split(" && ")
    assert first == "python3 -m venv .venv"
    assert all(step.startswith(".venv/bin/") for step in others)


def test_the_refusal_codes_are_those_of_the_code() -> None:
    """The table of refusal codes is the one in `livecode.engine.refusals`, word for word."""
    rows = re.findall(r"^\| `(LC\d+)` \| (.*?) \| (.*?) \|$", section("Refusal codes"), re.MULTILINE)
    assert {code: (reason, way_out) for code, reason, way_out in rows} == CODES
    assert [code for code, *_ in rows] == sorted(CODES)


def test_the_verdicts_are_words_of_the_report() -> None:
    """No verdict in the table is invented."""
    words = re.findall(r"^\| `([A-Z ]+)` \|", section("In your notebook"), re.MULTILINE)
    assert words
    assert set(words) <= {verdict.value for verdict in Verdict}


def test_linked_files_exist() -> None:
    """No relative link leads nowhere."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
