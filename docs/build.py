"""Build the pages, by default in `docs/_build/html`, after running the tutorials against a server of their own."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from financeops.cli.running.addresses import free_port
from financeops.jupyter import without_address_grammar

without_address_grammar()

import nbformat  # noqa: E402 - it imports jsonschema
from nbclient import NotebookClient  # noqa: E402

_DOCS = Path(__file__).parent
_NOTEBOOKS = _DOCS.parent / "notebooks"
_EXECUTED = _DOCS / "_build" / "executed"
_STATE = "application/vnd.jupyter.widget-state+json"


@contextmanager
def _server() -> Iterator[str]:
    """Start a server with live payments and some of the last month, and return its URL."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "financeops",
            "up",
            "--no-dashboard",
            "--no-lab",
            "--no-seed",
        ]
        up = subprocess.Popen(  # noqa: S603 - a program of this project
            [*command, "--port", str(free_port()), "--data-dir", folder],
            env={**os.environ, "FINANCEOPS_SIMULATE_INTERVAL": "1"},
            cwd=folder,  # without the `.env` of the person who builds
            stdout=subprocess.PIPE,
            text=True,
        )
        assert up.stdout is not None
        try:
            output = ""
            for line in up.stdout:
                output += line
                if "Ctrl-C stops everything" in line:
                    break
            found = re.search(r"API +(http://\S+?)/docs", output)
            if found is None:
                sys.exit(f"the server of the tutorials did not start:\n{output}")
            httpx.post(f"{found[1]}/payments/seed", timeout=60).raise_for_status()
            yield found[1]
        finally:
            up.terminate()
            up.communicate(timeout=60)


def _execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook and return it with its outputs.

    The state of widgets is taken at the end: what a background task does to them is in no cell's output, and nbclient (so
    myst-nb too) looks only there.
    """
    notebook = nbformat.read(path, as_version=4)
    print_state = (
        "import json, ipywidgets; print(json.dumps(ipywidgets.Widget.get_manager_state()))"
    )
    notebook.cells.append(nbformat.v4.new_code_cell(print_state))
    client = NotebookClient(notebook, timeout=600, store_widget_state=False)
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
    state = json.loads("".join(output["text"] for output in notebook.cells.pop().outputs))
    notebook.metadata["widgets"] = {_STATE: state}
    return notebook


def main() -> int:
    """Run the notebooks named (all tutorials by default), then Sphinx."""
    tutorials = sorted({path.stem for path in _NOTEBOOKS.glob("*.ipynb")} - {"dashboard"})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", default=tutorials)
    parser.add_argument("--output", type=Path, default=_DOCS / "_build" / "html")
    options = parser.parse_args()
    with _server() as url, tempfile.TemporaryDirectory() as cache:
        os.environ.update(FINANCEOPS_URL=url, FINANCEOPS_CACHE_DIR=cache)
        _EXECUTED.mkdir(parents=True, exist_ok=True)
        for name in options.notebooks:
            nbformat.write(_execute(_NOTEBOOKS / f"{name}.ipynb"), _EXECUTED / f"{name}.ipynb")
    sphinx = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "-t", "executed", "-b", "html"]
    return subprocess.run([*sphinx, _DOCS, options.output], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
