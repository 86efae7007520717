"""A provider that says a key back: it is in no message, wherever it stands, and in nothing that an error holds."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

import pytest
from workers.given import LIMITS, candidate, job
from workers.upstream import Answer, Upstream, json_answer

from pipelex_like.errors import CallError, CredentialsError
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access, LlmWorker
from pipelex_like.workers.registry import Registry
from pipelex_like.workers.told import told

# Of no form that looks like a key by itself.
KEY = "canary+3fd29c/71ab04e6d8"
LONG = 400
SDKS = ("openai", "openai_responses", "azure_openai", "anthropic", "mistral", "google", "cohere", "bedrock")


async def refused(url: str, sdk: str, key: str = KEY) -> CallError:
    aws = {"aws_access_key_id": key, "aws_secret_access_key": key, "aws_region": "us-east-1"}
    own = {"api_version": "2024-02-01"} if sdk == "azure_openai" else aws if sdk == "bedrock" else {}
    keys = FrozenDict({"endpoint": url, "api_key": key, **own})
    reach = Access(
        backend="acme", sdk=sdk, keys=keys, secrets=frozenset({key}), shown=FrozenDict(api_key="${ACME_API_KEY}")
    )
    worker = cast("LlmWorker", Registry().find("llm", sdk, backend="acme")(reach))
    with pytest.raises(CallError) as caught:
        await worker.generate(job(), candidate(sdk=sdk), LIMITS)
    await worker.aclose()
    return caught.value


def everything(error: BaseException | None) -> str:
    """All that a log could show of an error and of those behind it."""
    shown = ""
    while error is not None:
        shown += f"{error} {error!r} {error.args} {getattr(error, 'provider_request_id', '')}"
        error = error.__cause__ or error.__context__
    return shown


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("before", [0, LONG - 10, LONG - len(KEY) + 1], ids=["at once", "at the cut", "on the cut"])
async def test_a_message_is_cut_after_the_key_is_out_of_it(upstream: Upstream, sdk: str, before: int) -> None:
    message = f"{'so ' * LONG}"[:before] + f"{KEY} is wrong"
    upstream.answers = [json_answer({"message": message, "error": {"message": message, "code": KEY, "type": KEY}}, 401)]
    error = await refused(upstream.url, sdk)
    assert type(error) is CredentialsError
    assert not [part for part in (KEY, KEY[:9], KEY[-9:]) if part in everything(error)]


@pytest.mark.parametrize("body", ["{} is wrong", "<html><title>{}</title></html>", "https://acme.example/?key={}&a=1"])
@pytest.mark.parametrize("shown", [KEY, quote(KEY, safe="")], ids=["plain", "as an address writes it"])
async def test_a_body_of_any_kind_is_searched(upstream: Upstream, body: str, shown: str) -> None:
    headers = {"x-request-id": KEY, "location": f"https://acme.example/?key={KEY}", "www-authenticate": KEY}
    for status in (302, 401, 500):
        upstream.answers = [Answer(status=status, headers=headers, body=[body.replace("{}", shown).encode()])]
        assert shown not in everything(await refused(upstream.url, "openai"))


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_letter_that_no_key_has_is_told_without_the_key(upstream: Upstream, sdk: str) -> None:
    upstream.answers = [json_answer({"error": {"message": "no", "type": "authentication_error"}}, 401)]
    error = await refused(upstream.url, sdk, f"“{KEY}”")
    assert type(error) is CredentialsError
    assert KEY not in everything(error)
    assert upstream.seen or "pasted along" in str(error)


def test_a_long_error_is_read_quickly() -> None:
    said = told(b"x" * 250_000, 500, secrets=[KEY])
    assert len(said.message) == LONG
