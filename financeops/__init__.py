"""Live payment analytics that begin in a notebook.

The public names, which ``__init__.pyi`` lists, are imported when they are first used: ``import financeops`` costs nothing.
"""

from __future__ import annotations

import lazy_loader

_first_use, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":  # said once, in pyproject.toml
        from importlib.metadata import version  # noqa: PLC0415 - slow

        return version(__name__)
    return _first_use(name)
