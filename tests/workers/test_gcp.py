"""Tokens for Google Cloud: from each kind of file, from the metadata server, and what is said where there are none."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from google.auth import jwt
from google.oauth2 import service_account
from workers.given import LIMITS
from workers.upstream import Answer, Seen, Upstream, json_answer

from pipelex_like.errors import (
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    ServerError,
    UnreachableError,
)
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access, Limits
from pipelex_like.workers.gcp import Tokens, default_file
from pipelex_like.workers.gcp_grants import JWT_GRANT, SCOPE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

CANARY = "canary-from-the-environment"
SECRET = "secret-of-the-file-0123456789"
NOBODY = "http://127.0.0.1:1"
"""Where no metadata server is."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def tokens(tmp_path: Path, file: Path | None = None, **more: Any) -> Tokens:
    keys = {} if file is None else {"gcp_credentials_file_path": str(file)}
    access = Access(backend="vertexai", sdk="vertex_anthropic", keys=FrozenDict(keys), **more.pop("access", {}))
    return Tokens(access, **{"home": tmp_path / "home", "metadata": NOBODY, **more})


def write(tmp_path: Path, info: object, name: str = "credentials.json") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(info))
    return path


def granted(token: str = "ya29.one", **more: object) -> Answer:
    return json_answer({"access_token": token, "expires_in": 3599, "token_type": "Bearer", **more})


def user(url: str) -> dict[str, object]:
    return {
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": f"{SECRET}-of-the-client",
        "refresh_token": SECRET,
        "token_uri": f"{url}/token",
    }


def form(seen: Seen) -> dict[str, str]:
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert isinstance(seen.body, bytes)
    return dict(parse_qsl(seen.body.decode()))


async def refused(given: Tokens, kind: type[CallError] = CredentialsError) -> CallError:
    with pytest.raises(kind) as caught:
        await given.bearer(LIMITS)
    assert type(caught.value) is kind
    return caught.value


async def test_a_token_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    keys = FrozenDict({"gcp_access_token": "ya29.mine", "gcp_credentials_file_path": str(tmp_path / "none")})
    assert await Tokens(Access(backend="v", sdk="s", keys=keys)).bearer(LIMITS) == "ya29.mine"


async def test_a_service_account_signs_for_its_token(tmp_path: Path, sandbox: Sandbox) -> None:
    given = tokens(tmp_path, sandbox.service_account(tmp_path))
    first = await given.bearer(LIMITS)
    assert await given.bearer(LIMITS) == first
    (request,) = sandbox.requests
    assert request.path == "/token"
    assert request.body["grant_type"] == JWT_GRANT  # pyright: ignore
    assert request.body["assertion"].endswith(".[redacted]")  # pyright: ignore


async def test_the_statement_says_the_same_as_that_of_googles_library(tmp_path: Path, upstream: Upstream) -> None:
    with Sandbox() as other:
        path = other.service_account(tmp_path)
    info = {**json.loads(path.read_text()), "token_uri": f"{upstream.url}/token"}
    upstream.answers = [granted()]
    await tokens(tmp_path, write(tmp_path, info)).bearer(LIMITS)
    ours = form(upstream.seen[0])
    credentials = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    theirs = credentials._make_authorization_grant_assertion()
    said, meant = (jwt.decode(text, verify=False) for text in (ours["assertion"], theirs))
    assert {key: said[key] for key in ("iss", "scope")} == {key: meant[key] for key in ("iss", "scope")}
    assert said["exp"] - said["iat"] == meant["exp"] - meant["iat"] == 3600
    assert said["aud"] == f"{upstream.url}/token"
    assert jwt.decode_header(ours["assertion"]) == jwt.decode_header(theirs)


async def test_the_login_of_gcloud_is_the_next_that_is_looked_for(tmp_path: Path, sandbox: Sandbox) -> None:
    path = default_file(tmp_path / "home")
    write(tmp_path, {**user(sandbox.url), "refresh_token": sandbox.api_key}, str(path.relative_to(tmp_path)))
    assert await tokens(tmp_path).bearer(LIMITS)
    assert sandbox.requests[0].body == {
        "grant_type": "refresh_token",
        "client_id": "client",
        "client_secret": "[redacted]",
        "refresh_token": "[redacted]",
    }


