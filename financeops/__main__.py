"""``python -m financeops`` is ``financeops``."""

from financeops.cli import app

app(prog_name="financeops")
