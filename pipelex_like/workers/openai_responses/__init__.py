"""OpenAI's responses protocol."""