async def test_the_metadata_server_is_the_last(tmp_path: Path, upstream: Upstream) -> None:
    upstream.answers = [
        Answer(
            headers={"content-type": "application/json", "metadata-flavor": "Google"},
            body=[b'{"access_token": "ya29.machine", "expires_in": 600, "token_type": "Bearer"}'],
        )
    ]
    given = tokens(tmp_path, metadata=upstream.url, access={"proxy": NOBODY})
    assert await given.bearer(LIMITS) == "ya29.machine"
    (seen,) = upstream.seen
    assert seen.path == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert (seen.method, seen.headers["metadata-flavor"]) == ("GET", "Google")


@pytest.mark.parametrize("answer", [granted(), json_answer({}, 404), None], ids=["another server", "no account", "-"])
async def test_with_nothing_at_all_the_ways_are_told(tmp_path: Path, upstream: Upstream, answer: Answer | None) -> None:
    upstream.answers = [] if answer is None else [answer]
    error = await refused(tokens(tmp_path, metadata=NOBODY if answer is None else upstream.url))
    for part in ("vertexai", "GCP_CREDENTIALS_FILE_PATH", "GOOGLE_APPLICATION_CREDENTIALS", "gcloud auth application"):
        assert part in str(error)


async def test_a_token_of_another_provider_is_exchanged(tmp_path: Path, upstream: Upstream) -> None:
    subject = tmp_path / "subject"
    subject.write_text("token-of-elsewhere\n")
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/pools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{upstream.url}/v1/token",
        "credential_source": {"file": str(subject)},
        "service_account_impersonation_url": f"{upstream.url}/v1/accounts/a:generateAccessToken",
    }
    upstream.answers = [
        granted("ya29.federated"),
        json_answer({"accessToken": "ya29.account", "expireTime": "2050-01-01T00:00:00Z"}),
    ]
    assert await tokens(tmp_path, write(tmp_path, info)).bearer(LIMITS) == "ya29.account"
    exchanged, impersonated = upstream.seen
    assert form(exchanged) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": "//iam.googleapis.com/pools/p",
        "scope": SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": "token-of-elsewhere",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    assert impersonated.headers["authorization"] == "Bearer ya29.federated"
    assert impersonated.body == {"scope": [SCOPE], "lifetime": "3600s"}


