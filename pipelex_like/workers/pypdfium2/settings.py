"""What `sdk = "pypdfium2"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkSettings

SETTINGS = SdkSettings(
    sdk="pypdfium2",
    module="pypdfium2",
    sends_requests=False,
    kinds=("extract",),
)
"""The settings, for the deck."""
