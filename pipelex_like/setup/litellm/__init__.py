"""LiteLLM's `config.yaml`, written as a directory of ours."""
