"""Charts for notebooks, from plain columns: readable on a light and a dark page.

They are bqplot figures: axes and words have the colours of the page, and what is drawn may be
changed later, so that a chart can live.
"""

from financeops.plots.charts import bars, heat, lines
from financeops.plots.colours import BAD, GOOD, PLAIN, QUIET

__all__ = ["BAD", "GOOD", "PLAIN", "QUIET", "bars", "heat", "lines"]
