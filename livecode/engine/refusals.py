"""Why a push cannot be applied live, or a file not be saved: one stable code a reason, in one table.

LC1xx the change    LC2xx native code    LC3xx what other tools hold on to
LC4xx trust and drift    LC5xx the module
"""

from __future__ import annotations

from livecode.model.report import Refusal

CODES: dict[str, tuple[str, str]] = {
    "LC101": (
        "a `from __future__` import comes or goes, and changes more than what can be made again",
        "keep the import as it is, or restart",
    ),
    "LC102": ("a class changes its metaclass, or class keywords that cannot be given again", "restart the service"),
    "LC103": (
        "the layout of a class with `__slots__` changes, and somebody uses it",
        "keep the slots as they are, or restart",
    ),
    "LC104": (
        "a decorator may have registered the function somewhere, and where cannot be found",
        "edit the body only, or restart; or write an adapter (`livecode.live.adapters.protocol`)",
    ),
    "LC105": (
        "a class of this kind changes more than its methods",
        "edit the methods only, or restart the service",
    ),
    "LC106": (
        "a class with a `__new__` of its own gets its first base, which CPython before 3.15 does not allow",
        "give the class a new name, or restart",
    ),
    "LC107": (
        "a hook (`__hot_dispose__`, `__hot_accept__`, `__hot_migrate__`) could not be called",
        "write it as the README says; --force leaves a hook of the old code out",
    ),
    "LC108": (
        "a change that needs one that is left out, or is needed by it, is left out with it (`--safe-part`)",
        "push it together with what it needs",
    ),
    "LC199": (
        "livecode failed while it planned the change; nothing was touched",
        "please report it with the source; restart the service to get the change",
    ),
    "LC201": (
        "the module is native code (a C extension), which cannot be replaced in a process",
        "restart the service",
    ),
    "LC202": (
        "what C code knows of a ctypes type or callback would change or be freed under it",
        "edit the Python functions it calls, or give the new one a new name; else restart",
    ),
    "LC203": (
        "cffi declarations of an `FFI` that exists would be made again",
        "put the new declarations into an `FFI()` of a new name, or restart",
    ),
    "LC204": (
        "what Python never lets go, such as an audit hook, would be registered a second time",
        "edit the body of the function that is registered, or restart",
    ),
    "LC301": (
        "a function runs as another tool compiled it (numba, torch, jax, Cython), so new source changes nothing",
        "give the new function a new name, or restart",
    ),
    "LC302": (
        "another package's adapter for a framework failed (entry point `livecode.adapters`)",
        "repair the adapter, or uninstall it and restart",
    ),
    "LC401": (
        "the file changed after it was imported, so the source that runs is not known",
        "restart the service, or put the old file back; call livecode.track() before the import next time",
    ),
    "LC406": ("another push is under way", "try again when it is done"),
    "LC407": (
        "somebody else pushed the module since you looked at it last",
        "look at %hotdiff, then push again",
    ),
    "LC408": ("the workers of the service do not follow the same store", "give listen() the same store= everywhere"),
    "LC409": (
        "the service does not let agents do this",
        "its owner may: livecode.listen(…, agents='approved') or agents='push'",
    ),
    "LC410": (
        "the push of an agent needs a person's approval",
        "have a dry run approved: livecode approve",
    ),
    "LC411": (
        "the module does not run what the agent built on",
        "read the source that runs now, and make the dry run again",
    ),
    "LC412": (
        "the file changed since the module was loaded from it",
        "look at the difference; --force overwrites what the file says",
    ),
    "LC413": ("the workers do not run the same source, so it is not clear what to save", "push to all, then save"),
    "LC414": (
        "the file or its folder cannot be read or written by the service",
        "let it, or apply the patch of `livecode diff --patch` yourself",
    ),
    "LC415": (
        "the module has no file, and it is not certain from which one it would be imported",
        "say which with --file, below a tracked folder",
    ),
    "LC416": (
        "Python could not read the source from a file again",
        "push it with a fitting encoding cookie, then save",
    ),
    "LC501": ("not a module name", "give a dotted name of identifiers, such as shop.pricing"),
    "LC502": (
        "`__main__` is the running script, which has no import name",
        "move the code into a module and push that",
    ),
    "LC503": ("the parent package is not loaded in the service", "push or import the package first"),
    "LC504": ("the module belongs to Python or to an installed package, not to the service", "--force, if it is meant"),
    "LC505": ("the source is not text that Python can compile", "send UTF-8 text without null bytes, at most 4 MiB"),
    "LC506": ("other modules still import the module", "change them first, or --force"),
    "LC507": ("the module is not loaded in the service", "look at %hotstatus for what is loaded"),
    "LC508": ("the module was not loaded from source", "push it under another name, or restart"),
    "LC509": ("nothing older is remembered", "push the source that you want"),
    "LC510": ("no statement makes a value of this name", "give the name that the report calls stale"),
}
"""Code → (what it means, the usual way out)."""


def refusal(
    code: str, what: str = "", *, way_out: str = "", module: str = "", line: int = 0, old_line: int = 0
) -> Refusal:
    """A refusal with this code; what is not given is taken from the table."""
    meaning, usual = CODES[code]
    return Refusal(code, what or meaning, way_out or usual, module, line, old_line)
