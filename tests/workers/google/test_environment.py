"""The SDK is handed everything: what stands in the environment changes nothing."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from google.genai import _api_client
from workers.given import KEY, LIMITS, access, candidate, job
from workers.google.wire import content
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import UnreachableError
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.google.client import Sdk
from pipelex_like.workers.google.llm import GoogleLlm
from pipelex_like.workers.vertex_google.llm import VertexGoogleLlm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CANARY = "canary-from-the-environment"
TOKEN = "ya29.token-0123456789"


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Upstream]:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    credentials = tmp_path / "credentials.json"
    credentials.write_text(f'{{"type": "authorized_user", "client_id": "{CANARY}"}}')
    async with Upstream() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, server.url)
        for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GEMINI_BASE_URL"):
            monkeypatch.setenv(name, server.url)
        # No client could be made of this one.
        for name in ("ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "gopher://127.0.0.1:1")
        for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
            monkeypatch.setenv(name, CANARY)
        for name in ("GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_GENAI_API_VERSION", "GCLOUD_PROJECT", "CLOUDSDK_CONFIG"):
            monkeypatch.setenv(name, CANARY)
        for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_API_USE_CLIENT_CERTIFICATE"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "1")
        monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
        monkeypatch.setenv("GOOGLE_GENAI_CLIENT_MODE", "replay")
        monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
        monkeypatch.setenv("GCE_METADATA_HOST", server.url.removeprefix("http://"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "no such file"))
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield server


def vertex(url: str | None, **more: object) -> Access:
    given = {"gcp_project_id": "my-project", "gcp_location": "europe-west1", "gcp_access_token": TOKEN}
    keys = FrozenDict({**given, **({"endpoint": url} if url else {}), **more})
    return Access(backend="acme", sdk="vertex_google", keys=keys, secrets=frozenset({TOKEN}))  # pyright: ignore


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
async def test_nothing_of_the_environment_is_sent(upstream: Upstream, hostile: Upstream, key: str | None) -> None:
    upstream.answers = [json_answer(content())]
    worker = GoogleLlm(access(upstream.url, key))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert hostile.connections == 0
    (seen,) = upstream.seen
    assert CANARY not in str(seen)
    assert seen.headers.get("x-goog-api-key") == key
    assert seen.path == "/v1beta/models/gpt-test:generateContent"


async def test_nor_to_vertex(upstream: Upstream, hostile: Upstream) -> None:
    upstream.answers = [json_answer(content())]
    worker = VertexGoogleLlm(vertex(upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert hostile.connections == 0
    (seen,) = upstream.seen
    assert CANARY not in str(seen)
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-goog-user-project" not in seen.headers
    place = "/v1beta1/projects/my-project/locations/europe-west1"
    assert seen.path == f"{place}/publishers/google/models/gpt-test:generateContent"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("europe-west1", "https://europe-west1-aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
async def test_without_an_endpoint_it_is_googles_own(hostile: Upstream, location: str, host: str) -> None:
    for worker, url in (
        (GoogleLlm(access(None)), "https://generativelanguage.googleapis.com"),
        (VertexGoogleLlm(vertex(None, gcp_location=location)), host),
    ):
        sdk = worker._service._client._sdk  # pyright: ignore
        request = sdk._build_request("post", "x", {})
        assert request.url.startswith(f"{url}/v1beta")
        assert sdk._httpx_url(request.url, is_async=True) == request.url
        await worker.aclose()
    assert hostile.connections == 0


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream, hostile: Upstream) -> None:
    upstream.answers = [json_answer(content())]
    keys = FrozenDict(endpoint="http://far.invalid", api_key=KEY)
    worker = GoogleLlm(Access(backend="acme", sdk="google", keys=keys, proxy=upstream.url))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == "http://far.invalid/v1beta/models/gpt-test:generateContent"
    assert hostile.connections == 0


async def test_a_proxy_that_is_down_is_named_as_such() -> None:
    keys = FrozenDict(endpoint="https://far.invalid", api_key=KEY)
    worker = GoogleLlm(Access(backend="acme", sdk="google", keys=keys, proxy="http://127.0.0.1:1"))
    with pytest.raises(UnreachableError, match="proxy"):
        await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()


def test_the_private_names_of_the_sdk_are_where_they_were() -> None:
    base = _api_client.BaseApiClient
    for name in ("_use_mtls_endpoint", "_use_google_auth_sync", "_use_google_auth_async", "_ensure_websocket_ssl_ctx"):
        assert inspect.signature(getattr(base, name)) is not None
        assert name in vars(Sdk)
    assert list(inspect.signature(base._build_request).parameters)[1:4] == ["http_method", "path", "request_dict"]
    assert list(inspect.signature(base._async_request_once).parameters)[1:3] == ["http_request", "stream"]
    assert inspect.iscoroutinefunction(base._async_request_once)
    fields = set(inspect.signature(_api_client.HttpRequest).parameters)
    assert {"headers", "url", "method", "data", "timeout"} <= fields
    assert "response_stream" in inspect.signature(_api_client.HttpResponse).parameters
