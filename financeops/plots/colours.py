"""Colours with a contrast of at least 3 to 1 on white and on black."""

PLAIN = "#4f7df9"
GOOD = "#12996b"
BAD = "#e5484d"
QUIET = "#7d879c"

SERIES = (PLAIN, GOOD, "#c2700c", "#9b5de5", "#0e93a8", "#d6418f", QUIET)
"""One for each line of a chart, in this order."""

SHADES = ("#dfe7ff", "#4f7df9", "#1c3a94")
"""From low to high; values are also written as text, so nothing depends on colour alone."""
