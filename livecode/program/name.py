"""The name of a program as a service, where nobody gave one. Two programs of one name are one service.

jobs/nightly.py             nightly
-m shop.api, shop/          shop
app.py, main.py, -m server  the folder, since that is what every project calls it
-m uvicorn app:app          the working folder: the server is an installed package, not the service
-c, standard input          the working folder
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

from livecode.fleet.rundir import MAX_NAME, NAME_CHARACTERS

ANYBODY = frozenset(
    {"__main__", "api", "app", "application", "asgi", "cli", "index", "main", "manage", "run", "runserver"}
    | {"serve", "server", "service", "start", "web", "wsgi"}
)
"""Names of files that say nothing about the program."""
INSTALLED = ("site-packages", "dist-packages")
FALLBACK = "python"


def name_of_file(path: str) -> str:
    """The name of a program that is a script, a folder or an archive."""
    folder, name = os.path.split(os.path.abspath(path))
    stem = name if os.path.isdir(path) else os.path.splitext(name)[0]
    return clean(os.path.basename(folder) if stem.lower() in ANYBODY else stem)


def name_of_module(module: str, folder: str) -> str:
    """The name of a program that is a module.

    Args:
        module: As given to ``python -m``.
        folder: The working folder.
    """
    top = module.partition(".")[0]
    if top.lower() in ANYBODY or is_installed(top, folder):
        return name_of_folder(folder)
    return clean(top)


def name_of_folder(folder: str) -> str:
    """The name of a program that has none but its working folder's."""
    return clean(os.path.basename(os.path.abspath(folder)))


def is_installed(top: str, folder: str) -> bool:
    """True for a module of an installed package that the working folder does not replace."""
    here = os.path.join(folder, top)
    if os.path.isdir(here) or os.path.exists(f"{here}.py"):
        return False
    homes = [path for path in sys.path if path.rstrip(os.sep).endswith(INSTALLED)]
    try:
        return PathFinder.find_spec(top, homes) is not None
    except (ImportError, ValueError):
        return False


def clean(text: str) -> str:
    """The text as far as a service can be called that."""
    name = "".join(letter if letter in NAME_CHARACTERS else "-" for letter in text).strip("-.")
    return name[:MAX_NAME] or FALLBACK
