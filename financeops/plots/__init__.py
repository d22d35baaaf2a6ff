"""Charts for notebooks, from plain columns: readable on a light and a dark page.

They are bqplot figures: axes and texts have the colours of the page. Change the data of a mark later
to update the chart.
"""

from financeops.plots.charts import bars, heat, lines
from financeops.plots.colours import BAD, GOOD, PLAIN, QUIET

__all__ = ["BAD", "GOOD", "PLAIN", "QUIET", "bars", "heat", "lines"]
