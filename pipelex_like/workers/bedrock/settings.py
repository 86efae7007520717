"""What `sdk = "bedrock"` asks of a backend's table."""

from __future__ import annotations

from pipelex_like.deck import SdkKey, SdkSettings

SETTINGS = SdkSettings(
    sdk="bedrock",
    keys=(
        SdkKey(name="aws_access_key_id", template="${AWS_ACCESS_KEY_ID}", secret=True),
        SdkKey(name="aws_secret_access_key", template="${AWS_SECRET_ACCESS_KEY}", secret=True),
        SdkKey(name="aws_session_token", template="${AWS_SESSION_TOKEN}", secret=True),
        SdkKey(name="aws_region", template="${AWS_REGION|AWS_REGION_NAME:-us-east-1}", public=True),
        SdkKey(name="aws_profile", template="${AWS_PROFILE|AWS_PROFILE_NAME}"),
        SdkKey(name="aws_bearer_token", template="${AWS_BEARER_TOKEN_BEDROCK}", secret=True),
        SdkKey(name="endpoint"),
    ),
    required=(("aws_bearer_token",), ("aws_access_key_id", "aws_secret_access_key"), ("aws_profile",)),
    names=("bedrock_boto3", "bedrock_aioboto3", "bedrock_aioboto", "bedrock_anthropic"),
    module="botocore",
    extra="bedrock",
    simulated=(
        ("aws_access_key_id", "{key}"),
        ("aws_secret_access_key", "{key}"),
        ("aws_region", "us-east-1"),
        # Empty: none of the person's own goes to the sandbox.
        ("aws_session_token", ""),
        ("aws_profile", ""),
        ("aws_bearer_token", ""),
    ),
    kinds=("llm",),
)
"""The settings, for the deck."""
