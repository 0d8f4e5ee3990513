"""Opens the door of a program that `livecode run` starts, and leaves things as Python would have found them.

Python imports `sitecustomize` after its search path is made and before it looks at the program. This one is found
because `livecode run` put its folder first; the environment, the search path and the next `sitecustomize`, if there is
one, are as if it had not.
"""

import os
import sys


def _take_back() -> "list[str]":
    """What `livecode run` has to say, after every trace of how it was said is gone."""
    here = os.path.dirname(os.path.abspath(__file__))
    had, *told = os.environ.pop("LIVECODE_RUN").split("\x1f")
    if had == "1":
        os.environ["PYTHONPATH"] = os.environ["PYTHONPATH"].removeprefix(here).removeprefix(os.pathsep)
    else:
        del os.environ["PYTHONPATH"]
    sys.path.remove(here)
    sys.path_importer_cache.pop(here, None)
    del sys.modules["sitecustomize"]
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    sys.path.insert(0, root)  # livecode itself need not be on the path of the program
    try:
        import livecode.program.begin  # noqa: F401
    finally:
        sys.path.remove(root)
    return told


def _begin(told: "list[str]") -> None:
    from livecode.live.tracking import leave_to_runpy
    from livecode.program.begin import begin_or_end

    name, module, folder, *watched = told
    leave_to_runpy(module)
    begin_or_end(name, folder, tuple(watched))


if "LIVECODE_RUN" in os.environ:
    _begin(_take_back())
    __import__("sitecustomize")  # the next one; that there is none is for `site` to know
