"""Statistics on plain numbers, independent of data frames."""
