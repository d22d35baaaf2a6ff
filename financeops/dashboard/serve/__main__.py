"""Entry point of ``python -m financeops.dashboard.serve``."""

import sys

from financeops.core.errors import Misconfigured
from financeops.dashboard.serve.app import main

try:
    main()
except Misconfigured as error:
    sys.exit(f"financeops: {error}")
