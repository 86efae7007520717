from __future__ import annotations

import pytest

from pipelex_like.workers.azure_openai.endpoint import host_kind, read_endpoint

HOST = "https://your-resource-name.openai.azure.com"
SERVICES = "https://your-resource.services.ai.azure.com"
CATALOGUE = "https://your-endpoint.inference.ai.azure.com"
CHAT = "/chat/completions"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"{HOST}/", "deployments"),
        ("https://x.cognitiveservices.azure.com", "deployments"),
        (CATALOGUE, "catalogue"),
        ("https://x.eastus2.models.ai.azure.com/v1", "catalogue"),
        (f"{SERVICES}/models", "both"),
        ("HTTPS://X.OPENAI.AZURE.COM", "deployments"),
        ("http://127.0.0.1:8080", None),
        ("https://openai.azure.com.evil.example", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_a_host_tells_what_it_serves(url: str, kind: str | None) -> None:
    assert host_kind(url) == kind


@pytest.mark.parametrize(
    "end",
    [
        "",
        "/",
        "/openai",
        "/openai/",
        "/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview",
        "/models",
    ],
)
def test_every_form_of_a_deployments_address_leads_to_the_same_place(end: str) -> None:
    endpoint = read_endpoint(f"{HOST}{end}", "2024-02-01")
    place = endpoint.deployment(CHAT, "your-gpt-4o-deployment")
    assert endpoint.root == HOST
    assert place.path == "/openai/deployments/your-gpt-4o-deployment/chat/completions"
    assert place.query == {"api-version": "2024-02-01"}


def test_a_deployments_name_is_quoted() -> None:
    place = read_endpoint(HOST, None).deployment(CHAT, "my model/ä")
    assert place.path == "/openai/deployments/my%20model%2F%C3%A4/chat/completions"


@pytest.mark.parametrize(
    ("end", "version", "sent"),
    [
        ("/openai/v1", "2024-02-01", "v1"),
        ("/openai/v1/", "preview", "preview"),
        ("", "v1", "v1"),
        ("/", "preview", "preview"),
        ("/openai", "latest", "latest"),
        ("/openai/v1/chat/completions", None, "v1"),
    ],
)
def test_the_surface_without_dates_takes_the_model_from_the_body(end: str, version: str | None, sent: str) -> None:
    endpoint = read_endpoint(f"{HOST}{end}", version)
    for place in (endpoint.deployment(CHAT, "gpt-4o"), endpoint.catalogue(CHAT)):
        assert (place.path, place.query) == ("/openai/v1/chat/completions", {"api-version": sent})
        assert not place.before("9999-01-01")
    assert (endpoint.responses().path, endpoint.root) == ("/openai/v1/responses", HOST)


@pytest.mark.parametrize(
    ("version", "path", "sent"),
    [
        (None, "/openai/responses", "2025-04-01-preview"),
        ("2025-03-01-preview", "/openai/responses", "2025-03-01-preview"),
        ("2024-02-01", "/openai/v1/responses", "v1"),
    ],
)
def test_a_version_older_than_responses_stays_out_of_them(version: str | None, path: str, sent: str) -> None:
    place = read_endpoint(f"{HOST}/", version).responses()
    assert (place.path, place.query) == (path, {"api-version": sent})


@pytest.mark.parametrize(
    ("url", "root", "path"),
    [
        (CATALOGUE, CATALOGUE, "/chat/completions"),
        (f"{CATALOGUE}/", CATALOGUE, "/chat/completions"),
        (f"{CATALOGUE}/models", CATALOGUE, "/chat/completions"),
        ("https://x.eastus2.models.ai.azure.com/v1", "https://x.eastus2.models.ai.azure.com", "/chat/completions"),
        (SERVICES, SERVICES, "/models/chat/completions"),
        (f"{SERVICES}/models/", SERVICES, "/models/chat/completions"),
        (f"{SERVICES}/models/chat/completions?api-version=x", SERVICES, "/models/chat/completions"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1", "/models/chat/completions"),
    ],
)
def test_the_catalogue_has_a_version_of_its_own(url: str, root: str, path: str) -> None:
    endpoint = read_endpoint(url, "2024-02-01")
    place = endpoint.catalogue(CHAT)
    assert (endpoint.root, place.path, place.query) == (root, path, {"api-version": "2024-05-01-preview"})
