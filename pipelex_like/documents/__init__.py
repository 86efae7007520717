"""Find, read and merge TOML files with provenance; find lines for problems. Knows TOML, knows no meaning."""
