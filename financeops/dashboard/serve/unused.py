"""Leave out what Voilà's page would load and run, and the dashboard never uses: editors, notebooks, formulas.

Voilà shows any notebook. Its script and the extensions share packages by name; in the place of one that is left
out comes an empty one, which has no plugins, and whose other names are of nothing: extensions ask for some of them.
"""

from __future__ import annotations

import re

PACKAGES = (
    "@jupyterlab/codemirror",
    "@jupyterlab/codemirror-extension",
    "@jupyterlab/console",
    "@jupyterlab/javascript-extension",
    "@jupyterlab/json-extension",
    "@jupyterlab/logconsole",
    "@jupyterlab/mainmenu",
    "@jupyterlab/markedparser-extension",
    "@jupyterlab/mathjax-extension",
    "@jupyterlab/mathjax2-extension",
    "@jupyterlab/notebook",
    "@jupyterlab/vega5-extension",
    "@lumino/datagrid",
)

_EMPTY = """\
const financeopsEmpty = () => new Proxy({ __esModule: true, default: [] }, {
  get: (known, name) => (name === "then" || typeof name === "symbol" ? undefined : (known[name] ??= class {})),
});
"""
_LOADS = r"\(\(\)=>(?:Promise\.all\(\[[^\]]*\]\)|\w\.e\(\d+\))\.then\(\(\(\)=>\(\)=>\w\(\d+\)\)\)\)"
"""How webpack loads a shared package: its pieces, and then the module in them."""


def without(script: str) -> str:
    """Return Voilà's script, sharing empty packages in the place of `PACKAGES`.

    A package that this version does not share in the known way stays as it is.
    """
    names = "|".join(map(re.escape, PACKAGES))
    shared = re.compile(rf'(\w\("(?:{names})","[^"]*",){_LOADS}')
    return _EMPTY + shared.sub(r"\1(async()=>financeopsEmpty)", script)
