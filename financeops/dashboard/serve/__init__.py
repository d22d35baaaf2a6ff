"""The dashboard as a page: Voilà with kernels that are forks, a number of viewers, and an end.

``python -m financeops.dashboard.serve notebooks/dashboard.ipynb`` takes every option of Voilà.
"""

from financeops.jupyter import without_address_grammar

without_address_grammar()
