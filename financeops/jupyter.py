"""What programs of Jupyter do without, so that they start sooner."""

import sys


def without_address_grammar() -> None:
    """Keep jsonschema from compiling the grammar of international addresses, before anything imports it.

    That takes longer than to import all the rest of JupyterLab, and nothing in Jupyter is checked
    by it. Where the grammar is not installed jsonschema does without; this looks as if it were not.
    """
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
