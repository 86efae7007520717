"""What `sdk = "openai"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

# No template for the key: many vendors share this protocol, and none may be handed OpenAI's key by default.
SETTINGS = SdkSettings(
    sdk="openai",
    keys=(
        SdkKey(name="api_key", secret=True),
        SdkKey(name="endpoint"),
        SdkKey(name="organization"),
        SdkKey(name="project", public=True),
    ),
    required=(("api_key",),),
    names=("openai_img_gen", "openai_alt_img_gen", "portkey_completions"),
    module="openai",
    extra="openai",
    kinds=("llm", "img_gen"),
)
"""The settings, for the deck."""
