"""Policies around a worker call: what follows an error, and deadlines."""
