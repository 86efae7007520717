"""Azure's ways to OpenAI's formats: the real SDK takes every answer, and a wrong request is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from sandbox.raw import Answer, chat, send

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox

DEPLOYED = "/openai/deployments/your-deployment/chat/completions"
MODELS = "/models/chat/completions"
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "a",
        "schema": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        "strict": True,
    },
}


def azure(sandbox: Sandbox, version: str = "2025-04-01-preview", key: str | None = None) -> AsyncAzureOpenAI:
    return AsyncAzureOpenAI(
        azure_endpoint=sandbox.url,
        api_version=version,
        api_key=key or sandbox.api_key,
        max_retries=0,
        timeout=10,
    )


def ask(sandbox: Sandbox, path: str, body: dict[str, object] | None = None, **headers: str) -> Answer:
    return send(sandbox, body or chat(), path=path, key=None, headers={"api-key": sandbox.api_key, **headers})


async def test_a_deployment_answers(sandbox: Sandbox) -> None:
    async with azure(sandbox) as client:
        asked: Any = {"model": "your-deployment", "messages": [{"role": "user", "content": "Hi"}]}
        whole = await client.chat.completions.create(**asked)
        stream = await client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert whole.model == "your-deployment"
    assert chunks[0].choices == []
    assert "prompt_filter_results" in (chunks[0].model_extra or {})
    assert "prompt_filter_results" in (whole.model_extra or {})
    assert "content_filter_results" in (whole.choices[0].model_extra or {})
    assert sandbox.requests[0].path == DEPLOYED
    assert sandbox.requests[0].headers["api-key"] == "[redacted]"


async def test_responses_and_pictures(sandbox: Sandbox) -> None:
    async with azure(sandbox) as client:
        answer = await client.responses.create(model="your-deployment", input="Hi")
        assert answer.output_text.startswith("Simulated answer")
        drawn = await client.images.generate(model="your-pictures", prompt="a boat", size="1024x1024")
        assert drawn.data is not None
    assert [request.path for request in sandbox.requests] == [
        "/openai/responses",
        "/openai/deployments/your-pictures/images/generations",
    ]


async def test_the_surface_without_dates(sandbox: Sandbox) -> None:
    async with AsyncOpenAI(base_url=f"{sandbox.url}/openai/v1", api_key=sandbox.api_key, max_retries=0) as client:
        said = await client.chat.completions.create(model="x", messages=[{"role": "user", "content": "Hi"}])
        assert said.choices[0].message.content
        assert (await client.responses.create(model="x", input="Hi")).output_text
        assert (await client.images.generate(model="x", prompt="a boat")).data
    for query in ("", "?api-version=v1", "?api-version=preview"):
        assert ask(sandbox, f"/openai/v1/chat/completions{query}").status == 200
        assert ask(sandbox, f"/openai/v1/responses{query}", {"model": "x", "input": "Hi"}).status == 200


async def test_the_model_catalogue(sandbox: Sandbox) -> None:
    query = "?api-version=2024-05-01-preview"
    assert ask(sandbox, MODELS + query).status == 200
    assert ask(sandbox, MODELS + query, chat(user="u")).status == 400
    assert ask(sandbox, MODELS + query, chat(user="u"), **{"extra-parameters": "pass-through"}).status == 200
    assert send(sandbox, chat(), path=MODELS + query).status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (DEPLOYED, 404, "404"),
        (f"{DEPLOYED}?api-version=v1", 404, "404"),
        (f"{DEPLOYED}?api-version=latest", 404, "404"),
        (MODELS, 404, "404"),
        (f"{MODELS}?api-version=2024-02-01", 400, "BadRequest"),
        ("/openai/v1/chat/completions?api-version=2024-02-01", 400, "BadRequest"),
        ("/openai/responses?api-version=2024-02-01", 400, "BadRequest"),
    ],
)
def test_a_version_that_is_none_there(sandbox: Sandbox, path: str, status: int, code: str) -> None:
    answer = ask(sandbox, path)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({"max_completion_tokens": 9}, "2024-09-01-preview"),
        ({"stream": True, "stream_options": {"include_usage": True}}, "2024-09-01-preview"),
        ({"response_format": SCHEMA}, "2024-08-01-preview"),
        ({"reasoning_effort": "low"}, "2024-12-01-preview"),
    ],
)
def test_a_parameter_came_with_a_version(sandbox: Sandbox, more: dict[str, object], first: str) -> None:
    old, new = (ask(sandbox, f"{DEPLOYED}?api-version={version}", chat(**more)) for version in ("2024-02-01", first))
    assert (old.status, new.status) == (400, 200)


def test_an_unknown_parameter_is_refused(sandbox: Sandbox) -> None:
    answer = ask(sandbox, f"{DEPLOYED}?api-version=2024-10-21", chat(top_k=3))
    assert (answer.status, answer.json["error"]["param"]) == (400, "top_k")


async def test_a_key_is_asked_for_in_azures_own_header(sandbox: Sandbox) -> None:
    path = f"{DEPLOYED}?api-version=2024-10-21"
    for answer in (send(sandbox, chat(), path=path), send(sandbox, chat(), path=path, key=None)):
        assert (answer.status, answer.json["error"]["code"]) == (401, "401")
    async with azure(sandbox, key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="x", messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.parametrize(
    ("fault", "status", "fields"),
    [
        ("status=404", 404, {"code": "DeploymentNotFound"}),
        ("status=429; after=3", 429, {"code": "429"}),
        ("status=429; code=insufficient_quota", 429, {"code": "insufficient_quota", "type": "insufficient_quota"}),
        ("status=400; code=content_filter", 400, {"code": "content_filter", "status": 400}),
        ("status=500", 500, {"type": "server_error"}),
    ],
)
def test_faults_speak_as_azure_does(sandbox: Sandbox, fault: str, status: int, fields: dict[str, object]) -> None:
    answer = ask(sandbox, f"{DEPLOYED}?api-version=2024-10-21", **{"x-sandbox-fault": fault})
    error = answer.json["error"]
    assert answer.status == status
    assert {key: error[key] for key in fields} == fields
