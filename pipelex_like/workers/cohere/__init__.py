"""Cohere's models, through its OpenAI-compatible endpoint."""
