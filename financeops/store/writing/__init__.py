"""The ledger: one transaction per group of operations."""
