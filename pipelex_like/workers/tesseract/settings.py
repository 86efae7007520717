"""What `sdk = "tesseract"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="tesseract",
    keys=(SdkKey(name="languages", public=True),),
    sends_requests=False,
    kinds=("extract",),
)
"""The settings, for the deck."""
