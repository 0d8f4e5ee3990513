"""`livecode diff` and `save`, `%hotdiff` and `%hotsave`: words, exit codes, patches that git applies."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from IPython.core.error import UsageError as MagicUsageError
from IPython.core.interactiveshell import InteractiveShell

from livecode.errors import UsageError
from livecode.fleet.service import Service, attach
from livecode.front.api import watch
from livecode.front.cli import livecode
from livecode.front.differences import DiffRequest, differences, patch_text
from livecode.front.saving import SaveRequest, save
from livecode.front.views import DiffView
from livecode.model.saving import SaveReport, SaveVerdict
from tests.front.targets import KeepingTarget
from tests.services import RunningService, Services, required_program, wait_until

RUN = "from livecode.front.cli import main; main()"
PRICING = "RATE = 2\n\n\ndef quote(amount):\n    return amount * RATE\n"
PUSHED = PRICING.replace("amount * RATE", "amount * RATE + 1")
LATIN = "# -*- coding: latin-1 -*-\r\nNAME = 'caf\u00e9'\r\nx = 1\r\n".encode("latin-1")
GIT = ("git", "apt-get install git")


@dataclass(frozen=True, slots=True)
class Shop:
    """A service and somebody at a terminal."""

    running: RunningService
    environment: Mapping[str, str]

    @property
    def service(self) -> Service:
        return attach("shop")

    def run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """The command, its output not on a terminal."""
        command = [sys.executable, "-c", RUN, *arguments]
        return subprocess.run(
            command, capture_output=True, env=self.environment, cwd=folder or self.running.folder, check=False
        )

    def said(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output of the command, run in this process: faster."""
        with chdir(self.running.folder):
            done = CliRunner().invoke(livecode, arguments)
        return done.exit_code, done.output


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One service for all tests here."""
    with Services(tmp_path_factory.mktemp("shop")) as services:
        files = {"pricing.py": PRICING, "taxes.py": "", "old.py": "gone = 1\n", "pack/__init__.py": ""}
        environment = services.environment(LIVECODE_DIR=str(services.doors))
        yield Shop(services.threaded("shop", files), environment)


@pytest.fixture
def shop(served: Shop) -> Iterator[Shop]:
    """The same, where the files say what runs before and after a test."""
    folder = served.running.folder
    yield served
    (folder / "pricing.py").write_text(PRICING)
    assert served.service.push({"pricing": PRICING}, force=True).ok


def test_a_difference_that_is_piped_is_a_plain_unified_diff(shop: Shop) -> None:
    """Nothing else is printed, and nothing at all if nothing differs; exit codes on request, as git diff has them."""
    assert shop.said("diff", "shop") == (0, "")
    assert shop.said("diff", "shop", "pricing", "--exit-code") == (0, "")
    shop.service.push({"pricing": PUSHED})
    expected = (
        "--- pricing.py (disk)\n+++ pricing v2 (running)\n@@ -2,4 +2,4 @@\n \n \n def quote(amount):\n"
        "-    return amount * RATE\n+    return amount * RATE + 1\n"
    )
    code, said = shop.said("diff", "shop")
    assert (code, said.replace(f"v{version_of(said)}", "v2")) == (0, expected)
    assert shop.said("diff", "shop", "pricing", "--exit-code")[0] == 1
    assert shop.said("diff", "shop", "--patch", "--exit-code")[0] == 1
    code, said = shop.said("diff", "shop", "-U", "0", "pricing")
    assert said.splitlines()[2] == "@@ -5 +5 @@"


def version_of(said: str) -> str:
    return said.partition("+++ pricing v")[2].partition(" ")[0]


def test_a_difference_as_json(shop: Shop) -> None:
    """Both sides, the counts, and every line with the spans that changed."""
    shop.service.push({"pricing": PUSHED})
    code, said = shop.said("diff", "shop", "--json")
    (found,) = json.loads(said)
    assert (code, found["module"], found["same"], found["added"], found["removed"]) == (0, "pricing", False, 1, 1)
    assert found["after"]["version"] == shop.service.history("pricing").versions[-1].number
    line = found["hunks"][0]["lines"][-1]
    assert (line["mark"], [line["text"][start:end] for start, end in line["changed"]]) == ("+", [" + 1"])


def test_a_difference_on_a_terminal(shop: Shop) -> None:
    """The verdict first; colours, and what changed within a line picked out."""
    shop.service.push({"pricing": PUSHED})
    reader, writer = pty.openpty()
    command = [sys.executable, "-c", RUN, "diff", "shop"]
    environment = {**shop.environment, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=writer, stderr=writer, env=environment, cwd=shop.running.folder) as process:
        os.close(writer)
        shown = b""
        try:
            while part := os.read(reader, 65536):
                shown += part
        except OSError:  # Linux says so that nobody is at the other end
            pass
        assert process.wait() == 0
    os.close(reader)
    text = shown.decode()
    assert "● DIFFERS" in text
    assert "\x1b[32m+    return amount * RATE\x1b[0m\x1b[1;7;32m + 1" in text.replace("\x1b[1;32;7m", "\x1b[1;7;32m")


def test_versions_are_compared(shop: Shop) -> None:
    """One with what runs, or two with each other."""
    shop.service.push({"pricing": PUSHED})
    number = shop.service.history("pricing").versions[-1].number
    code, said = shop.said("diff", "shop", "pricing", "--to", "1")
    assert (code, said.splitlines()[:2]) == (0, ["--- pricing v1", f"+++ pricing v{number} (running)"])
    code, said = shop.said("diff", "shop", "pricing", "--from", str(number), "--to", "1")
    assert "-    return amount * RATE + 1" in said
    for arguments, why in (
        (("pricing", "--to", "999"), "v999 of pricing is not remembered; known: v1"),
        (("--to", "1"), "name one module"),
        (("nope",), "nope is not loaded"),
        (("pricing", "--to", "1", "--workers"), "versions or workers"),
        (("--patch", "--json"), "not both"),
    ):
        code, said = shop.said("diff", "shop", *arguments)
        assert (code, why in said) == (2, True), said


def test_git_applies_the_patch(shop: Shop, tmp_path: Path) -> None:
    """The same bytes as a save: changed files, one in Latin-1 with CRLF, a new module, a deleted one."""
    git, folder = required_program(*GIT), shop.running.folder
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "latin_lc.py").write_bytes(LATIN)
    (folder / "removed_lc.py").write_text("x = 1\n")
    shop.running.get("__import__('latin_lc')")
    shop.running.get("__import__('removed_lc')")
    service = shop.service
    latin = LATIN.decode("latin-1").replace("\r\n", "\n")
    assert service.push({"pricing": PUSHED, "latin_lc": latin + "y = '\u00e8'", "pack.fresh": "NEW = 1\n"}).ok
    assert service.unload("removed_lc").ok
    made = shop.run("diff", "shop", "--patch", folder=folder / "sub")
    assert made.returncode == 0, made.stderr
    copy = tmp_path / "copy"
    for path in (*folder.glob("*.py"), *folder.glob("pack/*.py")):
        (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(folder)).write_bytes(path.read_bytes())
    for options in (("--check",), ()):
        done = subprocess.run([git, "apply", *options], cwd=copy, input=made.stdout, capture_output=True, check=False)
        assert done.returncode == 0, (done.stderr, made.stdout)
    code, said = shop.said("save", "shop", "pricing", "latin_lc", "pack.fresh")
    assert code == 0, said
    for name in ("pricing.py", "latin_lc.py", "pack/fresh.py"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    assert (copy / "latin_lc.py").read_bytes() == LATIN + b"y = '\xe8'"
    assert not (copy / "removed_lc.py").exists()
    (folder / "removed_lc.py").unlink()
    assert shop.said("diff", "shop") == (0, "")


def test_paths_of_a_patch_are_those_of_the_repository(shop: Shop) -> None:
    """Wherever it is made."""
    git, folder = required_program(*GIT), shop.running.folder
    subprocess.run([git, "init", "-q"], cwd=folder.parent, check=True)
    shop.service.push({"pricing": PUSHED})
    made = shop.run("diff", "shop", "--patch").stdout
    assert f"+++ b/{folder.name}/pricing.py\n".encode() in made
    done = subprocess.run([git, "apply"], cwd=folder.parent, input=made, capture_output=True, check=False)
    assert (done.returncode, (folder / "pricing.py").read_text()) == (0, PUSHED)


def test_saving_in_a_terminal(shop: Shop) -> None:
    """The verdict says what was written; saying it again says so; the log tells of it."""
    shop.service.push({"pricing": PUSHED})
    code, said = shop.said("save", "shop")
    assert (code, "save the one that differs with livecode save shop --all: pricing" in said) == (2, True)
    number = shop.service.history("pricing").versions[-1].number
    assert shop.said("save", "shop", "--all") == (0, f"✔ SAVED  pricing v{number} → pricing.py (+1 −1)\n")
    code, said = shop.said("save", "shop", "pricing")
    assert said == f"○ SAME  pricing v{number}  pricing.py says that already: nothing written\n"
    assert shop.said("save", "shop", "--all")[1] == "○ SAME  nothing differs from disk  nothing written\n"
    assert f"save pricing v{number}" in shop.said("log", "shop")[1]
    assert json.loads(shop.said("save", "shop", "pricing", "--json")[1])["ok"] is True


def test_a_file_that_somebody_changed_in_a_terminal(shop: Shop) -> None:
    """Says who, how much, and the next commands, which do what they say."""
    shop.service.push({"pricing": PUSHED})
    file = shop.running.folder / "pricing.py"
    file.write_text(PRICING + "theirs = 1\n")
    code, said = shop.said("save", "shop", "--all")
    assert (code, said.startswith("■ REFUSED  pricing v")) == (1, True)
    assert "LC412" in said
    assert "compare:  livecode diff shop pricing\n" in said
    assert "overwrite it:  livecode save shop pricing --force\n" in said
    assert "-theirs = 1" in shop.said("diff", "shop", "pricing")[1]
    assert shop.said("save", "shop", "pricing", "--force")[0] == 0
    assert file.read_text() == PUSHED


def test_workers_that_differ_are_compared(tmp_path: Path) -> None:
    """What most run is on the left; without --workers, each is compared with the file; a patch is for one source."""
    with Services(tmp_path) as services:
        running = services.gunicorn("shop", {"pricing.py": PRICING}, "--workers", "3")
        wait_until(lambda: len(attach("shop").workers()) == 3, "all workers listen", running)
        service = attach("shop")
        assert differences(DiffRequest(between_workers=True), service) == ()
        assert attach(service.workers()[1].pid).push({"pricing": PUSHED}).ok
        (found,) = differences(DiffRequest(between_workers=True), service)
        assert found.before.name == "pricing v1 (running on w1 w3)"
        assert (found.after.name, found.added, found.removed) == ("pricing v2 (running on w2)", 1, 1)
        on_disk = differences(DiffRequest(), service)
        assert {(each.after.name, each.is_same) for each in on_disk} == {
            ("pricing v1 (running on w1 w3)", True),
            ("pricing v2 (running on w2)", False),
        }
        with chdir(running.folder):
            done = CliRunner().invoke(livecode, ("diff", "shop", "--workers"))
        assert done.output.startswith("--- pricing v1 (running on w1 w3)\n+++ pricing v2 (running on w2)\n@@")


def test_who_watches_the_folder_pushes_nothing_that_was_saved(shop: Shop) -> None:
    """The file says what runs; the next edit is pushed."""
    service, folder = shop.service, shop.running.folder
    with watch(folder, service, lambda _: None) as watched:
        assert service.push({"pricing": PUSHED}).ok
        assert service.save("pricing").verdict is SaveVerdict.SAVED
        (folder / "pricing.py").write_text(PUSHED.replace("+ 1", "+ 2"))
        report = watched.next(30)
        assert (report.verdict, report.modules) == ("LIVE", ("pricing",))
        assert len(watched.reports) == 1


# ── without a service ────────────────────────────────────────────────────────────────────────────────────────


def test_a_notebook_saves_and_compares_its_own_process(shell: InteractiveShell) -> None:
    """The same words as everywhere, complete without HTML."""
    Path("magic_saved.py").write_text("x = 1\ny = 2\n")
    shell.run_cell("import magic_saved")
    shell.run_cell_magic("hotpush", "magic_saved", "x = 1\ny = 3\n")
    view = shell.run_line_magic("hotdiff", "magic_saved")
    assert isinstance(view, DiffView)
    assert "magic_saved" in {each.module for each in shell.run_line_magic("hotdiff", "")}
    assert str(view).splitlines()[:3] == [
        "● DIFFERS  magic_saved v2 (running)  +1 −1",
        "  --- magic_saved.py (disk)",
        "  +++ magic_saved v2 (running)",
    ]
    assert "<span class='lc-edit'>3</span>" in view._repr_html_()
    assert (len(view), view[0].added, json.loads(view.to_json())[0]["same"]) == (1, 1, False)
    report = shell.run_line_magic("hotsave", "magic_saved")
    assert isinstance(report, SaveReport)
    assert str(report) == "✔ SAVED  magic_saved v2 → magic_saved.py (+1 −1)"
    assert "✔ SAVED" in report._repr_html_()
    assert Path("magic_saved.py").read_text() == "x = 1\ny = 3\n"
    assert "magic_saved" not in {each.module for each in shell.run_line_magic("hotdiff", "")}
    assert str(shell.run_line_magic("hotdiff", "magic_saved")).startswith("○ SAME  magic_saved.py (disk)")
    sys.modules.pop("magic_saved")


@pytest.mark.parametrize(
    ("magic", "line", "why"),
    [
        ("hotsave", "", "name a module to save"),
        ("hotsave", "one --all", "not both"),
        ("hotsave", "one two --file x.py", "--file is for one module, not for 2"),
        ("hotdiff", "--workers", "attaches to one"),
        ("hotdiff", "a b --to 1", "name one module"),
    ],
)
def test_a_mistake_is_one_line(shell: InteractiveShell, magic: str, line: str, why: str) -> None:
    """And nothing is done."""
    with pytest.raises(MagicUsageError, match=why):
        shell.run_line_magic(magic, line)


def test_what_is_asked_of_the_target(tmp_path: Path) -> None:
    """Those that differ, or those that are named; the author is the user, unless another one is given."""
    (tmp_path / "one.py").write_text("x = 1\n")
    (tmp_path / "two.py").write_text("x = 1\n")
    target = KeepingTarget({"one": tmp_path / "one.py", "two": tmp_path / "two.py"})
    assert save(SaveRequest((), every=True), target, "save --all").verdict is SaveVerdict.SAME
    target.push({"two": "x = 2\n"})
    save(SaveRequest((), every=True, author="ann"), target, "save --all")
    save(SaveRequest(("one",), file="one.py", force=True, reason="why"), target, "save --all")
    assert [call["modules"] for call in target.saves] == [("two",), ("one",)]
    assert (target.saves[0]["author"], "@" in str(target.saves[1]["author"])) == ("ann", True)
    assert [found.module for found in differences(DiffRequest(), target)] == ["two"]
    assert differences(DiffRequest(("one",)), target)[0].is_same


def test_a_patch_of_two_versions(tmp_path: Path) -> None:
    """In the bytes that the file would have."""
    (tmp_path / "one.py").write_bytes(b"x = 1\r\n")
    target = KeepingTarget({"one": tmp_path / "one.py"})
    target.push({"one": "x = 2\n"})
    made = patch_text(DiffRequest(("one",), 1, 2), target)
    assert b"-x = 1\r\n+x = 2\r\n" in made
    with pytest.raises(UsageError, match="one source"):
        patch_text(DiffRequest(between_workers=True), target)
