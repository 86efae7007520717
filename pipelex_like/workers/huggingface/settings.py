"""What `sdk = "huggingface"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="huggingface",
    keys=(
        SdkKey(
            name="api_key", template="${HUGGINGFACE_API_KEY|HUGGINGFACEHUB_API_TOKEN|HUG_API_KEY|HF_TOKEN}", secret=True
        ),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    names=("huggingface_img_gen",),
    module="huggingface_hub",
    extra="huggingface",
    kinds=("llm", "img_gen"),
)
"""The settings, for the deck."""
