"""Payments of a simulated business. Pure: the caller passes seed and clock."""
