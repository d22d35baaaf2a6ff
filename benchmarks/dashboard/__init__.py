"""Measure the time from an event to the pixel, in a real browser: ``python -m benchmarks.dashboard``."""
