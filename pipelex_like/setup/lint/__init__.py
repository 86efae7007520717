"""What `validate` finds beyond what keeps a configuration from loading, and what it mends."""
