"""Makes the folder of one upgrade: both releases, the tests of the new one, and an environment without the package.

ROOT/NAME/old, new      the package alone
ROOT/NAME/tests         what the source distribution says about testing; the package itself is not in it
ROOT/NAME/env           a virtual environment with pytest and what the tests need
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.bench.hotupgrade.packages import UPGRADES, Upgrade

TOOLS = ("pytest<8", "ipython==9.18.1", "jurigged==0.6.1")
"""In every environment: what runs the tests, and the peers."""

SETTINGS = ("pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "conftest.py", "README.md", "README.rst")


def prepare(root: Path, name: str) -> Path:
    """The folder of an upgrade; it is made if it is not there whole.

    Raises:
        subprocess.CalledProcessError: pip failed; its output is in `stderr`.
    """
    home, upgrade = root / name.replace(":", "-"), UPGRADES[name]
    done = home / "prepared"
    if done.exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    package = name.partition(":")[0]
    python = os.environ.get("HOTUPGRADE_PYTHON", sys.executable)
    _run(python, "-m", "venv", "--without-pip", home / "env")
    for side, version in (("old", upgrade.old), ("new", upgrade.new)):
        _install(home, home / side, f"{package}=={version}")
        shutil.rmtree(home / side / "bin", ignore_errors=True)
    _fetch_tests(home, package, upgrade)
    _pip(home, "install", *TOOLS, *upgrade.needs)
    done.touch()
    return home


def _install(home: Path, target: Path, release: str) -> None:
    """Puts a release where it is wanted, without its native parts if it can be had so."""
    words = "install", "--no-deps", "--no-compile", "--target", target, release
    try:
        _pip(home, *words, "--platform", "any", "--only-binary", ":all:")
    except subprocess.CalledProcessError:
        _pip(home, *words)


def _fetch_tests(home: Path, package: str, upgrade: Upgrade) -> None:
    source = home / "sdist"
    _pip(home, "download", "--no-deps", "--no-binary", ":all:", "-d", source, f"{package}=={upgrade.new}")
    archive = next(path for path in source.iterdir() if path.is_file())
    with tarfile.open(archive) if archive.name.endswith("gz") else zipfile.ZipFile(archive) as packed:
        packed.extractall(source)
    top = next(path for path in source.iterdir() if path.is_dir())
    for name in (upgrade.tests, *upgrade.also, *SETTINGS):
        target = home / "tests" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (top / name).is_dir():
            shutil.copytree(top / name, target, dirs_exist_ok=True)
        elif (top / name).is_file():
            shutil.copy(top / name, target)
    shutil.rmtree(source)


def _pip(home: Path, *arguments: str | Path) -> None:
    _run(sys.executable, "-m", "pip", "--python", home / "env/bin/python", arguments[0], "-q", *arguments[1:])


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
