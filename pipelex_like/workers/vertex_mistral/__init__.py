"""Mistral models on Google's Vertex AI."""
