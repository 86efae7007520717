"""What `sdk = "mistral"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="mistral",
    keys=(
        SdkKey(name="api_key", template="${MISTRAL_API_KEY}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    module="mistralai",
    extra="mistral",
    kinds=("llm", "extract"),
)
"""The settings, for the deck."""
