"""What `sdk = "google"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="google",
    keys=(
        SdkKey(name="api_key", template="${GOOGLE_API_KEY|GEMINI_API_KEY|GOOGLE_AI_STUDIO_API_KEY}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("api_key",),),
    module="google.genai",
    extra="google",
    kinds=("llm", "img_gen"),
)
"""The settings, for the deck."""
