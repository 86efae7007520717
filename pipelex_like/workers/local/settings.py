"""What `sdk = "local"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="local",
    keys=(
        SdkKey(name="model_path", path=True),
        SdkKey(name="context_size", scalar="int", public=True),
        SdkKey(name="cache_dir", template="${PIPELEX_LIKE_CACHE_DIR}"),
        SdkKey(name="user_cache_dir", template="${XDG_CACHE_HOME|LOCALAPPDATA}"),
    ),
    module="xllamacpp",
    extra="local",
    sends_requests=False,
    kinds=("llm",),
)
"""The settings, for the deck."""
