"""The stream: from the change log to every client."""
