"""HTML that is safe by construction, and the small drawings in it."""
