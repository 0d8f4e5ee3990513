"""The magics in a real IPython shell, on a target that keeps sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from livecode.fleet.rollout import Policy
from livecode.front import attach_magics, extension, magics
from livecode.front.magics import LivecodeMagics
from livecode.front.views import DiffView, StatusView
from livecode.model.nouns import Worker
from livecode.model.report import Report, Verdict
from tests.front.targets import KeepingTarget

NAMES = {
    "hotattach",
    "hotdetach",
    "hotdiff",
    "hotdrop",
    "hoteval",
    "hotlog",
    "hotpanel",
    "hotpush",
    "hotsave",
    "hotstatus",
    "hotundo",
    "hotunload",
    "hotwatch",
}


@pytest.fixture
def target(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> KeepingTarget:
    """The own process of the shell, with one module from a file."""
    file = Path("one.py")
    file.write_text("x = 1\n")
    kept = KeepingTarget({"one": file.resolve()}, name="")
    monkeypatch.setattr(magics, "here", lambda: kept)
    return kept


def loaded(shell: InteractiveShell) -> LivecodeMagics:
    """The magics of a shell."""
    found = shell.magics_manager.registry["LivecodeMagics"]
    assert isinstance(found, LivecodeMagics)
    return found


def completions(shell: InteractiveShell, line: str) -> list[str]:
    """What Tab offers at the end of a line."""
    with provisionalcompleter():
        return [c.text for c in shell.Completer.completions(line, len(line))]


def test_all_magics_are_there(shell: InteractiveShell) -> None:
    """`%hot<Tab>` finds every one."""
    assert {name for name in shell.magics_manager.magics["line"] if name.startswith("hot")} == NAMES
    assert "hotpush" in shell.magics_manager.magics["cell"]


def test_loading_twice_is_loading_once(shell: InteractiveShell) -> None:
    """The attached service and the matchers stay as they are."""
    before, matchers = loaded(shell), list(shell.Completer.custom_matchers)
    extension.load(shell)
    shell.run_line_magic("load_ext", "livecode")
    assert loaded(shell) is before
    assert shell.Completer.custom_matchers == matchers


def test_a_cell_is_pushed_under_its_name(shell: InteractiveShell, target: KeepingTarget) -> None:
    """With its number as origin, and the report as the cell's result."""
    shell.run_cell("'the first cell'", store_history=True)
    result = shell.run_cell("%%hotpush one --reason 'cheaper tea'\nx = 2\n", store_history=True)
    assert isinstance(result.result, Report)
    assert target.calls[0]["sources"] == {"one": "x = 2\n"}
    assert target.calls[0]["origins"] == {"one": "cell 2"}
    assert target.calls[0]["reason"] == "cheaper tea"
    assert shell.user_ns["_"] is result.result


def test_a_report_can_be_assigned(shell: InteractiveShell, target: KeepingTarget) -> None:
    """`r = %hotpush one` pushes the file."""
    Path("one.py").write_text("x = 3\n")
    shell.run_cell("r = %hotpush one")
    assert shell.user_ns["r"].verdict is Verdict.LIVE
    assert target.source("one") == "x = 3\n"


def test_a_file_can_be_named(shell: InteractiveShell, target: KeepingTarget) -> None:
    """The source of a module may be anywhere."""
    Path("other.py").write_text("x = 4\n")
    shell.run_line_magic("hotpush", "one --file other.py")
    assert target.calls[0]["sources"] == {"one": "x = 4\n"}
    assert target.calls[0]["origins"] == {"one": "other.py"}


def test_options_reach_the_target(shell: InteractiveShell, target: KeepingTarget) -> None:
    """--force and --dry-run are what they are called."""
    shell.run_line_magic("hotpush", "one --force")
    shell.run_line_magic("hotpush", "one --dry-run")
    assert [call.get("force") for call in target.calls] == [True, False]
    assert "dry_run" in target.calls[1]


