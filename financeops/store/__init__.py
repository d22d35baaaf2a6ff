"""MongoDB: the only package that uses pymongo. Driver errors never leave it."""
