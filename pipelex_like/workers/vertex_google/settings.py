"""What `sdk = "vertex_google"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="vertex_google",
    keys=(
        SdkKey(name="gcp_project_id", template="${GCP_PROJECT_ID|VERTEXAI_PROJECT}", public=True),
        SdkKey(name="gcp_location", template="${GCP_LOCATION|VERTEXAI_LOCATION}", public=True),
        SdkKey(
            name="gcp_credentials_file_path",
            path=True,
            public=True,
            template="${GCP_CREDENTIALS_FILE_PATH|GOOGLE_APPLICATION_CREDENTIALS}",
        ),
        SdkKey(name="gcp_access_token", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("gcp_project_id", "gcp_location"),),
    module="google.genai",
    extra="vertexai",
    simulated=(("gcp_project_id", "sandbox"), ("gcp_location", "us-central1"), ("gcp_access_token", "{key}")),
    kinds=("llm", "img_gen"),
)
"""The settings, for the deck."""
