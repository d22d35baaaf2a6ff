# ruff: noqa: INP001 - Sphinx runs this file, which is in no package
"""Configure how `make docs` builds the documentation. Its pages make no request to another host."""

import shutil
import sys
import tarfile
from pathlib import Path

from financeops.jupyter import without_address_grammar

# Before an extension imports jsonschema.
without_address_grammar()

_HERE = Path(__file__).parent
_TUTORIALS = _HERE / "tutorials"
_BUILD = _HERE / "_build"
_STATIC = _BUILD / "static"
_NOTEBOOKS = _HERE.parent / "notebooks"

project = "FinanceOps"
author = "FinanceOps contributors"
project_copyright = "FinanceOps contributors"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "tutorials/dashboard.ipynb"]  # an application, not a text

# Docstrings are numpydoc; a name in single backquotes links to its documentation.
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
default_role = "py:obj"
autodoc_typehints = "none"  # docstrings give types in words
autodoc_member_order = "bysource"
add_module_names = False  # readers write fo.metrics; headings name the modules of the others
# Links to names of this project must resolve. Others (`window`, `polars.DataFrame`) have no page here,
# and the build asks no other host for theirs.
nitpick_ignore_regex = [("py:.*", r"(?!financeops\.).*")]

myst_enable_extensions = []
myst_heading_anchors = 3
# Notebooks in git have no outputs; docs/build.py has run them.
nb_execution_mode = "off"
nb_merge_streams = True
# Charts are drawn as in JupyterLab, by files that are part of these pages (`_copy_widgets`).
nb_ipywidgets_js = {
    f"widgets/{name}": {} for name in ("require.min.js", "places.js", "embed-amd.js")
}
html_static_path = ["_build/static"]

html_theme = "furo"
html_title = "FinanceOps"
html_copy_source = False
html_show_sourcelink = False


def _copy_notebooks() -> None:
    """Copy the notebooks below Sphinx's folder: it reads nothing else."""
    _TUTORIALS.mkdir(exist_ok=True)
    folders = [_NOTEBOOKS]
    if "executed" in tags:  # type: ignore[name-defined]  # noqa: F821 - tags that Sphinx was called with (-t)
        folders.append(_BUILD / "executed")
    wanted = {path.name: path.read_bytes() for each in folders for path in each.glob("*.ipynb")}
    for old in _TUTORIALS.glob("*.ipynb"):
        if old.name not in wanted:
            old.unlink()
    for name, content in wanted.items():
        copy = _TUTORIALS / name
        # Sphinx does not build unchanged files again.
        if not copy.exists() or copy.read_bytes() != content:
            copy.write_bytes(content)


def _copy_widgets() -> None:
    """Copy the files that draw widgets, from installed packages and from what `make docs` fetched."""
    widgets = _STATIC / "widgets"
    widgets.mkdir(parents=True, exist_ok=True)
    jupyter = Path(sys.prefix) / "share" / "jupyter"
    voila = jupyter / "voila" / "templates" / "base" / "static"
    shutil.copy(voila / "require.min.js", widgets)
    for name in ("anywidget", "bqplot", "bqscales"):
        shutil.copy(jupyter / "nbextensions" / name / "index.js", widgets / f"{name}.js")
    (widgets / "places.js").write_text(
        "require.config({ baseUrl: document.documentElement.dataset.content_root + '_static/widgets' });\n"
    )
    # It looks for the fonts of its icons in both places.
    scope = widgets / "@jupyter-widgets"
    fonts = [scope, scope / "html-manager" / "dist"]
    for place in fonts:
        place.mkdir(parents=True, exist_ok=True)
    for package in _BUILD.glob("jupyter-widgets-html-manager-*.tgz"):
        with tarfile.open(package) as files:
            for member in files:
                name = Path(member.name).name
                places = [widgets] if name == "embed-amd.js" else fonts
                if name == "embed-amd.js" or name.endswith(".woff2"):
                    content = files.extractfile(member)
                    assert content is not None
                    data = content.read()
                    for place in places:
                        (place / name).write_bytes(data)


_copy_notebooks()
_copy_widgets()
