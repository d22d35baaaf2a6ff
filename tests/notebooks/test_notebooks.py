"""The form of notebooks, and the one about scale with PySpark."""

import json
import subprocess
import sys

import pytest

from tests.frames.conftest import HAS_SPARK, NO_SPARK
from tests.processes import ROOT, environment

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_CELLS = 8
MOST_LINES = 30
"""Limits of code: more belongs in the package."""


def code_of(notebook):
    """The code cells: lists of lines."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell["source"] for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.spark
@pytest.mark.skipif(not HAS_SPARK, reason=NO_SPARK)
def test_the_notebook_about_scale_gets_the_same_from_pyspark():
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout"),
            ROOT / "notebooks" / "scale.ipynb",
        ],
        env=environment({}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "PySpark says the same." in ran.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_short_and_checks_itself(notebook):
    cells = code_of(notebook)
    assert len(cells) <= MOST_CELLS
    assert max(map(len, cells)) <= MOST_LINES
    assert any(line.lstrip().startswith("assert ") for cell in cells for line in cell)


def test_five_cells_lead_from_the_import_to_the_cause_of_a_drop():
    cells = code_of(ROOT / "notebooks" / "explore.ipynb")
    assert cells[0][0] == "import financeops as fo\n"
    assert len(cells) == 5
