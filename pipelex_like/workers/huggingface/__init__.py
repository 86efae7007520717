"""Hugging Face: text through its router, pictures through the providers behind it."""
