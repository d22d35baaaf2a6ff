"""What payment providers send, as what is told of payments: pure functions, one module per provider."""
