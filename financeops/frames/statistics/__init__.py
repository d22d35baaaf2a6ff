"""Statistics on plain numbers; no frame is known here."""
