"""What `sdk = "rapidocr"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="rapidocr",
    keys=(SdkKey(name="languages", public=True),),
    module="rapidocr",
    extra="rapidocr",
    sends_requests=False,
)
"""The settings, for the deck."""
