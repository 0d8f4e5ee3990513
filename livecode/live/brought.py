"""Modules that are not loaded, and that the import statements of a push load from their files.

Such a module takes what it needs from modules as they are: nothing that is still on the stage. So what imports it has
to wait until the rest is visible, as it does for modules that the push itself brings in.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from types import ModuleType

from livecode.engine.facts import absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.names import Imported
from livecode.live.running import is_foreign, package_of


def brought_in(module: ModuleType, forms: Iterable[Form]) -> set[str]:
    """The modules of the service's own that the import statements of a module load first, by dotted name.

    Args:
        module: The module.
        forms: Those that are new in its source to come; what the others import was loaded when they ran.
    """
    missing = {
        name
        for form in forms
        if form.kind is Kind.IMPORT
        for item in form.names.imports
        for name in _missing(package_of(module), item)
    }
    if missing:
        importlib.invalidate_caches()  # their files may be younger than what finders know of the folder
    return {name for name in missing if _is_own(name)}


def _missing(package: str, item: Imported) -> Iterator[str]:
    """The module that an import names, and what it takes from it, where neither is loaded."""
    name = absolute(package, item.module, item.level)
    home = sys.modules.get(name)
    if home is None:
        yield name
    elif isinstance(item.name, str) and item.name != "*" and item.name not in home.__dict__:
        if hasattr(home, "__path__") and f"{name}.{item.name}" not in sys.modules:
            yield f"{name}.{item.name}"


def _is_own(name: str) -> bool:
    top, _, rest = name.partition(".")
    home = sys.modules.get(top)
    if home is None:
        spec = PathFinder.find_spec(top)
        return spec is not None and not is_foreign(spec.origin or "")
    return bool(rest) and not is_foreign(getattr(home, "__file__", None) or "")
