from __future__ import annotations

import pytest
from workers.given import LIMITS, access, candidate, completion, job
from workers.upstream import Upstream, json_answer

from pipelex_like.workers.openai.endpoint import base_url, is_official
from pipelex_like.workers.openai.llm import OpenAiLlm


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "https://api.openai.com/v1"),
        ("", "https://api.openai.com/v1"),
        ("  ", "https://api.openai.com/v1"),
        ("https://api.deepseek.com", "https://api.deepseek.com/v1"),
        ("https://api.deepseek.com/", "https://api.deepseek.com/v1"),
        ("https://api.deepseek.com/v1", "https://api.deepseek.com/v1"),
        ("https://api.deepseek.com/v1/", "https://api.deepseek.com/v1"),
        ("https://api.deepseek.com/v1//", "https://api.deepseek.com/v1"),
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://host/openai/v1beta", "https://host/openai/v1beta"),
        ("https://host/openai/v1beta/", "https://host/openai/v1beta"),
        ("https://host/v1/chat/completions", "https://host/v1"),
        ("https://host/chat/completions/", "https://host/v1"),
    ],
)
def test_base_urls(given: str | None, url: str) -> None:
    assert base_url(given) == url


@pytest.mark.parametrize(
    ("url", "official"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.evil.org/v1", False),
        ("http://127.0.0.1:1/v1", False),
    ],
)
def test_who_openai_is(url: str, official: bool) -> None:
    assert is_official(url) is official


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/openai/v1beta", "/openai/v1beta/chat/completions"),
    ],
)
async def test_the_request_reaches_the_right_path(upstream: Upstream, tail: str, path: str) -> None:
    upstream.answers = [json_answer(completion())]
    worker = OpenAiLlm(access(upstream.url + tail))
    await worker.generate(job(), candidate(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == path