async def test_a_token_of_another_provider_can_stand_at_an_address(tmp_path: Path, upstream: Upstream) -> None:
    source = {
        "url": f"{upstream.url}/identity",
        "headers": {"X-Own": "yes"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    }
    info = {
        "type": "external_account",
        "audience": "a",
        "subject_token_type": "t",
        "token_url": f"{upstream.url}/v1/token",
        "credential_source": source,
        "client_id": "client",
        "client_secret": SECRET,
    }
    upstream.answers = [json_answer({"value": "from-there"}), granted()]
    assert await tokens(tmp_path, write(tmp_path, info)).bearer(LIMITS) == "ya29.one"
    asked, exchanged = upstream.seen
    assert (asked.method, asked.path, asked.headers["x-own"]) == ("GET", "/identity", "yes")
    assert form(exchanged)["subject_token"] == "from-there"
    assert exchanged.headers["authorization"].startswith("Basic ")


async def test_one_account_speaks_for_another(tmp_path: Path, upstream: Upstream) -> None:
    info = {
        "type": "impersonated_service_account",
        "source_credentials": user(upstream.url),
        "service_account_impersonation_url": f"{upstream.url}/a:generateAccessToken",
        "delegates": ["b"],
    }
    upstream.answers = [granted(), json_answer({"accessToken": "ya29.other", "expireTime": "2050-01-01T00:00:00Z"})]
    assert await tokens(tmp_path, write(tmp_path, info)).bearer(LIMITS) == "ya29.other"
    assert upstream.seen[1].body == {"scope": [SCOPE], "lifetime": "3600s", "delegates": ["b"]}


async def test_a_workforce_login_is_renewed(tmp_path: Path, upstream: Upstream) -> None:
    info = {**user(upstream.url), "type": "external_account_authorized_user", "token_url": f"{upstream.url}/oauthtoken"}
    upstream.answers = [granted()]
    assert await tokens(tmp_path, write(tmp_path, info)).bearer(LIMITS) == "ya29.one"
    assert form(upstream.seen[0]) == {"grant_type": "refresh_token", "refresh_token": SECRET}
    assert upstream.seen[0].headers["authorization"].startswith("Basic ")


async def test_a_token_is_renewed_before_its_end_and_after_it_was_refused(tmp_path: Path, upstream: Upstream) -> None:
    clock = Clock()
    given = tokens(tmp_path, write(tmp_path, user(upstream.url)), clock=clock)
    upstream.answers = [granted("ya29.one", expires_in=1000), granted("ya29.two"), granted("ya29.three")]
    assert await given.bearer(LIMITS) == "ya29.one"
    clock.now += 890
    assert await given.bearer(LIMITS) == "ya29.one"
    clock.now += 20
    assert await given.bearer(LIMITS) == "ya29.two"
    given.drop()
    assert await given.bearer(LIMITS) == "ya29.three"
    assert len(upstream.seen) == 3


async def test_many_calls_at_once_ask_once(tmp_path: Path, upstream: Upstream) -> None:
    given = tokens(tmp_path, write(tmp_path, user(upstream.url)))
    upstream.answers = [granted()]
    assert set(await asyncio.gather(*(given.bearer(LIMITS) for _ in range(20)))) == {"ya29.one"}
    assert len(upstream.seen) == 1


async def test_a_call_that_gives_up_leaves_the_way_free_for_the_next(tmp_path: Path, upstream: Upstream) -> None:
    given = tokens(tmp_path, write(tmp_path, user(upstream.url)))
    upstream.answers = [Answer(headers={"content-type": "application/json"}, body=[b"{", None]), granted()]
    first = asyncio.create_task(given.bearer(LIMITS))
    while not upstream.seen:
        await asyncio.sleep(0.005)
    second = asyncio.create_task(given.bearer(LIMITS))
    first.cancel()
    assert await second == "ya29.one"
    with pytest.raises(asyncio.CancelledError):
        await first


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        (f"no json, {SECRET}", "it is no JSON"),
        (f'["{SECRET}"]', "no object"),
        (f'{{"type": "{CANARY}", "private_key": "{SECRET}"}}', '"type"'),
        ('{"type": "service_account"}', '"client_email"'),
        (f'{{"type": "service_account", "client_email": "a@b", "private_key": "{SECRET}"}}', "no RSA key"),
        ('{"type": "authorized_user", "client_id": "a", "client_secret": "b"}', '"refresh_token"'),
        ('{"type": "impersonated_service_account"}', '"source_credentials"'),
        (
            '{"type": "external_account", "token_url": "http://x", "audience": "a", '
            '"credential_source": {"executable": {"command": "steal"}}}',
            "credential_source",
        ),
    ],
)
async def test_a_file_that_cannot_be_used_is_named_and_not_shown(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    told = str(await refused(tokens(tmp_path, path)))
    assert f"the credentials file {path} (`gcp_credentials_file_path`) cannot be used" in told
    assert why in told
    assert "[vertexai] in backends.toml" in told
    assert SECRET not in told


async def test_a_key_that_google_knows_no_more(tmp_path: Path, sandbox: Sandbox) -> None:
    path = sandbox.service_account(tmp_path)
    info = json.loads(path.read_text())
    other = json.loads(sandbox.service_account(tmp_path).read_text())
    path.write_text(json.dumps({**info, "private_key": other["private_key"]}))
    error = await refused(tokens(tmp_path, path))
    assert error.status == 400
    assert "invalid_grant: Invalid JWT Signature." in str(error)
    assert str(path) in str(error)
    assert "gcp_credentials_file_path" in str(error)
    assert "PRIVATE KEY" not in str(error)


async def test_a_clock_that_is_wrong(tmp_path: Path, sandbox: Sandbox) -> None:
    clock = Clock()
    clock.now -= 7200
    error = await refused(tokens(tmp_path, sandbox.service_account(tmp_path), clock=clock))
    assert "clock" in str(error)


async def test_a_login_that_has_ended(tmp_path: Path, upstream: Upstream) -> None:
    path = default_file(tmp_path / "home")
    write(tmp_path, user(upstream.url), str(path.relative_to(tmp_path)))
    told = {"error": "invalid_grant", "error_description": f"Token has been expired or revoked: {SECRET}"}
    upstream.answers = [json_answer(told, 400)]
    error = await refused(tokens(tmp_path))
    assert "expired or revoked" in str(error)
    assert "Run `gcloud auth application-default login` again." in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (json_answer({"error": "internal_failure"}, 500), ServerError),
        (json_answer({}, 200), InvalidResponseError),
        (json_answer({"access_token": "a", "expires_in": []}, 200), InvalidResponseError),
        (Answer(headers={"content-type": "text/html"}, body=[b"<html>"]), InvalidResponseError),
        (Answer(headers={"content-type": "application/json"}, body=[b"{"], cut=True), UnreachableError),
        (Answer(status=307, headers={"location": "http://127.0.0.1:1/steal"}), InvalidResponseError),
    ],
)
async def test_a_token_endpoint_that_fails(
    tmp_path: Path, upstream: Upstream, answer: Answer, kind: type[CallError]
) -> None:
    upstream.answers = [answer]
    error = await refused(tokens(tmp_path, write(tmp_path, user(upstream.url))), kind)
    assert "vertexai (access token)" in str(error)
    assert len(upstream.seen) == 1


