"""The live dashboard: ipywidgets and bqplot over a model that follows the stream.

The public names, which ``__init__.pyi`` lists, are imported on first use, so that a process that only
serves dashboards loads no widgets.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
