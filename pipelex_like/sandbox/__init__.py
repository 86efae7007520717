"""A simulated provider on loopback that speaks the providers' wire formats and fails on demand."""
