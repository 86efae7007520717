"""The rows of the contract: every backend of the kit that a call can reach, as a user would switch it on."""

from __future__ import annotations

import re
import tomllib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like import Inference, Runtime
from pipelex_like.data import KIT
from pipelex_like.types import FrozenDict
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from pipelex_like.sandbox import Sandbox
    from pipelex_like.types import Kind
    from pipelex_like.workers.base import Access, Worker

KEY = "{key}"
BACKENDS = tomllib.loads((KIT / "backends.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One backend: the variables that switch it on (`{key}` = the sandbox's key), the model that is asked, and what of
    the contract that model cannot do. `also` marks a further row of its backend, `more` are lines for the backend's
    table. `endpoint` stands where the sandbox's address is needed in another form than the kit's own path behind the
    sandbox's host."""

    backend: str
    variables: Mapping[str, str]
    model: str
    endpoint: str | None = None
    more: str = ""
    lacks: frozenset[str] = field(default_factory=frozenset)
    also: bool = False

    @property
    def name(self) -> str:
        """The row's own name: a backend that reaches models by several SDKs has several rows."""
        return f"{self.backend}-{self.model}" if self.also else self.backend

    @property
    def free(self) -> bool:
        """Whether its models are free unless a user says otherwise, so that no count is needed for a cost."""
        return BACKENDS[self.backend].get("default_costs") is not None

    @property
    def reference(self) -> str:
        return f"{self.backend}/{self.model}"

    def environ(self, key: str) -> dict[str, str]:
        return {name: value.replace(KEY, key) for name, value in self.variables.items()}

    def address(self, host: str) -> str:
        """The kit's own endpoint on another host."""
        if self.endpoint is not None:
            return self.endpoint.replace("{host}", host)
        return host + urlsplit(self._filled()).path

    def _filled(self) -> str:
        def value(slot: re.Match[str]) -> str:
            names, _, default = slot[1].partition(":-")
            found = (self.variables.get(name) for name in names.split("|"))
            return next((one for one in found if one), default)

        return re.sub(r"\$\{([^}]*)\}", value, str(BACKENDS[self.backend].get("endpoint", "")))


def llm(backend: str, model: str, *variables: str, lacks: str = "", **more: object) -> Row:
    given = {name: value for name, _, value in (variable.partition("=") for variable in variables)}
    return Row(
        backend=backend,
        model=model,
        variables={name: value or KEY for name, value in given.items()},
        lacks=frozenset(lacks.split()),
        **more,  # pyright: ignore
    )


ROWS = (
    llm("openai", "gpt-4o-mini", "OPENAI_API_KEY"),
    llm("openai", "gpt-6-sol", "OPENAI_API_KEY", also=True),
    llm("anthropic", "claude-4.5-haiku", "ANTHROPIC_API_KEY"),
    llm("mistral", "mistral-medium", "MISTRAL_API_KEY"),
    llm("google", "gemini-2.5-flash", "GEMINI_API_KEY"),
    llm(
        "vertexai",
        "gemini-2.5-flash",
        "VERTEXAI_PROJECT=p",
        "VERTEXAI_LOCATION=us-central1",
        more='gcp_access_token = "{key}"',
        endpoint="{host}",
        also=True,
    ),
    llm(
        "vertexai",
        "claude-4.5-sonnet",
        "GCP_PROJECT_ID=p",
        "GCP_LOCATION=global",
        more='gcp_access_token = "{key}"',
        endpoint="{host}",
        also=True,
    ),
    llm(
        "vertexai",
        "mistral-medium-3",
        "VERTEXAI_PROJECT=p",
        "VERTEXAI_LOCATION=europe-west4",
        more='gcp_access_token = "{key}"',
        endpoint="{host}",
        also=True,
    ),
    llm(
        "bedrock",
        "claude-4.5-sonnet",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY=secret",
        "AWS_REGION_NAME=eu-central-1",
        endpoint="{host}",
    ),
    llm("azure_openai", "gpt-4o", "AZURE_API_KEY", "AZURE_API_BASE=https://r.openai.azure.com/"),
    llm("azure_openai", "gpt-6-sol", "AZURE_API_KEY", "AZURE_API_BASE=https://r.openai.azure.com/", also=True),
    llm(
        "azure_ai",
        "mistral-large",
        "AZURE_API_KEY",
        "AZURE_API_BASE=https://r.services.ai.azure.com/models",
        lacks="images",
    ),
    llm("cohere", "command-r-plus", "COHERE_API_KEY", lacks="images"),
    llm("huggingface", "gpt-oss-120b", "HUG_API_KEY", lacks="images"),
    llm("perplexity", "sonar", "PERPLEXITYAI_API_KEY", lacks="images"),
    llm("deepseek", "deepseek-v4-pro", "DEEPSEEK_API_KEY", lacks="images"),
    llm("xai", "grok-4.7", "XAI_API_KEY"),
    llm("openrouter", "claude-4.5-sonnet", "OPENROUTER_API_KEY"),
    llm("groq", "gpt-oss-120b", "GROQ_API_KEY", lacks="images"),
    llm("cerebras", "gpt-oss-120b", "CEREBRAS_API_KEY", lacks="images"),
    llm("together", "gpt-oss-120b", "TOGETHERAI_API_KEY", lacks="images"),
    llm("nebius", "gpt-oss-120b", "NEBIUS_API_KEY", "NEBIUS_API_BASE=https://api.studio.nebius.ai/v1", lacks="images"),
    llm("cloudflare", "gpt-oss-120b", "WORKERS_AI_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID=acc", lacks="images"),
    llm(
        "cloudflare_gateway",
        "gpt-4o-mini",
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_ACCOUNT_ID=acc",
        "CLOUDFLARE_GATEWAY_ID=gw",
        more='api_key = "{key}"',
    ),
    llm("pipelex_inference", "gpt-5-mini", "PIPELEX_INFERENCE_API_KEY"),
    llm("litellm_proxy", "gpt-4", "LITELLM_PROXY_KEY", "LITELLM_PROXY_URL=http://localhost:4000"),
    llm("openai_compatible", "any-model", "OPENAI_API_KEY", "OPENAI_BASE_URL=https://your-custom-endpoint.com/v1"),
    llm("custom", "local-r1", "AI_API_KEY", "AI_BASE_URL=http://localhost:8080/v1", "AI_MODELS=local-r1:org/r1"),
    llm("ollama", "llama3.1", more='api_key = "{key}"'),
    llm("vllm", "any-model", "VLLM_API_BASE=http://localhost:8000/v1", more='api_key = "{key}"'),
    llm("tgi", "any-model", "TGI_API_BASE=http://localhost:8080", more='api_key = "{key}"'),
)

PAINTERS = (
    llm("openai", "gpt-image-1-mini", "OPENAI_API_KEY"),
    llm("azure_openai", "gpt-image-1-mini", "AZURE_API_KEY", "AZURE_API_BASE=https://r.openai.azure.com/"),
    llm("google", "gemini-3.1-flash-image", "GOOGLE_API_KEY"),
    llm("fal", "flux-dev", "FAL_KEY", endpoint="{host}"),
    llm("huggingface", "stabilityai/stable-diffusion-xl-base-1.0", "HF_TOKEN"),
    llm("together", "flux.1-schnell", "TOGETHER_API_KEY"),
)
"""Those that draw."""


def configured(
    folder: Path, row: Row, endpoint: str, *, key: str = "dummy", fault: str | None = None, more: str = ""
) -> Path:
    lines = ['extends = "pipelex_like"', f"[{row.backend}]", "max_retries = 0", f'endpoint = "{endpoint}"']
    if fault is not None:
        lines.append(f'headers = {{ "x-sandbox-fault" = "{fault}" }}')
    directory = folder / ".pipelex" / "inference"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "backends.toml").write_text("\n".join([*lines, row.more.replace(KEY, key), more, ""]))
    return directory


class Faulty:
    """The workers that there are, each with the fault of the moment in its headers."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self._registry = Registry()

    def find(self, kind: Kind, sdk: str, *, backend: str = "") -> Callable[[Access], Worker]:
        opener = self._registry.find(kind, sdk, backend=backend)
        if self.fault is None:
            return opener
        fault = {"x-sandbox-fault": self.fault}
        return lambda access: opener(replace(access, headers=FrozenDict({**access.headers, **fault})))


@cache
def _loaded(row: Row, url: str, key: str) -> tuple[Inference, Faulty]:
    transport = Faulty()
    with TemporaryDirectory() as folder:
        directory = configured(Path(folder), row, row.address(url), key=key)
        return Inference.load(directory, environ=row.environ(key), runtime=Runtime(transport=transport)), transport


@asynccontextmanager
async def opened(
    folder: Path, row: Row, sandbox: Sandbox, *, fault: str | None = None, more: str = ""
) -> AsyncGenerator[Inference]:
    """Give a directory that extends the kit and sends this row's requests to the sandbox.

    Without `more`, it is read once for all tests: their loops each open workers of their own.
    """
    if more:
        directory = configured(folder, row, row.address(sandbox.url), key=sandbox.api_key, fault=fault, more=more)
        async with Inference.load(directory, environ=row.environ(sandbox.api_key)) as ai:
            yield ai
        return
    ai, transport = _loaded(row, sandbox.url, sandbox.api_key)
    transport.fault = fault
    yield ai
