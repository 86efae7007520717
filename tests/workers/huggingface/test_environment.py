"""The SDK is handed everything: what stands in the environment changes nothing. What is relied on of it is named."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.hf_api import InferenceProviderMapping
from huggingface_hub.inference._providers import get_provider_helper
from huggingface_hub.inference._providers._common import TaskProviderHelper
from workers.given import KEY
from workers.huggingface.given_there import INLINE, PICTURE, card
from workers.upstream import Upstream, json_answer

from pipelex_like.workers.huggingface.request import FIELDS, TASK

CANARY = "hf_canaryfromtheenvironment"
TESTS = Path(__file__).parents[2]
# Read when the SDK is imported, so that only another process shows what they do.
CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from workers.huggingface.given_there import drawing, painter
from workers.given import LIMITS, access, candidate, job
from pipelex_like.workers.huggingface.images import HuggingFaceImages
from pipelex_like.workers.huggingface.llm import HuggingFaceLlm
async def main():
    given = access(sys.argv[2], sys.argv[3] or None)
    worker = HuggingFaceImages(given)
    for provider in (None, "fal-ai"):
        await worker.draw(drawing(), painter(provider), LIMITS)
    await worker.aclose()
    assert "PIL" not in sys.modules
asyncio.run(main())
"""


@pytest.mark.parametrize("key", [KEY, ""], ids=["key", "no key"])
async def test_nothing_of_the_environment_arrives(upstream: Upstream, tmp_path: Path, key: str) -> None:
    upstream.answers = [PICTURE, card("fal-ai", "fal-ai/x"), json_answer({"images": [{"url": INLINE}]})]
    (tmp_path / "token").write_text(CANARY)
    async with Upstream() as hostile:
        environ = {
            "HF_TOKEN": CANARY,
            "HUGGING_FACE_HUB_TOKEN": CANARY,
            "HF_HOME": str(tmp_path),
            "HF_TOKEN_PATH": str(tmp_path / "token"),
            "HF_ENDPOINT": hostile.url,
            "HF_INFERENCE_ENDPOINT": hostile.url,
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_USER_AGENT_ORIGIN": CANARY,
            "HF_DEBUG": "1",
            "HTTP_PROXY": hostile.url,
            "HTTPS_PROXY": hostile.url,
            "ALL_PROXY": hostile.url,
            "SSL_CERT_FILE": str(tmp_path / "none.pem"),
            "PATH": os.environ["PATH"],
        }
        child = [sys.executable, "-c", CHILD, str(TESTS), upstream.url, key]
        done = await asyncio.to_thread(
            subprocess.run, child, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, hostile.connections) == (0, 0), done.stderr
    assert [seen.method for seen in upstream.seen] == ["POST", "GET", "POST"]
    for seen in upstream.seen:
        assert CANARY not in f"{seen.headers} {seen.body} {seen.path}"
        assert seen.headers.get("authorization") == (f"Bearer {key}" if key else None)


def test_what_is_relied_on_of_the_sdk_is_still_there() -> None:
    for name in ("_prepare_mapping_info", "_prepare_base_url", "_prepare_api_key"):
        assert list(inspect.signature(getattr(TaskProviderHelper, name)).parameters)[1:], name
    wanted = {"inputs", "parameters", "headers", "model", "api_key", "extra_payload"}
    assert wanted <= set(inspect.signature(TaskProviderHelper.prepare_request).parameters)
    for provider in FIELDS:
        helper = get_provider_helper(provider, TASK, "a/b")  # type: ignore[arg-type]
        assert isinstance(helper.base_url, str)
    mapping = InferenceProviderMapping(provider="fal-ai", hf_model_id="a/b", providerId="c", status="live", task=TASK)
    assert mapping.provider_id == "c"


def test_the_helpers_of_the_sdk_are_not_changed_for_others() -> None:
    from pipelex_like.workers.huggingface.request import Wanted, request_of
    from pipelex_like.workers.picture_words import Asked

    before = dict(vars(get_provider_helper("fal-ai", TASK, "a/b")))
    wanted = Wanted(model="a/b", provider="fal-ai", prompt="x", parameters={}, extra={}, asked=Asked(), adapted=())
    assert request_of(wanted, name="c/d", router="http://r").url == "http://r/fal-ai/c/d"
    assert vars(get_provider_helper("fal-ai", TASK, "a/b")) == before
