"""Texts in the viewer's language; numbers and times in the viewer's locale."""
