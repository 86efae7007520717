"""Azure's deployments of OpenAI models: responses."""
