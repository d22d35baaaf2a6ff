"""Everything that `financeops up` starts, watches and stops."""
