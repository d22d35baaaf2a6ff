"""HTML that is safe by construction, and small drawings."""
