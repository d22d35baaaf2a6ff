"""MongoDB: the only place that knows pymongo. Driver errors never leave it."""
