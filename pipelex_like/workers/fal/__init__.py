"""fal: pictures through a queue."""