async def test_a_token_endpoint_that_is_not_there_or_says_nothing(tmp_path: Path, upstream: Upstream) -> None:
    await refused(tokens(tmp_path, write(tmp_path, user(NOBODY))), UnreachableError)
    upstream.answers = [Answer(body=[None])]
    given = tokens(tmp_path, write(tmp_path, user(upstream.url)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await given.bearer(Limits())
    assert CallTimeoutError("x").retryable


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    access = Access(backend="v", sdk="s", keys=FrozenDict({"gcp_access_token": SECRET}), secrets=frozenset({SECRET}))
    assert SECRET not in repr(Tokens(access))


# --- the environment ---


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        stolen = write(tmp_path, user(server.url), "stolen/application_default_credentials.json")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, server.url)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(stolen))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(stolen.parent))
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"):
            monkeypatch.setenv(name, server.url.removeprefix("http://"))
        for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_API_USE_CLIENT_CERTIFICATE"):
            monkeypatch.setenv(name, CANARY)
        monkeypatch.setenv("NO_GCE_CHECK", "true")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


async def test_nothing_of_the_environment_counts(tmp_path: Path, sandbox: Sandbox, hostile: Upstream) -> None:
    assert await tokens(tmp_path, sandbox.service_account(tmp_path)).bearer(LIMITS)
    await refused(tokens(tmp_path))
    assert hostile.connections == 0
    assert CANARY not in str(sandbox.requests)


async def test_proxy_and_authorities_are_those_of_the_backend(tmp_path: Path, upstream: Upstream) -> None:
    with Sandbox(tls=True) as secure:
        path = secure.service_account(tmp_path)
        trusting = {"ca_file": str(secure.ca_file)}
        assert await tokens(tmp_path, path, access=trusting).bearer(LIMITS)
        await refused(tokens(tmp_path, path), UnreachableError)
    upstream.answers = [granted()]
    info = user("http://oauth2.invalid")
    assert await tokens(tmp_path, write(tmp_path, info), access={"proxy": upstream.url}).bearer(LIMITS) == "ya29.one"
    assert upstream.seen[0].path == "http://oauth2.invalid/token"
