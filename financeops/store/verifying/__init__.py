"""Recomputing what is kept and shown from the payments, and repairing it."""
