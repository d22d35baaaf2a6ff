"""Webhooks: which provider sent a body, what it tells, and what becomes of it."""
