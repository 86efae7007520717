"""Set up, edit, examine and carry over a configuration: what the commands do, for programs too."""
