"""A TOML-configured inference routing framework: name a task, never a vendor."""
