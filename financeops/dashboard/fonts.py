"""The font of the theme, and who brings it to the browser."""

from pathlib import Path

THEME = Path(__file__).parent / "theme"
FONT = "fonts/inter-latin-wght-normal.woff2"
"""As the theme's stylesheet names it."""

IN_PAGE = "FINANCEOPS_FONT_IN_PAGE"
"""In the environment of a kernel whose page has the theme from its server, and the font in a file that browsers keep."""
