"""The kernel under the dashboard."""

from __future__ import annotations

import os

from IPython import get_ipython


def end_when_served() -> None:
    """End this kernel if Voilà started it for one page; in JupyterLab it belongs to the user.

    For viewers who left without notice: a phone that lost its network, a browser that crashed.
    """
    shell = get_ipython()
    if shell is not None and "VOILA_BASE_URL" in os.environ:
        shell.exit_now = True
