"""What `sdk = "anthropic"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="anthropic",
    keys=(
        SdkKey(name="api_key", template="${ANTHROPIC_API_KEY}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    module="anthropic",
    extra="anthropic",
    kinds=("llm",),
)
"""The settings, for the deck."""
