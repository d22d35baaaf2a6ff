"""JupyterLab as ``up`` runs it."""

from financeops.jupyter import without_address_grammar

without_address_grammar()
