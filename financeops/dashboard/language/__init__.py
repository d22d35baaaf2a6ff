"""What viewers read: words in their language, numbers and times in their locale."""
