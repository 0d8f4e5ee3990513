"""The folder of a reload: which file is which module's, and that nothing outside of it is ever read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livecode.errors import UsageError
from livecode.http.exchange import Problem
from livecode.http.folder import BadFileError, Opened, imported_by, opened, with_new_ones
from livecode.http.mounted import CodeFolder
from livecode.model.nouns import ModuleSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of code, with something beside it that must not be read."""
    (tmp_path / "secret.py").write_text("SECRET = 1\n")
    root = tmp_path / "next"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "__init__.py").write_text("")
    (root / "shop" / "pricing.py").write_text("RATE = 2\r\n")
    return root


def look(root: Path) -> Opened:
    """The folder, opened."""
    return opened(CodeFolder(root))


def test_files_are_found_by_the_layout(folder: Path) -> None:
    """As an import would find them: a package before a module of the same name."""
    (folder / "shop.py").write_text("wrong = 1\n")
    code = look(folder)
    assert code.source("shop.pricing") == ModuleSource("shop.pricing", "RATE = 2\n", "next/shop/pricing.py")
    assert code.source("shop") == ModuleSource("shop", "", "next/shop/__init__.py")
    assert code.source("shop.orders") is None


@pytest.mark.parametrize(
    "module",
    [
        *("..secret", ".secret", "shop...secret", "/secret", "shop/pricing", "shop\\pricing", "shop.pricing\0", "~"),
        *("．．.secret", "shop.ｐricing", "shop.Pricing", "SHOP.pricing", "shop.pricing.py", "", ".", "..", "__main__"),
        *("%2e%2e.secret", "shop.pricin\u0261", "secret", "next", "shop.pricing "),
    ],
)
def test_no_name_leads_anywhere_else(folder: Path, module: str) -> None:
    """Neither dots, slashes, null bytes, other letters of the same look, nor another case."""
    assert look(folder).source(module) is None


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    """A file or a folder, near or far; the message does not say where it leads."""
    (folder / "leak.py").symlink_to(tmp_path / "secret.py")
    (folder / "shop" / "hosts.py").symlink_to("/etc/hosts")
    for module in ("leak", "shop.hosts"):
        with pytest.raises(BadFileError, match="leads out of the folder") as raised:
            look(folder).source(module)
        assert str(tmp_path) not in str(raised.value)
        assert "hosts:" not in str(raised.value).replace("hosts.py:", "")


def test_a_folder_that_is_a_link_out_holds_nothing(folder: Path, tmp_path: Path) -> None:
    """Not even its names are looked at."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "leak.py").write_text("SECRET = 1\n")
    (folder / "outside").symlink_to(tmp_path / "outside")
    assert look(folder).source("outside.leak") is None


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    """That is how some lay out their releases."""
    (folder / "other.py").symlink_to(folder / "shop" / "pricing.py")
    found = look(folder).source("other")
    assert found is not None
    assert found.source == "RATE = 2\n"


def test_the_folder_itself_may_be_a_link_that_moves(folder: Path, tmp_path: Path) -> None:
    """It is resolved anew for each request."""
    second = tmp_path / "second"
    (second / "shop").mkdir(parents=True)
    (second / "shop" / "pricing.py").write_text("RATE = 3\n")
    current = tmp_path / "current"
    current.symlink_to(folder)
    named = CodeFolder(current)
    first = opened(named).source("shop.pricing")
    current.unlink()
    current.symlink_to(second)
    then = opened(named).source("shop.pricing")
    assert [item.source for item in (first, then) if item] == ["RATE = 2\n", "RATE = 3\n"]


def test_what_is_no_source_is_refused_by_its_name(folder: Path) -> None:
    """Binary, in a wrong encoding, too large, a pipe that nobody writes to, not to be read."""
    (folder / "binary.py").write_bytes(b"a\0b")
    (folder / "latin.py").write_bytes(b"x = '\xe9'\n")
    (folder / "large.py").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    (folder / "folder.py").mkdir()
    os.mkfifo(folder / "pipe.py")
    code = look(folder)
    for module, why in (
        ("binary", "null byte"),
        ("latin", "encoding"),
        ("large", "4 MiB"),
        ("folder", "regular file"),
        ("pipe", "regular file"),
    ):
        with pytest.raises(BadFileError, match=why) as raised:
            code.source(module)
        assert str(raised.value).startswith(f"next/{module}.py: ")


@pytest.mark.parametrize("named", ["", "/", "//", "/..", "a\0b"])
def test_what_is_no_folder_is_refused_when_it_is_named(named: str) -> None:
    """The root of the file system, nothing, a null byte."""
    with pytest.raises(UsageError):
        CodeFolder(named)


def test_a_file_is_no_folder(folder: Path) -> None:
    """It is said when the endpoint is mounted."""
    with pytest.raises(UsageError, match="is a file"):
        CodeFolder(folder / "shop" / "pricing.py")


def test_a_folder_may_come_later(tmp_path: Path) -> None:
    """Until then a request is told so, without its path."""
    named = CodeFolder(tmp_path / "later")
    with pytest.raises(Problem) as raised:
        opened(named)
    assert raised.value.status == 503
    assert str(tmp_path) not in raised.value.detail


def test_imports_of_a_source() -> None:
    """Those that are executed with it, with their packages; relative ones by where the source is."""
    source = "import a.b\nfrom . import c\nfrom ..d import e\nif x:\n    import f\ndef g():\n    import h\n"
    assert set(imported_by(ModuleSource("p.q.r", source, "next/p/q/r.py"))) == {
        *("a", "a.b", "p", "p.q", "p.q.c", "p.d", "p.d.e", "f")
    }
    assert set(imported_by(ModuleSource("p.q", "from . import c", "next/p/q/__init__.py"))) == {"p", "p.q", "p.q.c"}
    assert imported_by(ModuleSource("p", "import (", "next/p.py")) == ()


def test_what_a_changed_module_imports_comes_with_it(folder: Path) -> None:
    """If nobody has loaded it and the folder has it, and so on; what is loaded and unchanged stays out."""
    (folder / "shop" / "rates.py").write_text("from shop import table\nimport json\n")
    (folder / "shop" / "table.py").write_text("")
    chosen = [ModuleSource("shop.pricing", "from shop.rates import RATE\n", "next/shop/pricing.py")]
    items = with_new_ones(chosen, {"shop", "shop.pricing"}, look(folder))
    assert [item.module for item in items] == ["shop.rates", "shop.table", "shop.pricing"]
