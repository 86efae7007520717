"""What `sdk = "cohere"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="cohere",
    keys=(
        SdkKey(name="api_key", template="${COHERE_API_KEY}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    module="openai",
    extra="cohere",
    kinds=("llm",),
)
"""The settings, for the deck."""
