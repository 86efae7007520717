"""The worker of OpenAI's protocol against a server that is no simulation: llama.cpp, reached as `custom` in the kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel
from servers.conftest import KEY

from pipelex_like import ContextWindowError, CredentialsError, Inference

if TYPE_CHECKING:
    from pathlib import Path


class Reading(BaseModel):
    sensor: int
    ok: bool


def environ(address: str, key: str = KEY) -> dict[str, str]:
    return {"AI_BASE_URL": address, "AI_API_KEY": key, "AI_MODELS": "local-r1:tiny"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / ".pipelex" / "inference"
    folder.mkdir(parents=True)
    (folder / "backends.toml").write_text('extends = "pipelex_like"\n')
    return folder


async def test_a_chat_and_a_stream_count_the_same(directory: Path, llama_server: str) -> None:
    asked = {"model": "local-r1", "max_tokens": 12, "temperature": 0}
    async with Inference.load(directory, environ=environ(llama_server)) as ai:
        whole = await ai.generate_text("Count to three.", **asked)  # pyright: ignore
        async with ai.stream_text("Count to three.", **asked) as stream:  # pyright: ignore
            kinds = [event.type async for event in stream]
            streamed = stream.result()
    assert whole.usage.input_tokens == streamed.usage.input_tokens > 0
    assert whole.usage.output_tokens == streamed.usage.output_tokens == 12
    assert whole.finish_reason == streamed.finish_reason == "length"
    assert whole.served_by.model_id == "tiny"
    assert kinds[-1] == "done"


async def test_an_object_keeps_to_its_schema(directory: Path, llama_server: str) -> None:
    async with Inference.load(directory, environ=environ(llama_server)) as ai:
        made = await ai.generate_object("Sensor: 7. OK.", Reading, model="local-r1", max_tokens=200)
    assert isinstance(made.object.sensor, int)
    assert isinstance(made.object.ok, bool)


async def test_its_own_refusals_are_told_apart(directory: Path, llama_server: str) -> None:
    async with Inference.load(directory, environ=environ(llama_server)) as ai:
        with pytest.raises(ContextWindowError):
            await ai.generate_text("word " * 2000, model="local-r1")
    async with Inference.load(directory, environ=environ(llama_server, "another-key")) as ai:
        with pytest.raises(CredentialsError) as caught:
            await ai.generate_text("Hello", model="local-r1")
    assert "AI_API_KEY" in str(caught.value)
    assert "another-key" not in str(caught.value)
