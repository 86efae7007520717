"""The SDK is handed everything: what stands in the environment changes nothing. What is relied on of it is named."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from pathlib import Path

import fal_client
import pytest
from fal_client import auth, client
from workers.fal.asked import drawing, painter, whole_way
from workers.given import KEY, LIMITS
from workers.upstream import Upstream

from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.fal.images import FalImages

CANARY = "canary-from-the-environment"
TESTS = Path(__file__).parents[2]
# Read when the SDK is imported, so that only another process shows what they do.
CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from workers.fal.asked import drawing, painter
from workers.given import KEY, LIMITS, access
from pipelex_like.workers.fal.images import FalImages
async def main():
    worker = FalImages(access(sys.argv[2], sys.argv[3] or None))
    reply = await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    print(len(reply.images))
asyncio.run(main())
"""


@pytest.mark.parametrize("key", [KEY, ""], ids=["key", "no key"])
async def test_nothing_of_the_environment_arrives(upstream: Upstream, tmp_path: Path, key: str) -> None:
    upstream.answers = whole_way(upstream)
    (tmp_path / "auth0_token").write_text(f"{CANARY}\n{CANARY}\n")
    async with Upstream() as hostile:
        there = hostile.url.removeprefix("http://")
        environ = {
            "FAL_KEY": CANARY,
            "FAL_KEY_ID": CANARY,
            "FAL_KEY_SECRET": CANARY,
            "FAL_API_KEY": CANARY,
            "FAL_RUN_HOST": there,
            "FAL_QUEUE_RUN_HOST": there,
            "FAL_HOME_DIR": str(tmp_path),
            "FAL_FORCE_AUTH_BY_USER": "1",
            "HTTP_PROXY": hostile.url,
            "HTTPS_PROXY": hostile.url,
            "ALL_PROXY": "gopher://127.0.0.1:1",
            "SSL_CERT_FILE": str(tmp_path / "none.pem"),
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(TESTS), upstream.url, key,
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await child.communicate()
        assert (out.strip(), err) == (b"1", b"")
        assert hostile.connections == 0
    assert len(upstream.seen) == 4
    for seen in upstream.seen[:3]:
        assert seen.headers.get("authorization") == (f"Key {key}" if key else None)
    assert CANARY not in str([seen.headers for seen in upstream.seen])


async def test_the_proxy_is_that_of_the_backend(upstream: Upstream) -> None:
    upstream.answers = whole_way(upstream)
    keys = FrozenDict(endpoint=upstream.url.replace("127.0.0.1", "far.invalid"), api_key=KEY)
    there = str(keys["endpoint"])
    for answer in upstream.answers:
        answer.body = [
            piece.replace(upstream.url.encode(), there.encode()) if piece else piece for piece in answer.body
        ]
    worker = FalImages(Access(backend="acme", sdk="fal", keys=keys, proxy=upstream.url))
    await worker.draw(drawing(), painter(), LIMITS)
    await worker.aclose()
    assert upstream.seen[0].path == f"{there}/fal-ai/flux/dev"
    assert upstream.seen[3].path == f"{there}/files/a.png"


def test_the_names_of_the_sdk_that_are_relied_on_are_still_there() -> None:
    assert "_client" in vars(fal_client.AsyncClient), "the SDK makes its HTTP client elsewhere now"
    assert client.QUEUE_URL_FORMAT.startswith("https://")
    assert client.QUEUE_URL_FORMAT.endswith("/")
    assert "QUEUE_URL_FORMAT + application" in inspect.getsource(fal_client.AsyncClient.submit)
    assert "QUEUE_URL_FORMAT" in inspect.getsource(client.AsyncRequestHandle.from_request_id)
    assert "client.request(method, url, **kwargs)" in inspect.getsource(client._async_request)
    assert list(inspect.signature(auth.AuthCredentials).parameters) == ["scheme", "token"]
    fields = {"request_id", "response_url", "status_url", "cancel_url", "client"}
    assert fields <= set(inspect.signature(fal_client.AsyncRequestHandle).parameters)


def test_the_sdk_reads_no_variable_that_this_test_does_not_know() -> None:
    known = {"FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST", "FAL_HOME_DIR"}
    known.add("FAL_FORCE_AUTH_BY_USER")
    lines = [line for module in (auth, client) for line in inspect.getsource(module).splitlines()]
    read = [line for line in lines if "getenv(" in line or "os.environ" in line]
    assert read
    assert [line for line in read if not any(f'"{name}"' in line for name in known)] == []
