"""What `sdk = "azure_openai_responses"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="azure_openai_responses",
    keys=(
        SdkKey(name="api_key", template="${AZURE_API_KEY}", secret=True),
        SdkKey(name="endpoint", template="${AZURE_API_BASE}"),
        SdkKey(name="api_version", template="${AZURE_API_VERSION:-2025-04-01-preview}", public=True),
    ),
    required=(("api_key", "endpoint"),),
    module="openai",
    extra="openai",
    kinds=("llm",),
)
"""The settings, for the deck."""