def test_a_policy_reaches_the_service(
    shell: InteractiveShell, target: KeepingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary and a reason for mixed workers are of a push, --now is of an undo."""
    target.name = "shop"
    report = shell.run_line_magic("hotpush", "one --canary 25% --for 30")
    shell.run_cell_magic("hotpush", "one --allow-mixed 'w4 is old'", "x = 2\n")
    shell.run_line_magic("hotundo", "one --now")
    assert target.policies == [Policy(canary=0.25, canary_s=30), Policy(mixed="w4 is old"), Policy(now=True)]
    assert report.again == "%hotpush one --canary 25% --for 30"
    with pytest.raises(UsageError, match="--dry-run touches nothing"):
        shell.run_line_magic("hotpush", "one --canary 1 --dry-run")


@pytest.mark.parametrize(
    ("line", "cell", "again"),
    [
        ("one", None, "%hotpush one"),
        ("one --file {other}", None, "%hotpush one --file {other}"),
        ("one --force --reason why", "x = 2\n", "%%hotpush one --force"),
    ],
)
def test_a_report_knows_how_to_ask_again(
    line: str, cell: str | None, again: str, shell: InteractiveShell, target: KeepingTarget, tmp_path: Path
) -> None:
    """The command that it offers is the one that was typed, so that it pushes the same source."""
    other = tmp_path / "other.py"
    other.write_text("x = 3\n")
    line, again = line.format(other=other), again.format(other=other)
    report = shell.run_line_magic("hotpush", line) if cell is None else shell.run_cell_magic("hotpush", line, cell)
    assert report.again == again


def test_the_author_can_be_configured(shell: InteractiveShell, target: KeepingTarget) -> None:
    """`%config` knows the magics."""
    shell.run_line_magic("config", "LivecodeMagics.author = 'ann@laptop'")
    shell.run_line_magic("hotpush", "one")
    assert target.calls[0]["author"] == "ann@laptop"


def test_status_and_undo(shell: InteractiveShell, target: KeepingTarget) -> None:
    """Status is a view; undo pushes what ran before."""
    shell.run_cell_magic("hotpush", "one", "x = 2\n")
    shell.run_line_magic("hotundo", "one")
    assert target.source("one") == "x = 1\n"
    status = shell.run_line_magic("hotstatus", "")
    assert isinstance(status, StatusView)
    assert "one" in str(status)
    assert len(status) == 1


def test_diff_is_against_the_file_or_a_version(shell: InteractiveShell, target: KeepingTarget) -> None:
    """Both sides are named."""
    shell.run_cell_magic("hotpush", "one", "x = 2\n")
    disk, version = shell.run_line_magic("hotdiff", "one"), shell.run_line_magic("hotdiff", "one --to 1")
    assert isinstance(disk, DiffView)
    assert "--- one.py (disk)\n  +++ one v2 (running)" in str(disk)
    assert "--- one v1\n" in str(version)
    assert "+x = 2" in str(version)


def test_unload_forces_where_asked(shell: InteractiveShell, target: KeepingTarget) -> None:
    """A module is unloaded through the target."""
    shell.run_line_magic("hotunload", "one --force")
    assert (target.calls[0]["sources"], target.calls[0]["force"]) == ({"one": None}, True)


@pytest.mark.parametrize(
    ("magic", "line", "why"),
    [
        ("hotpush", "", "name a module to push"),
        ("hotpush", "one two --file one.py", "--file is the source of one module"),
        ("hotpush", "nothing_lc", "no source file of nothing_lc"),
        ("hotpush", "one --reason it's", "double quotes"),
        ("hotpush", "one --file missing.py", "missing.py"),
        ("hotpush", "one --canary 0", "a number of workers"),
        ("hotpush", "one --canary 150%", "less than all"),
        ("hotpush", "one --canary 1 --for -5", "seconds above 0"),
        ("hotpush", "one --for 30", "--canary 1 --for 30"),
        ("hotpush", "one --canary 1 --allow-mixed why", "give one"),
        ("hotpush", "one --canary 1", "attach to a service first"),
        ("hotundo", "--to 3", "exactly one MODULE"),
        ("hotundo", "one --to soon", "invalid int"),
        ("hotdiff", "nothing_lc", "not loaded"),
        ("hotwatch", "missing", "does not exist"),
        ("hotwatch", "--stop", "nothing is watched"),
        ("hotdetach", "", "not attached"),
        ("hotattach", "nobody", "no service named 'nobody'"),
    ],
)
def test_a_mistake_is_one_line(
    shell: InteractiveShell, target: KeepingTarget, magic: str, line: str, why: str, doors: Path
) -> None:
    """UsageError says what is wrong and what would be right."""
    assert doors.is_dir()
    with pytest.raises(UsageError, match=why) as raised:
        shell.run_line_magic(magic, line)
    assert "\n" not in str(raised.value)
    assert target.calls == []


def test_a_cell_is_one_module(shell: InteractiveShell, target: KeepingTarget) -> None:
    """Two names before one cell are a mistake."""
    with pytest.raises(UsageError, match="source of one module"):
        shell.run_cell_magic("hotpush", "one two", "x = 2")
    assert target.calls == []


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_generated(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], name: str, option: str) -> None:
    """`--help` shows the usage and does nothing; `?` shows the same."""
    assert shell.run_line_magic(name, option) is None
    printed = capsys.readouterr().out
    assert printed.lstrip().startswith(f"%{name} [")
    assert "--help" in printed
    method = shell.find_line_magic(name)
    assert method is not None
    assert printed.strip() in method.__doc__


def test_several_services_are_listed(
    shell: InteractiveShell, target: KeepingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name, more than one service is a question, answered with the command to type."""
    workers = tuple(Worker(f"w{i}", i, "h", "3.12.1", name) for i, name in enumerate(("shop", "shop", "till")))
    monkeypatch.setattr(attach_magics, "running", lambda: workers)
    with pytest.raises(UsageError, match=r"2 services run: shop \(2 workers\), till \(1 worker\); .*%hotattach shop"):
        shell.run_line_magic("hotattach", "")


def test_attach_and_detach(
    shell: InteractiveShell,
    target: KeepingTarget,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From attach to detach the magics act on the service."""
    service = KeepingTarget({"one": Path("one.py").resolve()})
    monkeypatch.setattr(attach_magics, "attach", lambda name, store: service)
    assert "● ATTACHED  shop  1 worker" in str(shell.run_line_magic("hotattach", "shop"))
    shell.run_cell_magic("hotpush", "one", "x = 2\n")
    shell.run_line_magic("hotdetach", "")
    assert "detached from shop" in capsys.readouterr().out
    shell.run_cell_magic("hotpush", "one", "x = 3\n")
    assert (service.source("one"), target.source("one")) == ("x = 2\n", "x = 3\n")


def test_watch_until_stop(shell: InteractiveShell, target: KeepingTarget, capsys: pytest.CaptureFixture[str]) -> None:
    """What is saved is pushed and said; a second watch is a mistake; unloading stops it too."""
    shell.user_ns["where"] = "."
    shell.run_cell("%hotwatch {where}")
    with pytest.raises(UsageError, match="is watched already"):
        shell.run_line_magic("hotwatch", ".")
    watch = loaded(shell).watching.watch
    assert watch is not None
    Path("one.py").write_text("x = 2\n")
    assert watch.next(20).verdict is Verdict.LIVE
    shell.run_line_magic("hotwatch", "--stop")
    printed = capsys.readouterr().out
    assert "what is saved goes live in this process" in printed
    assert "✔ LIVE  one  v1 → v2" in printed
    assert "1 push" in printed
    assert not watch.running


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("%hotpush on", {"one"}),
        ("%%hotpush on", {"one"}),
        ("r = %hotpush on", {"one"}),
        ("%hotpush one --re", {"--reason"}),
        ("%%hotpush one --dry", {"--dry-run"}),
        ("%hotpush one --file ", {"one.py", "inner/"}),
        ("%hotdiff one --to ", {"1"}),
        ("%hotdiff --from 1 on", {"one"}),
        ("%hotsave one --f", {"--file", "--force"}),
        ("%hotundo on", {"one"}),
        ("%hotattach sh", {"shop"}),
        ("%hotwatch in", {"inner/"}),
        ("%hotstatus --", {"--help"}),
        ("%hotpus", {"%hotpush"}),
        ("%hotpush one --rerun qu", {"quote"}),
        ("%hotpush --rerun one.", {"one.quote", "one.rate"}),
        ("%%hotpush one --rerun=r", {"rate"}),
        ("%hotundo one --to ", {"1"}),
        ("%hotattach 7", {"71"}),
        ("%hotattach ssh://", {"ssh://web-1/", "ssh://web-2/"}),
        ("%hotattach do", {"docker://"}),
        ("%hoteval one.q", {"one.quote"}),
        ("%hoteval len(one.q", {"one.quote"}),
        ("x = %hoteval --all [one.q", {"one.quote"}),
        ("%hoteval -m one ra", {"rate"}),
        ("%hoteval --module o", {"one"}),
        ("%hoteval --worker ", {"w1"}),
        ("%%hoteval --t", {"--timeout"}),
        ("%%hoteval --all\nx = 1\nmax(one.r", {"one.rate"}),
        ("%hotev", {"%hoteval"}),
        ("%%hotev", {"%%hoteval"}),
    ],
)
def test_tab_completes(
    shell: InteractiveShell,
    target: KeepingTarget,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    offered: set[str],
) -> None:
    """Options, modules, services, versions, files and folders, on lines and cells alike."""
    Path("inner").mkdir()
    monkeypatch.setattr("livecode.front.complete.running", lambda: (Worker("w1", 71, "h", "3.12.1", "shop"),))
    monkeypatch.setenv("HOME", str(Path.cwd()))
    Path(".ssh").mkdir()
    Path(".ssh/config").write_text("Host web-1 web-2\n  User ann\nHost *.lan\n")
    assert target.source("one")
    assert offered <= set(completions(shell, line))


def test_tab_survives_a_lost_service(shell: InteractiveShell, target: KeepingTarget) -> None:
    """Completion never fails aloud."""
    target.gone = True
    assert "one" not in completions(shell, "%hotpush on")
