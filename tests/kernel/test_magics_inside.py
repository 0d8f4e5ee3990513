"""The magics in a notebook that is inside a service: attached to all of it."""

from __future__ import annotations

from tests.kernel.inside import notebook_in, workers
from tests.services import Services

PRICING = "CACHE = []\ndef quote(x=1):\n    return x * 2\n"


def test_loading_is_attaching(services: Services) -> None:
    """%load_ext livecode says so, and a cell that runs in one worker pushes to all, its own included, and undoes it."""
    running = services.uvicorn("attached", {"pricing.py": PRICING}, "--workers", "2")
    first, second = workers("attached", 2)
    with notebook_in(first, "attached first") as notebook, notebook_in(second, "attached second") as other:
        loaded = notebook.run("%load_ext livecode")
        assert loaded.value.startswith("● ATTACHED  attached  2 workers on "), loaded
        pushed = notebook.run(f"%%hotpush pricing\n{PRICING.replace('2', '3')}")
        assert "✔ LIVE  pricing  v1 → v2" in pushed.value
        assert "2/2 workers" in pushed.value
        for inside in (notebook, other):
            assert inside.run("import pricing; pricing.quote(1)").value == "3"
        assert running.get("pricing.quote(1)") == "3"
        assert "NOT SENT" in notebook.run("%%hotpush pricing\ndef quote(:\n").value
        assert "✔ LIVE  undo pricing" in notebook.run("%hotundo").value
        assert "pricing" in notebook.run("%hotstatus").value
        evaluated = notebook.run("%hoteval --all print('looking') or pricing.quote(1)")
        assert "all 2 say the same" in evaluated.value
        assert "looking" in evaluated.value
        assert notebook.run("%hoteval print('once')").printed == "once\n"
        assert notebook.run("print('still here')").printed == "still here\n"
        on_loop = "%%hoteval\nimport asyncio, threading\nawait asyncio.sleep(0)\nthreading.current_thread().name"
        assert notebook.run(on_loop).value == "'MainThread'"
        assert other.run("%load_ext livecode").value.startswith("● ATTACHED  attached")
        assert other.run("pricing.quote(1)").value == "2"
