"""The theme and its font, and who brings them to the browser."""

from pathlib import Path

THEME = Path(__file__).parent / "theme"
FONT = "fonts/inter-latin-wght-normal.woff2"
"""As the theme's stylesheet names it."""

IN_PAGE = "FINANCEOPS_IN_PAGE"
"""In the environment of a kernel whose page has the theme and scripts from its server, in files that browsers keep."""
