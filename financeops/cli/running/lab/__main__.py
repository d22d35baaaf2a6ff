"""Entry point of ``python -m financeops.cli.running.lab``, which takes every option of JupyterLab."""

import os
import sys

from jupyter_core.paths import jupyter_runtime_dir
from jupyterlab.labapp import main

from financeops.jupyter import LONGEST, socket_folder

if len(os.fsencode(jupyter_runtime_dir())) > LONGEST:
    with socket_folder() as folder:
        os.environ["JUPYTER_RUNTIME_DIR"] = str(folder)
        sys.exit(main())
sys.exit(main())
