"""What importing and loading may bring into a process, and that loading touches no network."""

from __future__ import annotations

import json
import subprocess
import sys

SDKS = ("openai", "anthropic", "mistralai", "fal_client", "boto3", "botocore", "google.genai", "xllamacpp")
HTTP = ("httpx", "httpx2", "aiohttp", "requests", "urllib3", "http.client")
CLI = ("typer", "click", "rich")


def loaded_after(code: str) -> set[str]:
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_importing_the_package_brings_next_to_nothing() -> None:
    modules = loaded_after("import pipelex_like")
    assert not modules & {*SDKS, *HTTP, *CLI, "pydantic", "pydantic_core", "tomlkit", "asyncio", "dotenv", "wcmatch"}


def test_loading_brings_no_sdk_no_http_client_no_cli() -> None:
    modules = loaded_after(
        "from pipelex_like import Inference\n"
        "ai = Inference.load(environ={'OPENAI_API_KEY': 'dummy'})\n"
        "ai.router.resolve('gpt-4o-mini')"
    )
    assert not modules & {*SDKS, *HTTP, *CLI, "tomlkit", "pypdfium2"}
    assert "pipelex_like.engine" in modules or any(name.startswith("pipelex_like.engine.") for name in modules)


def test_loading_makes_no_network_call() -> None:
    blocked = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket = refuse\nsocket.create_connection = refuse\nsocket.getaddrinfo = refuse\n"
        "from pipelex_like import Inference\n"
        "ai = Inference.load(environ={'OPENAI_API_KEY': 'dummy'})\n"
        "assert ai.router.resolve('preset:llm_to_extract_invoice').candidates\n"
        "ai.close()"
    )
    assert loaded_after(blocked)


def test_public_names_are_sorted_and_all_there() -> None:
    import pipelex_like

    assert list(pipelex_like.__all__) == sorted(pipelex_like.__all__)
    for name in pipelex_like.__all__:
        assert getattr(pipelex_like, name) is not None
    assert {"Inference", "PipelexLikeError", "ConfigError", "CallError", "Message", "Tool"} <= set(pipelex_like.__all__)
