"""Claude on Google's Vertex AI."""
