"""What a viewer's kernel imports: memory counts once per viewer."""

import subprocess
import sys

import pytest

import financeops

# bqplot and its scales import pandas, and pandas imports pyarrow; this package does not.
SCRIPT = """
import builtins, sys
real = builtins.__import__
found = []
def watch(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if importer.startswith("financeops") and name.partition(".")[0] in {"pandas", "pyarrow"}:
        found.append(importer)
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = watch
import financeops.dashboard
financeops.dashboard.Dashboard()
never = {"pymongo", "bson", "fastapi", "starlette", "pydantic", "polars", "uvicorn",
         "duckdb", "narwhals", "typer", "rich", "psutil", "matplotlib", "server"}
print(sorted(found), sorted(never & set(sys.modules)))
"""


def run(script):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_dashboard_imports_nothing_that_a_viewer_does_not_need():
    assert run(SCRIPT) == "[] []"


@pytest.mark.parametrize(
    ("ours", "jupyters"),
    [
        ("financeops.cli.running.lab", "jupyterlab.labapp"),
        ("financeops.dashboard.serve", "voila.app"),
    ],
)
def test_a_jupyter_server_compiles_no_grammar_before_it_answers(ours, jupyters):
    script = (
        f"import sys, {ours}, {jupyters}; print('jsonschema' in sys.modules, 'lark' in sys.modules)"
    )
    assert run(script) == "True False"


def test_importing_financeops_imports_nothing_else():
    script = (
        "import sys, financeops; print([m for m in sys.modules if m.startswith('financeops.')])"
    )
    assert run(script) == "[]"


def test_every_public_name_exists():
    for name in financeops.__all__:
        assert getattr(financeops, name) is not None
    assert set(financeops.__all__) == set(dir(financeops))
