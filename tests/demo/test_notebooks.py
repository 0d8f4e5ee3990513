"""The notebooks, executed for real, as anybody would run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from livecode.demo.service import served
from livecode.demo.spoken import spoken, text_of
from livecode.demo.workspace import Workspace, find_notebook, workspace

NOTEBOOKS = sorted(find_notebook().parent.glob("*.ipynb"))


@pytest.fixture(scope="module")
def space() -> Iterator[Workspace]:
    """The running shop that the notebook pushes to."""
    with workspace(0, alone=True) as made, served(made):
        yield made


@pytest.fixture(scope="module")
def executed(space: Workspace) -> Any:
    """The notebook after all its cells, run by nbclient alone."""
    notebook = nbformat.read(space.notebook, as_version=4)
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": space.folder}})
    return client.execute(env=space.jupyter_environment())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_committed_notebooks_are_valid_and_clean(path: Path) -> None:
    """No outputs, no execution counts, no path of somebody's machine."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert "/home/" not in path.read_text("utf-8")


def test_every_cell_speaks_the_verdict_it_announces(executed: Any) -> None:
    """The verdict in a cell's metadata is the one in its output.

    What a watch says belongs to the cell that started it, and is not part of this.
    """
    announced = [cell for cell in executed.cells if "expect" in cell.metadata.get("livecode", {})]
    magics = [cell for cell in announced if cell.source.startswith("%")]
    assert len(magics) >= 8
    found = {cell.id: [item.verdict.value for item in spoken(cell.outputs)] for cell in magics}
    assert found == {cell.id: [cell.metadata["livecode"]["expect"]] for cell in magics}


def test_verdicts_have_html(executed: Any) -> None:
    """In a notebook, every verdict is also there as HTML, and the plain text stays complete."""
    for cell in executed.cells:
        if "expect" in cell.metadata.get("livecode", {}) and cell.source.startswith("%"):
            (data,) = [output["data"] for output in cell.outputs if "data" in output]
            assert cell.metadata["livecode"]["expect"] in data["text/html"]


def test_nothing_is_printed_to_stderr(executed: Any) -> None:
    """No warning, no traceback: not even where a push fails."""
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    noise = [text_of(output) for output in outputs if output.get("name") == "stderr"]
    assert noise == []
    assert [output for output in outputs if output["output_type"] == "error"] == []
