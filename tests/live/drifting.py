"""A module whose file is edited between its import and the moment in which tracking begins; in a forked process."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any


def drifted(old: str, new: str, bytecode: bool) -> dict[str, Any]:
    """What a push says of a module that was imported as `old`, and whose file says `new` by then."""
    import livecode

    sys.dont_write_bytecode = not bytecode
    folder = Path(tempfile.mkdtemp(prefix="drift"))
    (folder / "m.py").write_text(old)
    sys.path.insert(0, str(folder))
    __import__("m")
    (folder / "m.py").write_text(new)
    livecode.track(folder)
    report = livecode.push({"m": new + "ADDED = 1\n"})
    refused = [item for outcome in report.outcomes for item in outcome.refusals]
    return {"codes": [item.code for item in refused], "said": " ".join(item.what for item in refused)}
