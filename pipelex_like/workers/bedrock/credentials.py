"""The ways in: a bearer token, a pair of access keys, or a profile of ~/.aws. The SDK signs.

How requests are signed: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from pipelex_like.errors import CapabilityError, CredentialsError
from pipelex_like.workers.bedrock.endpoint import region_of
from pipelex_like.workers.bedrock.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.workers.base import Access

_SERVICE = "bedrock"


class Signer(Protocol):
    """Says in headers who asks."""

    async def sign(self, url: str, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Give `headers` and those that authenticate this request."""
        ...


class _Bearer:
    def __init__(self, token: str) -> None:
        self._token = token

    async def sign(self, url: str, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        del url, content
        return {**headers, "Authorization": f"Bearer {self._token}"}


class _Keys:
    def __init__(self, keys: ReadOnlyCredentials, region: str) -> None:
        self._keys = keys
        self._region = region

    async def sign(self, url: str, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        return signed(self._keys, self._region, url, content, headers)


class _OfProfile:
    def __init__(self, profile: Profile, region: str) -> None:
        self._profile = profile
        self._region = region

    async def sign(self, url: str, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        return signed(await self._profile.keys(), self._region, url, content, headers)


def signed(
    keys: ReadOnlyCredentials, region: str, url: str, content: bytes, headers: Mapping[str, str]
) -> dict[str, str]:
    """Give `headers` with the signature over them, the URL and the content."""
    request = AWSRequest(method="POST", url=url, data=content, headers=dict(headers))
    auth: Any = SigV4Auth(keys, _SERVICE, region)
    auth.add_auth(request)
    return dict(request.headers.items())


def way_in(access: Access, url: str) -> Signer:
    """Choose as the SDK does: the token before the keys, the keys before the profile.

    Raises CredentialsError where there is none of them, CapabilityError for a token that would go out unencrypted.
    """
    token = access.text("aws_bearer_token")
    if token:
        _refuse_plain(access, url)
        return _Bearer(token)
    region = region_of(access)
    key, secret = access.text("aws_access_key_id"), access.text("aws_secret_access_key")
    if key and secret:
        return _Keys(ReadOnlyCredentials(key, secret, access.text("aws_session_token") or None), region)
    profile = access.text("aws_profile")
    if profile:
        return _OfProfile(Profile(profile, access, region), region)
    raise CredentialsError(f'backend "{access.backend}" has no way in. {ways_in(access)}')


def ways_in(access: Access) -> str:
    """Say which credentials are in use and where they come from, or which ones would do."""
    if access.text("aws_bearer_token"):
        return f"Check {_named(access, 'aws_bearer_token')}."
    if access.text("aws_access_key_id") and access.text("aws_secret_access_key"):
        names = ["aws_access_key_id", "aws_secret_access_key"]
        names += ["aws_session_token"] if access.text("aws_session_token") else []
        later = "Temporary keys (ASIA in front) need their session token, and end after some hours."
        return f"Check {', '.join(_named(access, name) for name in names)}. {later}"
    profile = access.text("aws_profile")
    if profile:
        return f'Check the profile "{profile}" in ~/.aws; where it signs in by SSO: aws sso login --profile {profile}.'
    pair = "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY"
    return f"Set AWS_BEARER_TOKEN_BEDROCK (a Bedrock API key), {pair}, or AWS_PROFILE (a profile of ~/.aws)."


def _named(access: Access, key: str) -> str:
    source = access.shown.get(key, "")
    return f"`{key}` (from {source})" if "${" in source else f"`{key}` of [{access.backend}]"


def _refuse_plain(access: Access, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme.lower() == "https" or _is_here(parts.hostname or ""):
        return
    told = f'backend "{access.backend}": a bearer token goes over https only, and `endpoint` begins with http://.'
    raise CapabilityError(f"{told} Write https:// there, or use access keys, which are not sent themselves.")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
