"""The dashboard as a page: Voilà with kernels that are forks, a number of viewers, and an end.

``python -m financeops.dashboard.serve notebooks/dashboard.ipynb`` takes every option of Voilà.
"""

import sys

# jsonschema, which Jupyter's events come with, would compile the grammar of international addresses: that takes
# longer than to import all the rest, and nothing here is checked by it. Without it jsonschema does without.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
