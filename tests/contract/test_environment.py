"""The SDKs are handed everything: a process full of hostile variables, and a `.env` that says who is meant."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import orjson
import pytest
from contract.hostile import CANARY, hostile
from contract.rows import BACKENDS, PAINTERS, ROWS, Row, configured
from workers.upstream import Upstream

from pipelex_like.data import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.sandbox import Sandbox

PROGRAM = """
import asyncio, json, sys
from pipelex_like import Inference

async def main(directory, kind, reference):
    async with Inference.load(directory, environ={}) as ai:
        if kind == "llm":
            text = (await ai.generate_text("Hello", model=reference)).text
            async with ai.stream_text("Hello", model=reference) as stream:
                async for event in stream:
                    pass
        elif kind == "img_gen":
            text = str((await ai.generate_images("a boat", model=reference)).images[0].width)
        else:
            text = (await ai.extract(sys.argv[4], model=reference)).text
    print(json.dumps(text))

asyncio.run(main(*sys.argv[1:4]))
"""


OCR = Row(backend="mistral", model="mistral-ocr", variables={"MISTRAL_API_KEY": "{key}"})
CASES = [("llm", row) for row in ROWS] + [("img_gen", row) for row in PAINTERS] + [("extract", OCR)]


# These go through the openai SDK with nothing of their own but an address: `openai` stands for them in the short form.
ALIKE = frozenset(BACKENDS) - {"openai", "anthropic", "mistral", "google", "vertexai", "bedrock", "azure_openai"}
ALIKE -= {"azure_ai", "cohere", "huggingface", "perplexity", "together", "ollama", "fal"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    whole = metafunc.config.getoption("--full")
    cases = [case for case in CASES if whole or case[1].backend not in ALIKE]
    metafunc.parametrize(("kind", "row"), cases, ids=[f"{kind}-{row.name}" for kind, row in cases])


async def test_nothing_of_the_environment_is_used(tmp_path: Path, sandbox: Sandbox, kind: str, row: Row) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in row.environ(sandbox.api_key).items()))
    directory = configured(tmp_path, row, row.address(sandbox.url), key=sandbox.api_key)
    async with Upstream() as elsewhere:
        environ = {**os.environ, **hostile(elsewhere.url, str(tmp_path / "no-such-file"))}
        called = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", PROGRAM, str(directory), kind, row.reference, str(SAMPLES / "invoice.pdf")],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert called.returncode == 0, called.stderr
        assert elsewhere.connections == 0
    assert orjson.loads(called.stdout)
    assert CANARY not in called.stdout + called.stderr
    assert sandbox.api_key not in called.stdout + called.stderr
    assert len(sandbox.requests) >= (2 if kind == "llm" else 1)
    for request in sandbox.requests:
        assert CANARY not in f"{request.path} {request.query} {request.headers} {request.body}"
