"""Payments of a simulated business. Pure: the caller gives seed and clock."""
