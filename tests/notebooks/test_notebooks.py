"""Every notebook runs from top to bottom, its assertions hold (nbval), against a real server."""

import subprocess
import sys

import pytest

from tests.database import fresh_name, with_database
from tests.processes import ROOT, environment, start_server

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def server_url(mongodb_uri, tmp_path_factory):
    server = start_server(with_database(mongodb_uri, fresh_name()), simulate=True)
    yield server.url
    server.stop()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook, server_url):
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", notebook],
        env=environment({"url": server_url}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_notebooks():
    assert NOTEBOOKS
