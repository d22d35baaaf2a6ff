"""Files of payments: read, understood row by row, and sent to the server."""
