"""Payments as Arrow tables: the canonical table, and the columns of exports."""
