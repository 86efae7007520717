"""What the TOML tables may hold, and compile(): documents become a ModelDeck, with all problems at once."""
