"""Opens the door of a program that `livecode run` starts, and leaves things as Python would have found them.

Python imports `sitecustomize` after its search path is made and before it looks at the program. This one is found
because `livecode run` put its folder first; the environment, the search path and the next `sitecustomize`, if there is
one, are as if it had not. With ``--children`` the environment stays, and the Pythons that inherit it come by here.
"""

import os
import sys


def _take_back() -> "list[str]":
    """What `livecode run` has to say, after every trace of how it was said is gone."""
    here = os.path.dirname(os.path.abspath(__file__))
    had, heir, *told = os.environ["LIVECODE_RUN"].split("\x1f")
    if not heir:
        del os.environ["LIVECODE_RUN"]
        if had == "1":
            os.environ["PYTHONPATH"] = os.environ["PYTHONPATH"].removeprefix(here).removeprefix(os.pathsep)
        else:
            del os.environ["PYTHONPATH"]
    sys.path.remove(here)
    sys.path_importer_cache.pop(here, None)
    del sys.modules["sitecustomize"]
    if heir and not _is_heir(heir):
        return []
    root = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    sys.path.insert(0, root)  # livecode itself need not be on the path of the program
    try:
        import livecode.program.begin  # noqa: F401
    finally:
        sys.path.remove(root)
    return [heir.partition(" ")[0], *told]


def _is_heir(heir: str) -> bool:
    """True for the program, and for its children that run the same Python and are not multiprocessing's own."""
    _, version, prefix = heir.split(" ", 2)
    is_own = any(word.startswith("from multiprocessing.") for word in sys.orig_argv)  # they begin by themselves
    return version == str(sys.hexversion) and prefix == sys.prefix and not is_own


def _begin(told: "list[str]") -> None:
    from livecode.live.tracking import leave_to_runpy
    from livecode.program.begin import begin_or_end, begin_started

    pid, name, module, folder, *watched = told
    if pid and pid != str(os.getpid()):
        begin_started(name, tuple(watched))
        return
    leave_to_runpy(module)
    begin_or_end(name, folder, tuple(watched))


if "LIVECODE_RUN" in os.environ:
    if told := _take_back():
        _begin(told)
    __import__("sitecustomize")  # the next one; that there is none is for `site` to know
