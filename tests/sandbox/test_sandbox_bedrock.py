"""Bedrock's format, as the SDK's own methods see it, and what it refuses."""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, EventStreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.sandbox import Sandbox

MODEL = "us.anthropic.claude-test-v1:0"
HELLO = [{"role": "user", "content": [{"text": "Hello"}]}]
TOOL = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
USE = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}


@pytest.fixture
def bedrock(sandbox: Sandbox) -> Iterator[Any]:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=sandbox.url,
        region_name="us-east-1",
        aws_access_key_id=sandbox.api_key,
        aws_secret_access_key="any",
        config=Config(
            retries={"total_max_attempts": 1},
            read_timeout=10,
            proxies={},
            ignore_configured_endpoint_urls=True,
            parameter_validation=False,
        ),
    )
    yield client
    client.close()


def test_the_sdk_reads_an_answer_and_a_stream_alike(bedrock: Any) -> None:
    whole = bedrock.converse(modelId=MODEL, messages=HELLO)
    text = whole["output"]["message"]["content"][0]["text"]
    events = list(bedrock.converse_stream(modelId=MODEL, messages=HELLO)["stream"])
    assert events[0] == {"messageStart": {"role": "assistant"}}
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(deltas) == text
    assert events[-2]["messageStop"]["stopReason"] == whole["stopReason"] == "end_turn"
    assert events[-1]["metadata"]["usage"] == whole["usage"]


def test_the_sdk_reads_thoughts_and_calls(bedrock: Any) -> None:
    asked = {
        "modelId": MODEL,
        "messages": [{"role": "user", "content": [{"text": "weather"}]}],
        "toolConfig": {"tools": [TOOL]},
        "inferenceConfig": {"maxTokens": 4096},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    }
    whole = bedrock.converse(**asked)
    thought, use = whole["output"]["message"]["content"]
    assert thought["reasoningContent"]["reasoningText"]["signature"]
    assert (use["toolUse"]["name"], whole["stopReason"]) == ("weather", "tool_use")
    events = list(bedrock.converse_stream(**asked)["stream"])
    assert [event["contentBlockStart"]["start"]["toolUse"]["name"] for event in events if "contentBlockStart" in event]


def test_the_sdk_knows_the_errors_by_their_names(bedrock: Any) -> None:
    with pytest.raises(bedrock.exceptions.ThrottlingException):
        bedrock.converse(modelId="fault-status-429", messages=HELLO)
    with pytest.raises(bedrock.exceptions.ValidationException, match="start with a user message"):
        bedrock.converse(modelId=MODEL, messages=[{"role": "assistant", "content": [{"text": "x"}]}])
    stream = bedrock.converse_stream(modelId="fault-error-2", messages=HELLO)["stream"]
    with closing(stream), pytest.raises(EventStreamError, match="internalServerException"):
        list(stream)
    with pytest.raises(ClientError, match="UnrecognizedClient"):
        bedrock.converse(modelId="fault-status-401", messages=HELLO)


