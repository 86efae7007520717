"""Hugging Face's inference client: pictures."""
