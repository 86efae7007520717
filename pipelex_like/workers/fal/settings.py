"""What `sdk = "fal"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="fal",
    keys=(
        SdkKey(name="api_key", template="${FAL_API_KEY|FAL_KEY}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    module="fal_client",
    extra="fal",
    kinds=("img_gen",),
    has_jobs=True,
)
"""The settings, for the deck."""
