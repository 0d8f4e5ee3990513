"""What runs in a process that is entered from outside: it begins livecode there, and says what came of it in a file.

The script that is executed there (`SCRIPT`) leaves no name behind; whatever goes wrong is said in the file, and the
program goes on.
"""

from __future__ import annotations

import json
import os
import sys

from livecode import __version__
from livecode.fleet.listen import listening
from livecode.program.begin import begin
from livecode.program.name import name_of_file, name_of_folder, name_of_module

SCRIPT = """
def livecode_enters():
    import os, sys
    root, answer, name, version = {root!r}, {answer!r}, {name!r}, {version!r}
    try:
        if "livecode" not in sys.modules:
            sys.path.insert(0, root)
            try:
                import livecode.program.entering
            finally:
                sys.path.remove(root)
        elif sys.modules["livecode"].__version__ != version:
            loaded = sys.modules["livecode"].__version__
            raise RuntimeError(f"it has loaded livecode {{loaded}}, and this is {{version}}: use that one")
        else:
            import livecode.program.entering
        livecode.program.entering.enter(name, answer)
    except BaseException as error:
        import json
        with open(answer + ".new", "w", encoding="utf-8") as file:
            json.dump({{"error": f"{{type(error).__name__}}: {{error}}"}}, file)
        os.replace(answer + ".new", answer)


livecode_enters()
del livecode_enters
"""
"""Python source; only the standard library may be needed, and nothing of the program's is."""


def enter(name: str, answer: str) -> None:
    """Opens a door in this process, and writes what it is called there.

    Args:
        name: Of the service; empty for one that is made of the program's.
        answer: The path of the file that is waited for.

    Raises:
        LivecodeError: No door can be opened.
    """
    listener = listening()
    if listener is None:
        listener = begin(name or _name(), _folder())
    said = {"service": listener.name, "path": listener.path, "python": sys.version.split()[0], "livecode": __version__}
    with open(f"{answer}.new", "w", encoding="utf-8") as file:
        json.dump(said, file)
    os.replace(f"{answer}.new", answer)


def _name() -> str:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return name_of_module(spec.name.removesuffix(".__main__"), os.getcwd())
    file = getattr(main, "__file__", None)
    return name_of_file(file) if isinstance(file, str) else name_of_folder(os.getcwd())


def _folder() -> str:
    """Of the program's script; empty if it has none."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if isinstance(file, str) else ""
