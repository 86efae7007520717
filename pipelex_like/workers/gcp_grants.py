"""How each kind of Google credentials file becomes an access token; the requests are sent by whoever asks.

The kinds: https://google.aip.dev/auth/4110. Nothing is looked up in the environment, no program is run.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from google.auth import crypt, jwt

from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_LIFETIME = 3600
_SECRETS = ("private_key", "refresh_token", "client_secret")


class UnusableError(Exception):
    """Why a credentials file cannot be used, in words that hold nothing of its secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request on the way to a token; the body is a secret."""

    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token, and for how many seconds it is good."""

    token: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`ask` sends a request and gives the body of the reply, `now` is the time in seconds since 1970."""

    ask: Callable[[Asked], Awaitable[bytes]]
    now: float


def secrets_of(info: Mapping[str, object]) -> frozenset[str]:
    """Give what of a credentials file must never be printed, with each line of its key."""
    found: set[str] = set()
    for key, value in info.items():
        if is_table(value):
            found |= secrets_of(value)
        elif key in _SECRETS and isinstance(value, str):
            found |= {value, *(line for line in value.split("\n") if not line.startswith("-----"))}
    return frozenset(found)


async def granted(info: Mapping[str, object], desk: Desk) -> Grant:
    """Get a token for what the file says. Raises UnusableError for a file that says too little."""
    kind = info.get("type")
    grant = _KINDS.get(kind) if isinstance(kind, str) else None
    if grant is None:
        raise UnusableError(f'its "type" is {json.dumps(kind)}, and known are: {", ".join(_KINDS)}')
    return await grant(info, desk)


def read_grant(raw: bytes) -> Grant:
    """Read the reply of a token endpoint. Raises ValueError for anything else."""
    value: object = json.loads(raw)
    token = value.get("access_token") if is_table(value) else None
    if not is_table(value) or not isinstance(token, str) or not token:
        raise ValueError("the answer holds no access_token")
    seconds = value.get("expires_in", _LIFETIME)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        raise TypeError("expires_in is no number of seconds")
    return Grant(token, float(seconds))


async def _service_account(info: Mapping[str, object], desk: Desk) -> Grant:
    uri = _optional(info, "token_uri") or TOKEN_URI
    issued = int(desk.now)
    claims = {
        "iss": _text(info, "client_email"),
        "scope": SCOPE,
        "aud": uri,
        "iat": issued,
        "exp": issued + _LIFETIME,
    }
    try:
        signer = crypt.RSASigner.from_string(  # pyright: ignore[reportUnknownMemberType]
            _text(info, "private_key"), _optional(info, "private_key_id")
        )
        assertion = jwt.encode(signer, claims)  # pyright: ignore[reportUnknownMemberType]
    except (ValueError, TypeError):  # what is wrong with a key is told with parts of it
        raise UnusableError('its "private_key" is no RSA key in PEM form') from None
    return read_grant(await desk.ask(_form(uri, grant_type=JWT_GRANT, assertion=assertion.decode())))


async def _authorized_user(info: Mapping[str, object], desk: Desk) -> Grant:
    uri = _optional(info, "token_uri") or TOKEN_URI
    asked = _form(
        uri,
        grant_type="refresh_token",
        client_id=_text(info, "client_id"),
        client_secret=_text(info, "client_secret"),
        refresh_token=_text(info, "refresh_token"),
    )
    return read_grant(await desk.ask(asked))


async def _external_user(info: Mapping[str, object], desk: Desk) -> Grant:
    asked = _form(_text(info, "token_url"), grant_type="refresh_token", refresh_token=_text(info, "refresh_token"))
    return read_grant(await desk.ask(_as_client(asked, info)))


async def _external_account(info: Mapping[str, object], desk: Desk) -> Grant:
    """Exchange a token of another identity provider, as https://google.aip.dev/auth/4117 describes it."""
    asked = _form(
        _text(info, "token_url"),
        grant_type=_EXCHANGE,
        audience=_text(info, "audience"),
        scope=SCOPE,
        requested_token_type=_ACCESS_TOKEN,
        subject_token=await _subject_token(info, desk),
        subject_token_type=_text(info, "subject_token_type"),
    )
    grant = read_grant(await desk.ask(_as_client(asked, info)))
    if info.get("service_account_impersonation_url") is None:
        return grant
    options = info.get("service_account_impersonation")
    lifetime = options.get("token_lifetime_seconds") if is_table(options) else None
    return await _impersonate(info, grant, desk, lifetime=lifetime if isinstance(lifetime, int) else _LIFETIME)


