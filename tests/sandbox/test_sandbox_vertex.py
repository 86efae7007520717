"""Vertex AI: the token endpoint, and the makers' formats under Google's addresses; the real SDKs take the answers."""

from __future__ import annotations

import json
import stat
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import pytest
from anthropic.lib.vertex import AsyncAnthropicVertex
from google.auth import crypt, jwt
from mistralai.gcp.client import MistralGCP
from sandbox.raw import Answer, send

from pipelex_like.sandbox import Sandbox, parse_faults

if TYPE_CHECKING:
    from pathlib import Path

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PLACE = "/v1/projects/acme/locations/us-central1/publishers"
CLAUDE = f"{PLACE}/anthropic/models/claude-haiku-4-5@20251001"
MISTRAL = f"{PLACE}/mistralai/models/mistral-medium-3"
ASK: Any = [{"role": "user", "content": "Hello"}]
VERSION = {"anthropic_version": "vertex-2023-10-16"}


def token(sandbox: Sandbox, kind: str = "application/x-www-form-urlencoded", **fields: str) -> Answer:
    return send(sandbox, urlencode(fields).encode(), path="/token", key=None, headers={"content-type": kind})


def signed(path: Path, **changed: object) -> str:
    info = json.loads(path.read_text())
    now = int(time.time())
    claims = {"iss": info["client_email"], "scope": SCOPE, "aud": info["token_uri"], "iat": now, "exp": now + 3600}
    claims = {key: value for key, value in {**claims, **changed}.items() if value is not None}
    return jwt.encode(crypt.RSASigner.from_string(info["private_key"]), claims).decode()


def test_a_service_accounts_file_is_complete_and_private(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.service_account(tmp_path)
    info = json.loads(path.read_text())
    assert info["type"] == "service_account"
    assert info["token_uri"] == f"{sandbox.url}/token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sandbox.service_account(tmp_path) != path


def test_a_signature_buys_a_token_that_the_routes_take(sandbox: Sandbox, tmp_path: Path) -> None:
    got = token(sandbox, grant_type=GRANT, assertion=signed(sandbox.service_account(tmp_path)))
    assert got.status == 200
    assert (got.json["token_type"], got.json["expires_in"]) == ("Bearer", 3599)
    body = {**VERSION, "max_tokens": 9, "messages": ASK}
    assert send(sandbox, body, path=f"{CLAUDE}:rawPredict", key=got.json["access_token"]).status == 200
    assert send(sandbox, body, path=f"{CLAUDE}:rawPredict", key="ya29.other").status == 401


WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"aud": "https://elsewhere.example/token"}, "invalid_grant", "audience"),
    ({"scope": None}, "invalid_scope", "no scope"),
    ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope", "drive"),
    ({"iat": 1, "exp": 3601}, "invalid_grant", "the present"),
    ({"exp": 9_999_999_999}, "invalid_grant", "60 minutes"),
    ({"iat": "now"}, "invalid_grant", "whole numbers"),
    ({"iss": "nobody@sandbox.iam.gserviceaccount.com"}, "invalid_grant", "account not found"),
]


@pytest.mark.parametrize(("changed", "error", "part"), WRONG, ids=[part for *_, part in WRONG])
def test_a_wrong_statement_is_refused(
    sandbox: Sandbox, tmp_path: Path, changed: dict[str, object], error: str, part: str
) -> None:
    got = token(sandbox, grant_type=GRANT, assertion=signed(sandbox.service_account(tmp_path), **changed))
    assert (got.status, got.json["error"]) == (400, error)
    assert part in got.json["error_description"]


def test_a_signature_of_another_key_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    mine, other = sandbox.service_account(tmp_path), sandbox.service_account(tmp_path)
    forged = signed(other, iss=json.loads(mine.read_text())["client_email"])
    assert token(sandbox, grant_type=GRANT, assertion=forged).json["error_description"] == "Invalid JWT Signature."
    whole = signed(mine)
    for broken in ("no jwt", f"{whole}.more", "a.b.c", "!.!.!", whole[:-4], f".{whole}"):
        got = token(sandbox, grant_type=GRANT, assertion=broken)
        assert (got.status, got.json["error"]) == (400, "invalid_grant"), broken


def test_an_algorithm_that_needs_no_key_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    _, claims, _ = signed(sandbox.service_account(tmp_path)).split(".")
    got = token(sandbox, grant_type=GRANT, assertion=f"eyJhbGciOiAibm9uZSJ9.{claims}.")
    assert "RS256" in got.json["error_description"]


