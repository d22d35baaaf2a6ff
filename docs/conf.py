# ruff: noqa: INP001 - Sphinx runs this file; it is in no package
"""How the documentation is built: `make docs`. Pages make no request to another host."""

from pathlib import Path

_HERE = Path(__file__).parent
_NOTEBOOKS = _HERE.parent / "notebooks"
_TUTORIALS = _HERE / "tutorials"

project = "FinanceOps"
author = "FinanceOps contributors"
project_copyright = "FinanceOps contributors"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "tutorials/dashboard.ipynb"]  # that one is an application, no text

# Docstrings are numpydoc; a name in single backquotes is looked for among the documented ones.
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
default_role = "py:obj"
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
add_module_names = False  # readers write fo.metrics; headings name the modules of the others
# Names of ours must lead somewhere. Others (`window`, `polars.DataFrame`) have no page here, and the
# build asks no other host for theirs.
nitpick_ignore_regex = [("py:.*", r"(?!financeops\.).*")]

myst_enable_extensions = []
myst_heading_anchors = 3
# Notebooks run in tests/notebooks; in git and here they are without outputs.
nb_execution_mode = "off"

html_theme = "furo"
html_title = "FinanceOps"
html_copy_source = False
html_show_sourcelink = False


def _copy_notebooks() -> None:
    """Sphinx reads only what lies below its folder."""
    _TUTORIALS.mkdir(exist_ok=True)
    wanted = {path.name: path.read_bytes() for path in _NOTEBOOKS.glob("*.ipynb")}
    for old in _TUTORIALS.glob("*.ipynb"):
        if old.name not in wanted:
            old.unlink()
    for name, content in wanted.items():
        copy = _TUTORIALS / name
        # What did not change is not built again.
        if not copy.exists() or copy.read_bytes() != content:
            copy.write_bytes(content)


_copy_notebooks()
