"""Bearer tokens for Google Cloud: out of a credentials file, or from the metadata server of a machine of Google's.

The lookup is that of Google's own libraries (https://google.aip.dev/auth/4110) without its variables: what they say
comes in by the backend's keys.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, CredentialsError, NotFoundError, UnreachableError
from pipelex_like.types import is_table
from pipelex_like.workers.connection import open_http, patience, unread, whole
from pipelex_like.workers.gcp_grants import Asked, Desk, Grant, UnusableError, granted, read_grant, secrets_of
from pipelex_like.workers.translate import Called, HttpRefusal, translating, unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.workers.base import Access, Limits

METADATA = "http://metadata.google.internal"
_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_FLAVOR = "metadata-flavor"
_SECONDS = 30.0
# The metadata server is beside the machine, or not at all.
_METADATA_SECONDS = 3.0
_MOST_BYTES = 1024 * 1024
# A token is renewed in the last tenth of its life, so that none runs out on the way.
_USED = 0.9
_KEY = "gcp_credentials_file_path"
_LOGIN = "`gcloud auth application-default login`"
_VARIABLES = "GCP_CREDENTIALS_FILE_PATH or GOOGLE_APPLICATION_CREDENTIALS"


@dataclass(frozen=True, slots=True)
class _File:
    """A credentials file, as messages name it, and what to do about it."""

    path: Path
    named: str
    way_out: str


def default_file(home: Path) -> Path:
    """Give the place where `gcloud auth application-default login` puts its file."""
    folder = home / "AppData" / "Roaming" / "gcloud"
    if not folder.is_dir():
        folder = home / ".config" / "gcloud"
    return folder / "application_default_credentials.json"


class Tokens:
    """The access tokens of one backend, for one event loop; each is kept until shortly before its end."""

    def __init__(
        self,
        access: Access,
        *,
        clock: Callable[[], float] = time.time,
        home: Path | None = None,
        metadata: str = METADATA,
    ) -> None:
        self._access = access
        self._clock = clock
        self._home = home
        self._metadata = metadata
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    def __repr__(self) -> str:
        return f"Tokens(backend={self._access.backend!r})"

    async def bearer(self, limits: Limits) -> str:
        """Give a token that is good. Raises CredentialsError where there is nothing to get one with, or it is refused,
        and other CallErrors where the token endpoint does not answer."""
        fixed = self._access.text("gcp_access_token")
        if fixed is not None:
            return fixed
        if not self._is_good():
            async with self._lock:
                if not self._is_good():
                    grant = await self._fetch(limits)
                    self._token = grant.token
                    self._renew_at = self._clock() + grant.seconds * _USED
        return self._token or ""

    def drop(self) -> None:
        """Forget the token, since it was refused; the next call gets another."""
        self._token = None

    def _is_good(self) -> bool:
        return self._token is not None and self._clock() < self._renew_at

    async def _fetch(self, limits: Limits) -> Grant:
        file = self._file()
        if file is None:
            return await self._from_metadata(limits)
        info = self._read(file)
        called = self._called(secrets_of(info))

        async def ask(asked: Asked) -> bytes:
            try:
                return await _send(self._access, asked, limits)
            except HttpRefusal as error:
                refused = _refused(error, called, file)
                if refused is None:
                    raise
                raise refused from error

        with translating(called):
            try:
                async with asyncio.timeout(_SECONDS):
                    return await granted(info, Desk(ask=ask, now=self._clock()))
            except UnusableError as error:
                raise self._unusable(file, str(error)) from error
            except (ValueError, TypeError) as error:
                raise unfit(called, "the token endpoint's answer holds no access token") from error

    def _called(self, secrets: frozenset[str] = frozenset()) -> Called:
        return Called(backend=self._access.backend, model_id="access token", secrets=self._access.secrets | secrets)

    def _file(self) -> _File | None:
        given = self._access.text(_KEY)
        if given is not None:
            way = "If its key was deleted, make a new one; if the clock of this machine is wrong, set it."
            return _File(Path(given), f"the credentials file {given} (`{_KEY}`)", way)
        path = default_file(self._home or Path.home())
        return _File(path, f"the file of {_LOGIN}, {path},", f"Run {_LOGIN} again.") if path.is_file() else None

    def _read(self, file: _File) -> Mapping[str, object]:
        try:
            info: object = json.loads(file.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise self._unusable(file, f"it cannot be read: {unread(error)}") from error
        except ValueError:  # without the cause, which holds the text
            raise self._unusable(file, "it is no JSON") from None
        if not is_table(info):
            raise self._unusable(file, "it is JSON, but no object")
        return info

    def _unusable(self, file: _File, why: str) -> CredentialsError:
        way_out = f"Check `{_KEY}` of [{self._access.backend}] in backends.toml ({_VARIABLES}), or run {_LOGIN}."
        return CredentialsError(f"{self._access.backend}: {file.named} cannot be used: {why}. {way_out}")

    async def _from_metadata(self, limits: Limits) -> Grant:
        asked = Asked(url=self._metadata + _TOKEN_PATH, headers={_FLAVOR: "Google"}, method="GET")
        # It is reached directly and without TLS, whatever the backend itself needs.
        access = replace(
            self._access,
            proxy=None,
            ca_file=None,
            connect_timeout=min(self._access.connect_timeout, _METADATA_SECONDS),
        )
        called = self._called()
        try:
            with translating(called):
                async with asyncio.timeout(_METADATA_SECONDS):
                    raw = await _send(access, asked, replace(limits, connect=None), flavored=True)
        except (UnreachableError, CallTimeoutError, NotFoundError) as error:
            raise self._nothing() from error
        try:
            return read_grant(raw)
        except (ValueError, TypeError) as error:
            raise unfit(called, "the metadata server's answer holds no access token") from error

    def _nothing(self) -> CredentialsError:
        return CredentialsError(
            f"{self._access.backend}: there are no credentials for Google Cloud: `{_KEY}` ({_VARIABLES}) is not set, "
            f"there is no file of {_LOGIN}, and no metadata server gives any. Run {_LOGIN}, or write the path of a "
            f"service account's key file into one of these variables."
        )


async def _send(access: Access, asked: Asked, limits: Limits, *, flavored: bool = False) -> bytes:
    """Send a request and give the body of the reply. Raises HttpRefusal for any status but a success."""
    connect = access.connect_timeout if limits.connect is None else limits.connect
    headers = {"User-Agent": "pipelex-like", "Accept": "application/json", **asked.headers}
    # A client of its own: tokens are asked for once an hour, and nothing is left to be closed.
    async with open_http(access, asked.url) as http:
        request = http.build_request(
            asked.method, asked.url, content=asked.body or None, headers=headers, timeout=patience(connect)
        )
        reply = await http.send(request, stream=True)
        if flavored and reply.headers.get(_FLAVOR) != "Google":
            raise ConnectionError("another server answers in the metadata server's place")
        return await whole(reply, _MOST_BYTES)


def _refused(error: HttpRefusal, called: Called, file: _File) -> CredentialsError | None:
    """Give the error for what the endpoint says against the credentials; None where it says nothing of them."""
    if not 400 <= error.status < 500 or error.status in (408, 429):
        return None
    try:
        told: object = json.loads(error.body)
    except ValueError:
        told = None
    said = _words(told) or f"status {error.status}"
    return CredentialsError(called.says(f"{file.named} is refused: {said}", file.way_out), status=error.status)


def _words(told: object) -> str:
    """Read an error as RFC 6749 writes it (`error`, `error_description`), or as Google's other services do."""
    error = told.get("error") if is_table(told) else None
    if is_table(error):
        return str(error.get("message") or error.get("status") or "")
    described = told.get("error_description") if is_table(told) else None
    return ": ".join(part for part in (error, described) if isinstance(part, str) and part)
