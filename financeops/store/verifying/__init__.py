"""Recompute kept rollups and displayed figures from the payments, and repair them."""
