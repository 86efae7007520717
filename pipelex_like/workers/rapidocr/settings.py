"""What `sdk = "rapidocr"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkSettings

SETTINGS = SdkSettings(sdk="rapidocr", module="rapidocr", extra="rapidocr", sends_requests=False, kinds=("extract",))
"""The settings, for the deck: nothing is asked."""
