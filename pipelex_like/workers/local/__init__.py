"""A model that runs in this process, by llama.cpp."""
