"""What is put on the wire, compared with recorded bodies, and with what the SDK's own methods send."""

from __future__ import annotations

import asyncio
import dataclasses
from base64 import b64decode
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config
from workers.bedrock.asked import ADAPTED, CASES
from workers.bedrock.aws import SECRET, STARTED, access, answer, events, said, stopped
from workers.given import KEY, LIMITS, job
from workers.upstream import Upstream, json_answer

from pipelex_like.types import is_table
from pipelex_like.workers.bedrock.llm import BedrockLlm

RECORDED = Path(__file__).parent / "recorded"
PLACES = (("image", "source", "bytes"), ("document", "source", "bytes"), ("reasoningContent", "redactedContent"))


def recorded(name: str) -> Any:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", CASES)
async def test_a_message_sends_the_recorded_body(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(answer())]
    worker = BedrockLlm(access(upstream.url))
    reply = await worker.generate(*CASES[name], LIMITS)
    await worker.aclose()
    (seen,) = upstream.seen
    sent = CASES[name][1].model_id.replace(":", "%3A")
    assert (seen.method, seen.path) == ("POST", f"/model/{sent}/converse")
    assert seen.body == recorded(name)
    assert list(reply.adapted) == ADAPTED.get(name, [])


async def test_a_stream_sends_the_same_to_another_address(upstream: Upstream) -> None:
    upstream.answers = [events(STARTED, *said(0, "a"), *stopped())]
    worker = BedrockLlm(access(upstream.url))
    assert [piece async for piece in worker.stream(*CASES["text"], LIMITS)]
    await worker.aclose()
    assert upstream.seen[0].path.endswith("/converse-stream")
    assert upstream.seen[0].body == recorded("text")


@pytest.mark.parametrize("name", CASES)
async def test_the_sdk_takes_the_recorded_body_for_a_request_and_sends_it_alike(upstream: Upstream, name: str) -> None:
    upstream.answers = [json_answer(answer())]
    model_id = CASES[name][1].model_id
    await asyncio.to_thread(_converse, upstream.url, model_id, recorded(name))
    assert upstream.seen[0].body == recorded(name)
    assert upstream.seen[0].path == f"/model/{model_id.replace(':', '%3A')}/converse"


def _converse(url: str, model_id: str, body: dict[str, Any]) -> None:
    for message in body["messages"]:
        for block in message["content"]:
            for place in PLACES:
                _decode(block, place)
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(proxies={}, ignore_configured_endpoint_urls=True),
    )
    client.converse(modelId=model_id, **body)
    client.close()


def _decode(node: object, place: tuple[str, ...]) -> None:
    *way, last = place
    for key in way:
        node = node.get(key) if is_table(node) else None
    if is_table(node) and isinstance(node.get(last), str):
        node[last] = b64decode(str(node[last]))


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a.b-v1:0", "us.a.b-v1%3A0"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1y2", "x1y2"),
    ],
)
async def test_an_arn_is_one_part_of_the_path(upstream: Upstream, written: str, path: str) -> None:
    upstream.answers = [json_answer(answer())]
    worker = BedrockLlm(access(upstream.url + "/"))
    _, chosen = CASES["text"]
    await worker.generate(job(), dataclasses.replace(chosen, model_id=written), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path.endswith(f"profile%2F{path}/converse")
    assert upstream.seen[0].path.count("/") == 3


def test_every_recorded_file_has_its_case() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == set(CASES)