def said(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


PNG_BUT_NOT = b64encode(b"no picture").decode()
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": ({}, "'messages' is missing"),
    "unknown field": ({"messages": HELLO, "model": "x"}, r"extraneous key \[model\]"),
    "not in turns": ({"messages": [*HELLO, *HELLO]}, "alternate"),
    "role": ({"messages": [{"role": "system", "content": [{"text": "x"}]}]}, "'system'"),
    "no block": ({"messages": [said()]}, "empty"),
    "two kinds in a block": ({"messages": [said({"text": "a", "image": {}})]}, "exactly one"),
    "blank": ({"messages": [said({"text": " "})]}, "messages.0.content.0 is blank"),
    "picture of the assistant": (
        {"messages": [*HELLO, said({"image": {}}, role="assistant")]},
        "messages.1.content.0",
    ),
    "no picture": (
        {"messages": [said({"image": {"format": "png", "source": {"bytes": PNG_BUT_NOT}}})]},
        "Could not process image",
    ),
    "picture by a URL": ({"messages": [said({"image": {"format": "png", "source": {"url": "x"}}})]}, "'url'"),
    "document alone": (
        {
            "messages": [
                said({"document": {"format": "pdf", "name": "a", "source": {"s3Location": {"uri": "s3://abc/a"}}}})
            ]
        },
        "must hold a text",
    ),
    "document's name": (
        {"messages": [said({"text": "x"}, {"document": {"format": "pdf", "name": "a.pdf", "source": {"bytes": ""}}})]},
        "file name can only contain",
    ),
    "tools forgotten": (
        {"messages": [*HELLO, said(USE, role="assistant"), said(RESULT)]},
        "toolConfig field must be defined",
    ),
    "result forgotten": (
        {"messages": [*HELLO, said(USE, role="assistant"), said({"text": "x"})], "toolConfig": {"tools": [TOOL]}},
        "Expected toolResult blocks",
    ),
    "result of nothing": ({"messages": [said(RESULT)], "toolConfig": {"tools": [TOOL]}}, "answers no toolUse"),
    "changed thought": (
        {
            "messages": [
                *HELLO,
                said({"reasoningContent": {"reasoningText": {"text": "a", "signature": "b"}}}, role="assistant"),
            ]
        },
        "Invalid `signature`",
    ),
    "no tools": ({"messages": HELLO, "toolConfig": {"tools": []}}, "toolConfig.tools"),
    "other tool": (
        {"messages": HELLO, "toolConfig": {"tools": [TOOL], "toolChoice": {"tool": {"name": "x"}}}},
        "no tool 'x'",
    ),
    "too hot": ({"messages": HELLO, "inferenceConfig": {"temperature": 1.5}}, "at most 1"),
    "top_k in the wrong place": ({"messages": HELLO, "inferenceConfig": {"topK": 5}}, r"extraneous key \[topK\]"),
    "field of no model": ({"messages": HELLO, "additionalModelRequestFields": {"x": 1}}, r"extraneous key \[x\]"),
    "forced while thinking": (
        {
            "messages": HELLO,
            "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}},
            "inferenceConfig": {"maxTokens": 4096},
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        },
        "tool_choice forces tool use",
    ),
    "schema as a table": (
        {
            "messages": HELLO,
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": {}}}}},
        },
        "a string",
    ),
    "label": ({"messages": HELLO, "requestMetadata": {"a": "{}"}}, "requestMetadata.a"),
    "tier": ({"messages": HELLO, "serviceTier": {"type": "auto"}}, "serviceTier.type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_in_the_provider_s_form(sandbox: Sandbox, name: str) -> None:
    body, told = WRONG[name]
    headers = {"authorization": f"Bearer {sandbox.api_key}"}
    answer = httpx2.post(f"{sandbox.url}/model/{MODEL}/converse", json=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.json().keys() == {"message"}
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(answer.json()["message"])


@pytest.mark.parametrize("spoil", ["", "service", "key", "date"])
def test_a_signature_is_of_this_service_and_this_key(sandbox: Sandbox, spoil: str) -> None:
    url = f"{sandbox.url}/model/{MODEL}/converse"
    key = "somebody" if spoil == "key" else sandbox.api_key
    request: Any = AWSRequest("POST", url, {"content-type": "application/json"}, b'{"messages": []}')
    auth: Any = SigV4Auth(ReadOnlyCredentials(key, "s", None), "s3" if spoil == "service" else "bedrock", "us-east-1")
    auth.add_auth(request)
    headers = dict(request.headers.items())
    if spoil == "date":
        del headers["X-Amz-Date"]
    answer = httpx2.post(url, content=request.body, headers=headers, trust_env=False)
    assert answer.status_code == (401 if spoil else 400)
    assert all("redacted" in record.headers["authorization"] for record in sandbox.requests)
