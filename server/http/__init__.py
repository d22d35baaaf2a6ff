"""What all routes share: requests read, answers written, refusals, limits, description."""
