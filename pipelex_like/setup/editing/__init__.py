"""Changes to the files of a configuration, that keep what they do not mean to change."""
