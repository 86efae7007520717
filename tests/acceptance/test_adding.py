"""What is added without touching this package: a vendor by one TOML file, an SDK by an installed package."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from decimal import Decimal
from textwrap import dedent
from typing import TYPE_CHECKING

import orjson
import pytest

from pipelex_like import CapabilityError, Inference
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, **files: str) -> Path:
    directory = folder / ".pipelex" / "inference"
    for name, text in files.items():
        path = directory / (name.replace("__", "/") + ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return directory


async def test_a_vendor_that_speaks_openais_protocol_is_one_file(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        directory = written(
            tmp_path,
            backends='extends = "pipelex_like"\n[newcomer]\nenabled = "auto"\nendpoint = "${NEWCOMER_URL}"\n'
            'api_key = "${NEWCOMER_KEY}"\nkey_url = "https://newcomer.example/keys"\n',
            backends__newcomer="""
                default_sdk = "openai"
                [thinker-9]
                model_id = "newcomer/thinker-9-turbo"
                inputs = ["text"]
                outputs = ["text", "structured"]
                costs = { input = 1, output = 2 }
            """,
        )
        environ = {"NEWCOMER_URL": sandbox.url, "NEWCOMER_KEY": sandbox.api_key}
        async with Inference.load(directory, environ=environ) as ai:
            result = await ai.generate_text("Hello", model="newcomer/thinker-9")
            with pytest.raises(CapabilityError, match="images"):
                await ai.generate_text("Hello", model="newcomer/thinker-9", images=[b"\x89PNG\r\n\x1a\n"])
        (request,) = sandbox.requests
    assert result.served_by.backend == "newcomer"
    assert request.body["model"] == "newcomer/thinker-9-turbo"  # type: ignore[index]
    assert result.cost == Decimal(result.usage.input_tokens + 2 * result.usage.output_tokens) / 10**6


WORKER = """
from pipelex_like.deck import SdkKey, SdkSettings
from pipelex_like.types import EndPiece, LlmReply, TextPiece, Usage

SETTINGS = SdkSettings(
    sdk="acme",
    keys=(SdkKey(name="acme_token", template="${ACME_TOKEN}", secret=True),),
    required=(("acme_token",),),
    kinds=("llm",),
)


class AcmeLlm:
    def __init__(self, access):
        self.token = access.text("acme_token")

    async def generate(self, job, candidate, limits):
        text = f"{candidate.model_id} says {job.messages[-1].text} to {len(self.token)} letters"
        return LlmReply(text=text, usage=Usage(input_tokens=3, output_tokens=4))

    async def stream(self, job, candidate, limits):
        reply = await self.generate(job, candidate, limits)
        yield TextPiece(reply.text)
        yield EndPiece(reply)

    async def aclose(self):
        pass
"""
ENTRY_POINTS = """[pipelex_like.workers]
llm.acme = acme_for_pipelex_like:AcmeLlm
[pipelex_like.settings]
acme = acme_for_pipelex_like:SETTINGS
"""
PROGRAM = """
import json, sys
from pipelex_like import Inference
with Inference.load(sys.argv[1], environ={"ACME_TOKEN": "12345678"}) as ai:
    result = ai.sync.generate_text("hello", model="acme/parrot")
    with ai.sync.stream_text("hello", model="acme/unlisted-parrot") as stream:
        streamed = [event.type for event in stream]
    print(json.dumps([result.text, str(result.cost), streamed]))
"""


def install(folder: Path) -> Path:
    """Install a wheel, built by hand from one module and its entry points."""
    wheel, target = folder / "acme_for_pipelex_like-1.0-py3-none-any.whl", folder / "site"
    info = "acme_for_pipelex_like-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("acme_for_pipelex_like.py", WORKER)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: acme-for-pipelex-like\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{info}/RECORD", "")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=120)
    return target


def test_an_sdk_is_an_installed_package_with_an_entry_point(tmp_path: Path) -> None:
    directory = written(
        tmp_path,
        backends='extends = "pipelex_like"\n[acme]\nenabled = "auto"\n',
        backends__acme="""
            default_sdk = "acme"
            [parrot]
            model_type = "llm"
            costs = { input = 1, output = 1 }
        """,
    )
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory)],
        env={**os.environ, "PYTHONPATH": str(install(tmp_path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert orjson.loads(run.stdout) == ["parrot says hello to 8 letters", "0.000007", ["text", "done"]]
