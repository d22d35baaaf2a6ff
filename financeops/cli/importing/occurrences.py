"""How often each content came before in a file, in constant memory."""

from __future__ import annotations

import sqlite3

_CACHE_KIB = 32 * 1024


class Occurrences:
    """Counts keys. Those beyond its cache are in a temporary file."""

    def __init__(self) -> None:
        # An empty name makes a private temporary database, which is deleted when it is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
            "CREATE TABLE seen (key BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
            "BEGIN"
        )

    def count(self, key: bytes) -> int:
        """Count a key and return its count: 1 the first time."""
        row = self._database.execute("SELECT n FROM seen WHERE key = ?", (key,)).fetchone()
        if row is None:
            self._database.execute("INSERT INTO seen VALUES (?, 1)", (key,))
            return 1
        self._database.execute("UPDATE seen SET n = n + 1 WHERE key = ?", (key,))
        return int(row[0]) + 1

    def named(self, key: bytes) -> str:
        """Count a key and return its name: the key and its count."""
        return f"{key.hex()}:{self.count(key)}"

    def close(self) -> None:
        """Release the memory and the file."""
        self._database.close()
