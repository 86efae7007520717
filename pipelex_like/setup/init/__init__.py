"""A first configuration, and what a further run adds to it."""
