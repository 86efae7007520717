"""What is installed, set and on, and whether the providers answer."""