async def _impersonated(info: Mapping[str, object], desk: Desk) -> Grant:
    source = info.get("source_credentials")
    if not is_table(source):
        raise UnusableError('it has no "source_credentials"')
    return await _impersonate(info, await granted(source, desk), desk, lifetime=_LIFETIME)


async def _impersonate(info: Mapping[str, object], grant: Grant, desk: Desk, *, lifetime: int) -> Grant:
    """https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
    body = {"scope": [SCOPE], "lifetime": f"{lifetime}s"}
    delegates = info.get("delegates")
    if is_list(delegates) and delegates:
        body["delegates"] = [str(one) for one in delegates]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {grant.token}"}
    url = _text(info, "service_account_impersonation_url")
    value: object = json.loads(await desk.ask(Asked(url=url, body=json.dumps(body).encode(), headers=headers)))
    token, until = (value.get("accessToken"), value.get("expireTime")) if is_table(value) else (None, None)
    if not isinstance(token, str) or not isinstance(until, str):
        raise ValueError("the answer holds no accessToken with its expireTime")  # noqa: TRY004
    return Grant(token, datetime.fromisoformat(until).timestamp() - desk.now)


async def _subject_token(info: Mapping[str, object], desk: Desk) -> str:
    source = info.get("credential_source")
    if not is_table(source) or not (isinstance(source.get("file"), str) or isinstance(source.get("url"), str)):
        raise UnusableError(
            'its "credential_source" is neither a "file" nor a "url"; the others take their credentials from the '
            "environment of the process, which is not looked at here"
        )
    if "environment_id" in source:
        raise UnusableError('its "credential_source" is AWS\'s, which is not looked at here')
    if isinstance(file := source.get("file"), str):
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise UnusableError(f'the file {file} that its "credential_source" names cannot be read') from None
    else:
        given = source.get("headers")
        headers = {name: str(value) for name, value in given.items()} if is_table(given) else {}
        text = (await desk.ask(Asked(url=str(source["url"]), headers=headers, method="GET"))).decode()
    form = source.get("format")
    if not is_table(form) or form.get("type") != "json":
        return text.strip()
    value: object = json.loads(text)
    token = value.get(str(form.get("subject_token_field_name"))) if is_table(value) else None
    if not isinstance(token, str):
        raise UnusableError('the token that its "credential_source" names is not in the field that it names')
    return token


def _as_client(asked: Asked, info: Mapping[str, object]) -> Asked:
    """Say who asks, where the file has an id and a password for that."""
    if info.get("client_id") is None:
        return asked
    pair = f"{_text(info, 'client_id')}:{_text(info, 'client_secret')}"
    headers = {**asked.headers, "Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return Asked(url=asked.url, body=asked.body, headers=headers)


def _form(url: str, **fields: str) -> Asked:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Asked(url=url, body=urlencode(fields).encode(), headers=headers)


def _text(info: Mapping[str, object], key: str) -> str:
    value = info.get(key)
    if not isinstance(value, str) or not value:
        raise UnusableError(f'it has no "{key}"')
    return value


def _optional(info: Mapping[str, object], key: str) -> str | None:
    value = info.get(key)
    return value if isinstance(value, str) and value else None


_KINDS: Mapping[str, Callable[[Mapping[str, object], Desk], Awaitable[Grant]]] = {
    "service_account": _service_account,
    "authorized_user": _authorized_user,
    "external_account": _external_account,
    "external_account_authorized_user": _external_user,
    "impersonated_service_account": _impersonated,
}
