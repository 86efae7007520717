"""The ways in, the addresses, and the signature over what was really sent."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from workers.bedrock.asked import CLAUDE
from workers.bedrock.aws import SECRET, access, answer, bearer
from workers.given import KEY, LIMITS, candidate, job
from workers.upstream import Seen, Upstream, json_answer

from pipelex_like.errors import CapabilityError, CredentialsError
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.bedrock.client import Client
from pipelex_like.workers.bedrock.llm import BedrockLlm


async def sent(upstream: Upstream, reached: Access, **headers: str) -> Seen:
    upstream.answers = [json_answer(answer())]
    worker = BedrockLlm(reached)
    await worker.generate(job(), dataclasses.replace(CLAUDE, spec=candidate(headers=FrozenDict(headers)).spec), LIMITS)
    await worker.aclose()
    return upstream.seen[-1]


def signature(seen: Seen, url: str, token: str | None) -> str:
    """Sign what has arrived once more, as AWS does."""
    names = re.findall(r"SignedHeaders=([^,]+)", seen.headers["authorization"])[0].split(";")
    headers = {name: seen.headers[name] for name in names}
    request: Any = AWSRequest("POST", url + seen.path, headers, orjson.dumps(seen.body))
    request.context["timestamp"] = seen.headers["x-amz-date"]
    auth: Any = SigV4Auth(ReadOnlyCredentials(KEY, SECRET, token), "bedrock", "eu-west-1")
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


@pytest.mark.parametrize("token", ["", "session-canary-0123456789"])
async def test_keys_sign_what_is_sent(upstream: Upstream, token: str) -> None:
    seen = await sent(upstream, access(upstream.url, aws_session_token=token))
    told = seen.headers["authorization"]
    assert f"Credential={KEY}/{seen.headers['x-amz-date'][:8]}/eu-west-1/bedrock/aws4_request" in told
    assert told.endswith(f"Signature={signature(seen, upstream.url, token or None)}")
    assert seen.headers.get("x-amz-security-token", "") == token
    assert "host" in told


async def test_headers_of_ones_own_are_sent_and_those_of_aws_are_signed(upstream: Upstream) -> None:
    reached = dataclasses.replace(access(upstream.url), headers=FrozenDict({"x-team": "a"}))
    seen = await sent(upstream, reached, **{"X-Amzn-Some": "b"})
    assert (seen.headers["x-team"], seen.headers["x-amzn-some"]) == ("a", "b")
    assert "x-amzn-some" in seen.headers["authorization"]
    assert "x-team" not in seen.headers["authorization"]
    assert seen.headers["user-agent"] == "pipelex-like"
    assert seen.headers["authorization"].endswith(f"Signature={signature(seen, upstream.url, None)}")


async def test_a_token_goes_before_keys_and_keys_before_a_profile(upstream: Upstream) -> None:
    everything = {"aws_bearer_token": "token-canary-01", "aws_profile": "nobody"}
    seen = await sent(upstream, access(upstream.url, **everything))
    assert seen.headers["authorization"] == "Bearer token-canary-01"
    assert "x-amz-date" not in seen.headers
    seen = await sent(upstream, access(upstream.url, aws_profile="nobody"))
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256")


def test_a_token_is_not_sent_unencrypted_to_another_machine() -> None:
    with pytest.raises(CapabilityError, match="https only"):
        BedrockLlm(bearer("http://bedrock.example.org"))


def test_without_any_way_in_all_three_are_named() -> None:
    with pytest.raises(CredentialsError, match=r"AWS_BEARER_TOKEN_BEDROCK.*AWS_ACCESS_KEY_ID.*AWS_PROFILE"):
        BedrockLlm(Access(backend="acme", sdk="bedrock", keys=FrozenDict(aws_access_key_id="alone")))


@pytest.mark.parametrize(
    ("endpoint", "region", "url"),
    [
        (None, "us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        (None, "cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        (None, "us-gov-west-1", "https://bedrock-runtime.us-gov-west-1.amazonaws.com"),
        (None, "", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com/", "eu-west-1", None),
    ],
)
async def test_the_region_or_the_endpoint_says_where(endpoint: str | None, region: str, url: str | None) -> None:
    client = Client(access(endpoint, aws_region=region))
    assert client.url == (url or str(endpoint).rstrip("/"))
    await client.aclose()


def test_a_region_that_is_none_is_named() -> None:
    with pytest.raises(CapabilityError, match="moon-1"):
        Client(access(None, aws_region="moon-1"))
