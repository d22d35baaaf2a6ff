"""The dashboard as a page: Voilà with forked kernels and a limited number of viewers.

``python -m financeops.dashboard.serve notebooks/dashboard.ipynb`` takes every option of Voilà.
"""

from financeops.jupyter import without_address_grammar

without_address_grammar()
