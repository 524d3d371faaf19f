"""The notebook runs from its first cell to its last, and is kept without outputs."""

import os
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "examples/notebook/from-backbone-to-model.ipynb"
nbformat = pytest.importorskip("nbformat", reason="pip install nbclient ipykernel")
nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")


@pytest.mark.slow
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "EPOCHS", "1")
    notebook = nbformat.read(PATH, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = str([cell.get("outputs") for cell in notebook.cells])
    assert "(3, 384)" in said
    assert "(3, 4)" in said
    assert said.count("image/png") == 2
    assert (tmp_path / "run/report.html").is_file()
