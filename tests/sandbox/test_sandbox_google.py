"""Google's format: the real SDK takes every answer, and a wrong request is refused."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import BaseModel
from sandbox.raw import Answer, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pipelex_like.sandbox import Sandbox

MODEL = "gemini-test"
PATH = f"/v1beta/models/{MODEL}:generateContent"
PLACE = "/v1beta1/projects/p/locations/us-central1/publishers/google/models"
WEATHER: Any = {
    "name": "get_weather",
    "parameters_json_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK = "get_weather for city: Rome"


class Invoice(BaseModel):
    number: str
    total: float


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as running:
        yield running


@pytest.fixture
def gemini(sandbox: Sandbox, http: httpx2.AsyncClient) -> Any:
    options = types.HttpOptions(base_url=sandbox.url, api_version="v1beta", httpx_async_client=http)
    return genai.Client(vertexai=False, api_key=sandbox.api_key, http_options=options).aio.models


def asked(**config: object) -> Any:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=off, **config)  # pyright: ignore


async def test_an_answer(gemini: Any) -> None:
    answer = await gemini.generate_content(model=MODEL, contents=ASK, config=asked(system_instruction="Be kind."))
    assert answer.text.startswith("Simulated answer:")
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert (answer.response_id, answer.model_version) == ("sandbox-000001", MODEL)


async def test_a_stream_is_put_together_to_the_same(gemini: Any, sandbox: Sandbox) -> None:
    config = asked(thinking_config=types.ThinkingConfig(thinking_level="low", include_thoughts=True))  # pyright: ignore
    whole = await gemini.generate_content(model=MODEL, contents="Hello", config=config)
    sandbox.reset()
    chunks = [
        chunk async for chunk in await gemini.generate_content_stream(model=MODEL, contents="Hello", config=config)
    ]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    assert "".join(part.text for part in parts if not part.thought) == whole.text
    assert any(part.thought for part in parts)
    assert parts[-1].thought_signature == whole.candidates[0].content.parts[-1].thought_signature
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert chunks[-1].usage_metadata.thoughts_token_count == 64


async def test_a_conversation_with_tools_and_signatures(gemini: Any) -> None:
    config = asked(
        tools=[types.Tool(function_declarations=[WEATHER])],
        thinking_config=types.ThinkingConfig(thinking_level="low"),  # pyright: ignore
    )
    first = await gemini.generate_content(model="gemini-3-test", contents=ASK, config=config)
    (call,) = first.function_calls
    assert (call.name, call.args) == ("get_weather", {"city": "Rome"})
    result = types.Part(
        function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "12 degrees"})
    )
    talk = [
        types.UserContent(ASK),
        first.candidates[0].content,
        types.UserContent([result]),
    ]
    second = await gemini.generate_content(model="gemini-3-test", contents=talk, config=config)
    assert "12 degrees" in second.text


async def test_an_object_parsed_into_a_model(gemini: Any) -> None:
    config = asked(response_mime_type="application/json", response_schema=Invoice)
    answer = await gemini.generate_content(model=MODEL, contents="number: INV-7\ntotal: 12.5", config=config)
    assert answer.parsed == Invoice(number="INV-7", total=12.5)


async def test_a_picture(gemini: Any) -> None:
    config = asked(response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9"))
    answer = await gemini.generate_content(model=MODEL, contents="A boat", config=config)
    (part,) = answer.parts
    assert part.inline_data.data.startswith(b"\x89PNG")
    assert answer.usage_metadata.candidates_tokens_details[0].modality == types.MediaModality.IMAGE


async def test_vertex_with_a_token(sandbox: Sandbox, http: httpx2.AsyncClient) -> None:
    options = types.HttpOptions(base_url=sandbox.url, httpx_async_client=http)
    client = genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token=sandbox.api_key),
        http_options=options,
    )
    answer = await client.aio.models.generate_content(
        model=MODEL, contents="Hello", config=types.GenerateContentConfig(labels={"team": "a"})
    )
    assert answer.text
    assert sandbox.requests[-1].path == f"{PLACE}/{MODEL}:generateContent"
    assert sandbox.requests[-1].headers["authorization"] == "[redacted]"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 529])
async def test_the_sdk_knows_the_errors(gemini: Any, status: int) -> None:
    kind = errors.ServerError if status >= 500 else errors.ClientError
    with pytest.raises(kind) as caught:
        await gemini.generate_content(model=f"fault-status-{status}", contents="Hello")
    assert caught.value.code == status
    assert caught.value.status


async def test_the_sdk_meets_an_error_inside_a_stream(gemini: Any) -> None:
    with pytest.raises(errors.APIError, match="simulated fault"):
        async for _ in await gemini.generate_content_stream(model="fault-error-3", contents="Hello"):
            pass


def posted(sandbox: Sandbox, path: str = PATH, **more: object) -> Answer:
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], **more}
    return send(sandbox, {key: value for key, value in body.items() if value is not None}, path=path)


def one(*parts: object, role: str = "user") -> dict[str, object]:
    return {"contents": [{"role": role, "parts": list(parts)}]}


def picture(data: str, mime: str = "image/png") -> dict[str, object]:
    return one({"inlineData": {"mimeType": mime, "data": data}})


TOOLS: Any = [{"functionDeclarations": [{"name": "get_weather"}]}]
CALLED = {"functionCall": {"name": "get_weather", "args": {}}}
WRONG: list[tuple[dict[str, object], str]] = [
    ({"contents": None}, "contents is not specified"),
    ({"contents": [{"parts": []}]}, "must not be empty"),
    (one({"text": "a"}, role="system"), "valid role"),
    (one({"text": "a", "inlineData": {}}), "oneof field 'data'"),
    (one({"thought": True}), "oneof field 'data'"),
    (one({"txt": "a"}), "Unknown name"),
    (one({"functionResponse": {"name": "a", "response": {}}}), "function response parts"),
    ({"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [CALLED]}]}, "function call"),
    (one({"text": "a", "thoughtSignature": "bm8="}), "Corrupted thought signature"),
    (picture("no base64!"), "Base64 decoding failed"),
    (picture(base64.b64encode(b"text").decode()), "Unable to process input image"),
    (picture("", "application/msword"), "Unsupported MIME type"),
    (picture(base64.b64encode(b"text").decode(), "application/pdf"), "no pages"),
    ({"no_such_key": 1}, 'Unknown name "no_such_key"'),
    ({"labels": {"a": "b"}}, 'Unknown name "labels"'),
    ({"generationConfig": {"max_tokens": 1}}, "Unknown name"),
    ({"generationConfig": {"temperature": 3}}, "temperature"),
    ({"generationConfig": {"stopSequences": ["a"] * 6}}, "stopSequences"),
    ({"generationConfig": {"responseJsonSchema": {}, "responseMimeType": "text/plain"}}, "application/json"),
    ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 1}}}, "only set one"),
    ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "BIG"}}}, "thinking_level"),
    ({"generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "5:1"}}}, "aspectRatio"),
    ({"generationConfig": {"responseModalities": ["IMAGE"], "candidateCount": 2}}, "Multiple candidates"),
    ({"tools": [{"googleSearch": {}}]}, "no tools of its own"),
    ({"tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "Invalid function name"),
    ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_declarations"),
    (
        {"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["get_weather"]}}},
        "only for the mode ANY",
    ),
    (
        {"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["b"]}}},
        "among the declared",
    ),
]


@pytest.mark.parametrize(("more", "part"), WRONG, ids=[f"{at} {part}" for at, (_, part) in enumerate(WRONG)])
def test_a_wrong_request_is_refused_in_googles_form(sandbox: Sandbox, more: dict[str, object], part: str) -> None:
    refused = posted(sandbox, **more)
    assert refused.status == 400
    assert (refused.json["error"]["code"], refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert part in refused.json["error"]["message"]


def test_from_gemini_3_on_a_call_has_to_be_signed(sandbox: Sandbox) -> None:
    result = {"functionResponse": {"name": "get_weather", "response": {"output": "sunny"}}}
    signed = {**CALLED, "thoughtSignature": "skip_thought_signature_validator"}

    def talk(call: object) -> Any:
        turns = [("user", {"text": "a"}), ("model", call), ("user", result)]
        return [{"role": role, "parts": [part]} for role, part in turns]

    path = "/v1beta/models/gemini-3.8-flash:generateContent"
    refused = posted(sandbox, path, contents=talk(CALLED))
    assert "missing a thought_signature" in refused.json["error"]["message"]
    assert posted(sandbox, path, contents=talk(signed)).status == 200
    assert posted(sandbox, contents=talk(CALLED)).status == 200


def test_before_gemini_3_tools_and_a_form_exclude_each_other(sandbox: Sandbox) -> None:
    form = {"tools": TOOLS, "generationConfig": {"responseMimeType": "application/json"}}
    refused = posted(sandbox, "/v1beta/models/gemini-2.5-pro:generateContent", **form)
    assert "is unsupported" in refused.json["error"]["message"]
    assert posted(sandbox, **form).status == 200


def test_names_are_taken_in_either_spelling(sandbox: Sandbox) -> None:
    config = {"max_output_tokens": 3}
    answer = posted(sandbox, generation_config=config, system_instruction={"parts": [{"text": "Be kind."}]}).json
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize("way", ["header", "bearer", "query"])
def test_the_key_is_taken_in_three_places_and_never_kept(sandbox: Sandbox, way: str) -> None:
    body = {"contents": [{"parts": [{"text": "a"}]}]}
    headers = {"header": {"x-goog-api-key": sandbox.api_key}, "bearer": {"authorization": f"Bearer {sandbox.api_key}"}}
    path = f"{PATH}?key={sandbox.api_key}" if way == "query" else PATH
    assert send(sandbox, body, path=path, key=None, headers=headers.get(way)).status == 200
    assert sandbox.api_key not in str(sandbox.requests)


def test_a_missing_and_a_wrong_key_are_told_as_google_does(sandbox: Sandbox) -> None:
    none = send(sandbox, {}, path=PATH, key=None)
    assert (none.status, none.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    wrong = send(sandbox, {}, path=PATH, key="wrong")
    assert (wrong.status, wrong.json["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_how_long_to_wait_stands_in_the_body(sandbox: Sandbox) -> None:
    limited = posted(sandbox, "/v1beta/models/fault-status-429-after-7:generateContent")
    assert "retry-after" not in limited.headers
    assert limited.json["error"]["details"][-1]["retryDelay"] == "7s"


def test_a_stream_without_alt_is_an_array(sandbox: Sandbox) -> None:
    path = PATH.replace("generateContent", "streamGenerateContent")
    chunks = posted(sandbox, path).json
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    events = posted(sandbox, f"{path}?alt=sse").events
    assert len(events) == len(chunks)
    assert len(posted(sandbox, f"{path.replace(MODEL, 'fault-noend')}?alt=sse").events) == len(events) - 1


def test_models_are_listed(sandbox: Sandbox) -> None:
    listed = send(sandbox, path="/v1beta/models", method="GET").json["models"]
    assert listed[0]["name"] == "models/sandbox-text"
    assert send(sandbox, path="/v1beta/models/any", method="GET").json["name"] == "models/any"
