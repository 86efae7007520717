"""Gemini on Google's Vertex AI."""
