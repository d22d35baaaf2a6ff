"""The `financeops` command, also where only a part of the package is installed."""

from __future__ import annotations


def main() -> None:
    """Run the command; without the libraries that it needs, say how to install them."""
    try:
        from financeops.cli import app  # noqa: PLC0415 - it imports them
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "financeops":
            raise
        raise SystemExit(
            f"financeops: {error.name} is not installed: pip install 'financeops[all]' installs all "
            "that the command needs"
        ) from None
    app(prog_name="financeops")


if __name__ == "__main__":
    main()
