"""Azure's deployments of OpenAI models: chat completions and images."""
