"""Entry point of ``python -m financeops.cli.lab``, which takes every option of JupyterLab."""

import sys

from jupyterlab.labapp import main

sys.exit(main())
