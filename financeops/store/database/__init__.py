"""The database itself: connection, schema, sessions, transactions."""
