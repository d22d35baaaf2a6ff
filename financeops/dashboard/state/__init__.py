"""What the dashboard knows and how it stays true. No widgets, no HTML."""