def test_a_refresh_token_is_the_sandboxs_key(sandbox: Sandbox) -> None:
    fields = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s"}
    assert token(sandbox, **fields, refresh_token=sandbox.api_key).status == 200
    assert token(sandbox, **fields, refresh_token="other").json["error"] == "invalid_grant"
    assert token(sandbox, **{**fields, "client_secret": ""}, refresh_token="x").json["error"] == "invalid_request"
    assert sandbox.api_key not in str(sandbox.requests)


def test_other_forms_and_grants_are_refused(sandbox: Sandbox) -> None:
    assert token(sandbox, grant_type="password").json["error"] == "unsupported_grant_type"
    assert token(sandbox).json["error"] == "invalid_request"
    assert token(sandbox, kind="application/json", grant_type=GRANT).json["error"] == "invalid_request"


def test_a_file_of_faults_reaches_the_token_endpoint() -> None:
    faults = parse_faults('[[fault]]\npath = "/token"\nstatus = 503\n')
    with Sandbox(faults=faults) as running:
        failed = token(running, grant_type="refresh_token")
        assert failed.status == 503
        assert "error" in failed.json


def ask(sandbox: Sandbox, path: str, **body: object) -> Answer:
    return send(sandbox, {key: value for key, value in body.items() if value is not None}, path=path)


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"anthropic_version": None}, "anthropic_version: Field required"),
        ({"anthropic_version": "new"}, "not a valid version"),
        ({"model": "claude"}, "model: Extra inputs"),
        ({"seed": 1}, "seed: Extra inputs"),
        ({"stream": True}, "streamRawPredict"),
    ],
)
def test_the_model_stands_in_the_path_and_the_version_in_the_body(
    sandbox: Sandbox, changed: dict[str, object], part: str
) -> None:
    body = {**VERSION, "max_tokens": 9, "messages": ASK, **changed}
    refused = ask(sandbox, f"{CLAUDE}:rawPredict", **body)
    assert (refused.status, refused.json["type"]) == (400, "error")
    assert part in refused.json["error"]["message"]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("publisher", ["anthropic", "mistralai"])
def test_the_gate_refuses_in_googles_form(sandbox: Sandbox, publisher: str, status: int) -> None:
    path = f"{PLACE}/{publisher}/models/fault-status-{status}:rawPredict"
    error = ask(sandbox, path, **VERSION, max_tokens=9, messages=ASK).json["error"]
    assert error["code"] == status
    assert error["status"].isupper()


def test_only_a_bearer_is_let_in(sandbox: Sandbox) -> None:
    body = {**VERSION, "max_tokens": 9, "messages": ASK}
    refused = send(sandbox, body, path=f"{CLAUDE}:rawPredict", key=None, headers={"x-api-key": sandbox.api_key})
    assert (refused.status, refused.json["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_anthropics_client_for_vertex_takes_the_answers(sandbox: Sandbox) -> None:
    async with AsyncAnthropicVertex(
        project_id="acme",
        region="us-central1",
        access_token=sandbox.api_key,
        base_url=f"{sandbox.url}/v1",
        max_retries=0,
    ) as client:
        whole = await client.messages.create(model="claude-haiku-4-5@20251001", max_tokens=50, messages=ASK)
        async with client.messages.stream(model="claude-haiku-4-5@20251001", max_tokens=50, messages=ASK) as stream:
            assert await stream.get_final_text() == whole.content[0].text  # pyright: ignore
    paths = [request.path for request in sandbox.requests]
    assert paths == [f"{CLAUDE}:rawPredict", f"{CLAUDE}:streamRawPredict"]


async def test_mistrals_client_for_google_takes_the_answers(sandbox: Sandbox) -> None:
    async with httpx2.AsyncClient() as http:
        client = MistralGCP(
            project_id="acme",
            region="us-central1",
            access_token=sandbox.api_key,
            server_url=sandbox.url,
            client=httpx2.Client(),
            async_client=http,
        )
        whole = await client.chat.complete_async(model="mistral-medium-3", messages=ASK)
        text = ""
        async for event in await client.chat.stream_async(model="mistral-medium-3", messages=ASK):
            text += event.data.choices[0].delta.content or ""  # pyright: ignore
        assert whole.choices[0].message.content == text  # pyright: ignore
    assert [request.path for request in sandbox.requests] == [f"{MISTRAL}:rawPredict", f"{MISTRAL}:streamRawPredict"]
