"""Payments and figures, read from one consistent moment."""
