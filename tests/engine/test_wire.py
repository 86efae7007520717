"""From a preset in a file to the bytes of the real SDK: the sandbox records what it was sent."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine.workbench import write
from pydantic import BaseModel

from pipelex_like import (
    AllCandidatesFailedError,
    CredentialsError,
    Inference,
    InvalidResponseError,
    ServerError,
    StreamInterruptedError,
)
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODIES = Path(__file__).parent / "bodies"
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR42mNg+A8AAQIBANEay48AAAAASUVORK5CYII=")
"""Two pixels, black and white."""

BACKENDS = """
[openai]
enabled = true
api_key = "${OPENAI_API_KEY}"
[sandbox]
enabled = true
only_when_named = true
mirror = true
endpoint = "${SANDBOX_URL}"
api_key = "${SANDBOX_KEY}"
"""
OPENAI = """
default_sdk = "openai"
["gpt-4o-mini"]
model_id = "gpt-4o-mini-2024-07-18"
inputs = ["text", "images"]
outputs = ["text", "structured"]
max_tokens = 16384
costs = { input = 0.15, output = 0.6 }
"""
SANDBOX = """
default_sdk = "openai"
[sandbox-text]
inputs = ["text", "images"]
outputs = ["text", "structured"]
costs = { input = 0, output = 0 }
"""
DECK = """
[aliases]
small = "gpt-4o-mini"
shaky = ["sandbox/fault-status-503", "sandbox/fault-badjson", "sandbox/sandbox-text"]
[llm.presets]
terse = { model = "small", temperature = 0.2, max_tokens = 200, description = "short answers" }
"""
ROUTING = """
active = "tests"
[profiles.tests]
default = "sandbox"
fallback_order = []
[profiles.live]
default = "openai"
"""


class Invoice(BaseModel):
    vendor: str
    total: float


def weather(city: str, days: int = 1) -> str:
    """Tell the weather of a city."""
    raise AssertionError


def _text(ai: Inference) -> object:
    return ai.sync.generate_text("Say hello.", model="preset:terse", system="Be kind.")


def _image(ai: Inference) -> object:
    return ai.sync.generate_text("What is it?", model="preset:terse", images=[PNG])


def _tool(ai: Inference) -> object:
    return ai.sync.generate_text("Weather in Paris?", model="preset:terse", tools=[weather], tool_choice="required")


def _object(ai: Inference) -> object:
    return ai.sync.generate_object("vendor: ACME, total: 12.5", Invoice, model="preset:terse", temperature=0)


def _stream(ai: Inference) -> object:
    with ai.sync.stream_text("Say hello.", model="preset:terse") as stream:
        for _ in stream:
            pass
    return stream.result()


CALLS: dict[str, Callable[[Inference], object]] = {
    "text": _text,
    "image": _image,
    "tool": _tool,
    "object": _object,
    "stream": _stream,
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(api_key="sandbox-key-1234567890") as running:
        yield running


@pytest.fixture
def ai(tmp_path: Path, sandbox: Sandbox) -> Iterator[Inference]:
    directory = write(tmp_path, backends=BACKENDS, deck=DECK, routing=ROUTING)
    for name in "abc":
        (directory / f"backends/{name}.toml").unlink()
    (directory / "backends/openai.toml").write_text(OPENAI)
    (directory / "backends/sandbox.toml").write_text(SANDBOX)
    environ = {"SANDBOX_URL": sandbox.url, "SANDBOX_KEY": sandbox.api_key, "HOME": str(tmp_path / "home")}
    with Inference.load(directory, environ=environ, lenient=True) as ai:
        yield ai


@pytest.mark.parametrize("name", CALLS)
def test_the_body_is_the_recorded_one(ai: Inference, sandbox: Sandbox, name: str) -> None:
    result = CALLS[name](ai)
    request = sandbox.requests[-1]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == json.loads((BODIES / f"{name}.json").read_text())
    assert result.simulated
    assert result.served_by.backend == "sandbox"
    assert (result.served_by.handle, result.served_by.sdk) == ("gpt-4o-mini", "openai")
    assert result.requested == "preset:terse"
    assert result.usage.input_tokens > 0


def test_the_answers(ai: Inference) -> None:
    assert _object(ai).object == Invoice(vendor="ACME", total=12.5)
    assert [call.name for call in _tool(ai).tool_calls] == ["weather"]
    assert _stream(ai).text == ai.sync.generate_text("Say hello.", model="preset:terse").text


def test_a_failing_model_is_called_once_per_allowed_attempt(ai: Inference, sandbox: Sandbox) -> None:
    with pytest.raises(ServerError) as raised:
        ai.sync.generate_text("hi", model="sandbox/fault-status-500", max_retries=1)
    assert len(sandbox.requests) == 2
    assert [one.status for one in raised.value.attempts] == [500, 500]
    with pytest.raises(InvalidResponseError):
        ai.sync.generate_text("hi", model="sandbox/fault-badjson", max_retries=0)
    assert len(sandbox.requests) == 3


def test_a_chain_over_the_wire(ai: Inference, sandbox: Sandbox) -> None:
    result = ai.sync.generate_text("hi", model="shaky", max_retries=0, cooldown=0)
    assert [one.outcome for one in result.attempts] == ["failed", "failed", "ok"]
    assert len(sandbox.requests) == 3
    with pytest.raises(AllCandidatesFailedError):
        ai.sync.generate_text("hi", model="shaky", max_retries=0, cooldown=0, max_attempts=2)


def test_a_stream_cut_over_the_wire(ai: Inference) -> None:
    with pytest.raises(StreamInterruptedError) as raised:
        for _ in ai.sync.stream_text("one two three four five six", model="sandbox/fault-cut-3"):
            pass
    assert raised.value.partial.text


def test_without_the_mirror_the_key_is_missing(ai: Inference) -> None:
    with pytest.raises(CredentialsError, match="OPENAI_API_KEY"):
        ai.using(profile="live").sync.generate_text("hi", model="small")


def test_a_sandbox_without_an_address_is_started_and_closed(tmp_path: Path) -> None:
    with Inference.load(environ={"HOME": str(tmp_path)}, profile="sandbox") as ai:
        before = threading.active_count()
        assert ai.sync.generate_text("hello", model="smart_llm").simulated
        assert ai.sync.generate_text("hello", model="smart_llm").simulated
        assert threading.active_count() > before
    assert threading.active_count() == before
