"""Which files count: as git, and as the user's filter, would have it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from livecode.errors import UsageError
from livecode.front.watching import tree
from livecode.front.watching.sieve import Sieve, is_source
from livecode.front.watching.tree import walk
from tests.services import required_program


def laid_out(folder: Path, files: dict[str, str]) -> Path:
    """The folder with these files in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def found(folder: Path, *patterns: str) -> set[str]:
    """The sources that count below a folder."""
    sources = walk(str(folder), Sieve.of(str(folder), patterns)).sources
    return {str(Path(path).relative_to(folder)) for path in sources}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("one.py", True),
        ("one.txt", False),
        ("one.py~", False),
        ("one.pyi", False),
        ("4913", False),  # vim looks whether it may write
        (".one.py.swp", False),
        (".#one.py", False),
        ("#one.py#", False),
        ("one.py___jb_tmp___", False),
        ("one.py.tmp.4711.1699", False),
        ("~one.py", False),
    ],
)
def test_only_sources_count(name: str, wanted: bool) -> None:
    """Not what editors leave while they save."""
    assert is_source(name) is wanted


def test_folders_of_other_people_are_not_looked_into(tmp_path: Path) -> None:
    """Caches, environments, installed packages and what is hidden."""
    laid_out(
        tmp_path,
        {
            "shop/one.py": "",
            "node_modules/a/one.py": "",
            ".git/hooks/one.py": "",
            "__pycache__/one.py": "",
            "env/pyvenv.cfg": "",
            "env/lib/python3.12/one.py": "",
            "lib/site-packages/one.py": "",
        },
    )
    assert found(tmp_path) == {"shop/one.py"}


GIT_CASES = {
    ".gitignore": "/gen/\n*_local.py\nbuild\n!keep_local.py\n",
    "gen/a.py": "",
    "sub/gen/b.py": "",
    "x_local.py": "",
    "keep_local.py": "",
    "build/c.py": "",
    "sub/.gitignore": "*.py\n!wanted.py\n!deep/\n",
    "sub/other.py": "",
    "sub/wanted.py": "",
    "sub/deep/d.py": "",
    "sub/deep/.gitignore": "!d.py\n",
    "sub2/.gitignore": "[bad\n# nothing\n\\#odd.py\n",
    "sub2/#odd.py": "",
    "sub2/fine.py": "",
    "name with space/e.py": "",
}


def test_gitignore_means_what_it_means_to_git(tmp_path: Path) -> None:
    """Nested files, negation, anchors: git itself is asked."""
    laid_out(tmp_path, GIT_CASES)
    git = required_program("git", "apt-get install git")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    listed = [git, "-C", str(tmp_path), "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py"]
    told = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    wanted = {name for name in told.split("\0") if name and is_source(Path(name).name)}
    assert found(tmp_path) == wanted


def test_rules_above_the_folder_count_inside_of_a_repository(tmp_path: Path) -> None:
    """As the rules of the repository's root do for git; outside of a repository they are nobody's."""
    laid_out(tmp_path, {".gitignore": "gen.py\n", "src/gen.py": "", "src/one.py": ""})
    assert found(tmp_path / "src") == {"gen.py", "one.py"}
    (tmp_path / ".git" / "info").mkdir(parents=True)
    assert found(tmp_path / "src") == {"one.py"}
    (tmp_path / ".git" / "info" / "exclude").write_text("one.py\n")
    assert found(tmp_path / "src") == set()


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        ((), {"shop/one.py", "shop/sub/two.py", "tests/three.py", "four.py"}),
        (("shop/**",), {"shop/one.py", "shop/sub/two.py"}),
        (("shop/*.py",), {"shop/one.py"}),
        (("!tests/",), {"shop/one.py", "shop/sub/two.py", "four.py"}),
        (("shop/**", "!sub/"), {"shop/one.py"}),
        (("four.py", "tests/*"), {"four.py", "tests/three.py"}),
    ],
)
def test_a_filter_takes_what_matches(tmp_path: Path, patterns: tuple[str, ...], wanted: set[str]) -> None:
    """Globs as in .gitignore; with exclusions alone, all the rest."""
    laid_out(tmp_path, {"shop/one.py": "", "shop/sub/two.py": "", "tests/three.py": "", "four.py": "", "no.txt": ""})
    assert found(tmp_path, *patterns) == wanted


@pytest.mark.parametrize("pattern", ["", "  ", "# all", "!"])
def test_a_filter_that_cannot_be_meant_is_an_error(tmp_path: Path, pattern: str) -> None:
    """And says what one looks like."""
    with pytest.raises(UsageError, match="glob such as"):
        Sieve.of(str(tmp_path), (pattern,))


def test_links_are_followed_once(tmp_path: Path) -> None:
    """Files and folders; one that leads back is not looked into again, one that leads nowhere is nothing."""
    outside = laid_out(tmp_path / "outside", {"one.py": "", "package/two.py": ""})
    folder = laid_out(tmp_path / "src", {"three.py": ""})
    (folder / "one.py").symlink_to(outside / "one.py")
    (folder / "package").symlink_to(outside / "package")
    (folder / "package" / "back").symlink_to(folder)
    (folder / "nowhere.py").symlink_to(tmp_path / "missing")
    assert found(folder) == {"one.py", "package/two.py", "three.py"}


def test_too_much_is_refused_and_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of data is named, so that somebody can leave it out."""
    monkeypatch.setattr(tree, "MAX_ENTRIES", 20)
    laid_out(tmp_path, {"one.py": "", **{f"data/{n}/{n}.csv": "" for n in range(12)}})
    with pytest.raises(UsageError, match=r"more than 20 files, most of them in data: .*\.gitignore"):
        found(tmp_path)
    (tmp_path / ".gitignore").write_text("data\n")
    assert found(tmp_path) == {"one.py"}
