"""POST /token: access tokens of Google Cloud for a service account's signature or a refresh token.

Known from documentation: https://developers.google.com/identity/protocols/oauth2/service-account#httprest (the claims,
what is checked, the errors), https://datatracker.ietf.org/doc/html/rfc7523 and rfc6749#section-5.2. Here the refresh
token is the sandbox's own key, and a token is good until the sandbox ends.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.accounts import LIFETIME
from pipelex_like.sandbox.formats.base import Dialect, Refusal, json_reply
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GOOGLES = "https://oauth2.googleapis.com/token"
_SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/cloud-platform.read-only",
)
_LONGEST = 3600
_SKEW = 300


def _error(refusal: Refusal) -> bytes:
    code = refusal.code or ("invalid_request" if refusal.status < 500 else "internal_failure")
    return orjson.dumps({"error": code, "error_description": refusal.message})


TOKEN = Dialect(credential=lambda _: None, error=_error, stream_error=_error)


def answer_token(call: Call) -> Reply:
    """Give an access token."""
    grant = _field(call, "grant_type")
    check = _GRANTS.get(grant)
    if check is None:
        raise Refusal(f"Invalid grant_type: {grant}", code="unsupported_grant_type")
    check(call)
    return json_reply({"access_token": call.accounts.issue(), "expires_in": LIFETIME, "token_type": "Bearer"})


def _field(call: Call, name: str) -> str:
    value = call.body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(f"Missing required parameter: {name}", code="invalid_request")
    return value


def _refresh(call: Call) -> None:
    for name in ("client_id", "client_secret"):
        _field(call, name)
    if not call.accounts.is_key(_field(call, "refresh_token")):
        raise _invalid("Bad Request")


def _jwt(call: Call) -> None:
    parts = _field(call, "assertion").split(".")
    if len(parts) != 3:
        raise _invalid("Invalid JWT: it has not three parts.")
    head, claims = _decoded(parts[0]), _decoded(parts[1])
    if head.get("alg") != "RS256":
        raise _invalid("Invalid JWT: its algorithm is not RS256.")
    email = claims.get("iss")
    key = call.accounts.key_of(email) if isinstance(email, str) else None
    if key is None:
        raise _invalid("Invalid grant: account not found")
    _check_signature(key.verify, f"{parts[0]}.{parts[1]}".encode(), parts[2])
    _check_claims(call, claims)


def _check_signature(verify: Callable[..., None], signed: bytes, signature: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        verify(_bytes(signature), signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _invalid("Invalid JWT Signature.") from None


def _check_claims(call: Call, claims: Mapping[str, object]) -> None:
    if claims.get("aud") not in (f"{call.origin}/token", _GOOGLES):
        raise _invalid("Invalid JWT: the audience (aud) is not this endpoint.")
    now, issued, until = call.accounts.clock(), claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(until, int):
        raise _invalid("Invalid JWT: iat and exp must be whole numbers.")
    if not issued - _SKEW <= now < until <= issued + _LONGEST:
        raise _invalid("Invalid JWT: iat and exp must enclose the present and at most 60 minutes.")
    scope = claims.get("scope")
    if not isinstance(scope, str) or not scope.strip():
        raise Refusal("Invalid JWT: it asks for no scope.", code="invalid_scope")
    unknown = [one for one in scope.split() if one not in _SCOPES]
    if unknown:
        raise Refusal(f"{unknown[0]} is no scope of this endpoint.", code="invalid_scope")


def _decoded(part: str) -> dict[str, object]:
    try:
        value: object = orjson.loads(_bytes(part))
    except orjson.JSONDecodeError:
        raise _invalid("Invalid JWT: a part of it is no JSON.") from None
    if not is_table(value):
        raise _invalid("Invalid JWT: a part of it is no JSON object.")
    return value


def _bytes(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (NoBase64, ValueError):
        raise _invalid("Invalid JWT: a part of it is not base64url.") from None


def _invalid(message: str) -> Refusal:
    return Refusal(message, code="invalid_grant")


_GRANTS: Mapping[str, Callable[[Call], None]] = {JWT_GRANT: _jwt, "refresh_token": _refresh}
