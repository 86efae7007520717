"""What `sdk = "openai_responses"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

# No template for the key, as for `openai`.
SETTINGS = SdkSettings(
    sdk="openai_responses",
    keys=(
        SdkKey(name="api_key", secret=True),
        SdkKey(name="endpoint"),
        SdkKey(name="organization"),
        SdkKey(name="project", public=True),
    ),
    required=(("api_key",),),
    names=("portkey_responses",),
    module="openai",
    extra="openai",
    kinds=("llm",),
)
"""The settings, for the deck."""
