"""Chat completions and images, as OpenAI and many others offer them."""
