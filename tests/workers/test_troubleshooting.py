"""What people run into, in the providers' own words, and the way out that the translated error names.

A row of another SDK needs nothing more than its place in TROUBLE. The entries: seeds 000, 001, 002 and 004.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import orjson
import pytest
from workers.given import LIMITS, candidate, job
from workers.upstream import STALL, Answer, Upstream

from pipelex_like import Inference
from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    CallError,
    CallTimeoutError,
    ContextWindowError,
    CredentialsError,
    NotFoundError,
    OverloadedError,
    PipelexLikeError,
    QuotaError,
    RateLimitError,
)
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from pipelex_like.workers.base import LlmWorker

KEY = "sk-canary-0123456789abcdef"
KEY_URL = "https://acme.example/keys"
NO_KEY = ("`api_key` of [acme]", "${ACME_API_KEY}", KEY_URL)
NO_MODEL = ("`model_id` in backends/acme.toml", "`pipelex-like models`")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    sdk: str
    status: int
    body: object
    kind: type[CallError]
    words: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    model: str = "some-model"
    keys: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sdk}-{self.status}-{self.kind.__name__}"


def openai_error(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def google_error(code: int, message: str, status: str, **detail: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "status": status, "details": [detail] if detail else []}}


AWS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "very-secret", "aws_region": "us-east-1"}
GCP = {"gcp_project_id": "our-project", "gcp_location": "us-central1", "gcp_access_token": "ya29.token"}


def bedrock(status: int, name: str, message: str, kind: type[CallError], *words: str) -> Trouble:
    headers = {"x-amzn-errortype": name}
    body = {"message": message}
    return Trouble(sdk="bedrock", status=status, body=body, kind=kind, words=words, headers=headers, keys=AWS)


def anthropic_error(message: str, kind: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


TROUBLE = [
    # "Provider requires API key", an invalid key
    Trouble(
        sdk="openai",
        status=401,
        body=openai_error(f"Incorrect API key provided: {KEY[:8]}*********cdef.", "invalid_api_key"),
        kind=CredentialsError,
        words=NO_KEY,
    ),
    Trouble(
        sdk="openai",
        status=401,
        body=openai_error(
            "You didn't provide an API key. You need to provide your API key in an Authorization header."
        ),
        kind=CredentialsError,
        words=NO_KEY,
    ),
    Trouble(
        sdk="openai",
        status=400,
        body={"error": {"message": "Provider requires API key", "code": 400}},
        kind=CredentialsError,
        words=NO_KEY,
    ),
    Trouble(
        sdk="openai", status=401, body={"error": "Invalid username or password."}, kind=CredentialsError, words=NO_KEY
    ),
    Trouble(
        sdk="anthropic",
        status=401,
        body=anthropic_error("invalid x-api-key", "authentication_error"),
        kind=CredentialsError,
        words=NO_KEY,
    ),
    Trouble(sdk="mistral", status=401, body={"detail": "Unauthorized"}, kind=CredentialsError, words=NO_KEY),
    # A model that is not there
    Trouble(
        sdk="openai",
        status=404,
        body=openai_error("The model `some-model` does not exist or you do not have access to it.", "model_not_found"),
        kind=NotFoundError,
        words=NO_MODEL,
    ),
    Trouble(
        sdk="openai",
        status=400,
        body=openai_error(
            "The requested model 'some/model' is not supported by any provider you have enabled.", "model_not_supported"
        ),
        kind=NotFoundError,
        words=NO_MODEL,
    ),
    Trouble(
        sdk="huggingface",
        status=400,
        body=openai_error(
            "The requested model 'meta-llama/Llama-2-7b-chat-hf' is not supported by any provider you have enabled.",
            "model_not_supported",
        ),
        model="meta-llama/Llama-2-7b-chat-hf",
        kind=NotFoundError,
        words=("HUGGINGFACE_MODEL_PROVIDERS=meta-llama/Llama-2-7b-chat-hf:<provider>", "huggingface.co/meta-llama"),
    ),
    Trouble(
        sdk="anthropic",
        status=404,
        body=anthropic_error("model: some-model", "not_found_error"),
        kind=NotFoundError,
        words=NO_MODEL,
    ),
    Trouble(
        sdk="mistral",
        status=400,
        body={
            "object": "error",
            "message": "Invalid model: some-model",
            "type": "invalid_model",
            "param": None,
            "code": "1500",
        },
        kind=NotFoundError,
        words=NO_MODEL,
    ),
    # Too many requests: how long to wait
    Trouble(
        sdk="openai",
        status=429,
        headers={"retry-after": "60"},
        body=openai_error("Rate limit reached for some-model.", "rate_limit_exceeded", "requests"),
        kind=RateLimitError,
        words=("wait 60 s",),
    ),
    Trouble(
        sdk="openai",
        status=429,
        body=openai_error("Rate limit reached for some-model.", "rate_limit_exceeded", "requests"),
        kind=RateLimitError,
        words=("Try again later", "higher limit"),
    ),
    Trouble(
        sdk="anthropic",
        status=429,
        headers={"retry-after": "17"},
        body=anthropic_error("This request would exceed your organization's rate limit.", "rate_limit_error"),
        kind=RateLimitError,
        words=("wait 17 s",),
    ),
    Trouble(
        sdk="mistral",
        status=429,
        headers={"retry-after": "2"},
        body={"message": "Requests rate limit exceeded"},
        kind=RateLimitError,
        words=("wait 2 s",),
    ),
    # No credit left
    Trouble(
        sdk="openai",
        status=429,
        body=openai_error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
        kind=QuotaError,
        words=("Add credit",),
    ),
    Trouble(
        sdk="anthropic",
        status=400,
        body=anthropic_error("Your credit balance is too low to access the Anthropic API.", "invalid_request_error"),
        kind=QuotaError,
        words=("Add credit",),
    ),
    # Not in this region, not with this key
    Trouble(
        sdk="openai",
        status=403,
        body=openai_error(
            "Country, region, or territory not supported", "unsupported_country_region_territory", "request_forbidden"
        ),
        kind=AccessDeniedError,
        words=("from this region", "another backend"),
    ),
    Trouble(
        sdk="anthropic",
        status=403,
        body={"error": {"type": "forbidden", "message": "Request not allowed"}},
        kind=AccessDeniedError,
        words=("from this region", "another backend"),
    ),
    # The same of those that say it in words of their own
    Trouble(
        sdk="google",
        status=400,
        body=google_error(
            400,
            "API key not valid. Please pass a valid API key.",
            "INVALID_ARGUMENT",
            reason="API_KEY_INVALID",
            domain="googleapis.com",
        ),
        kind=CredentialsError,
        words=(*NO_KEY[:2], "https://aistudio.google.com/apikey"),
    ),
    Trouble(
        sdk="google",
        status=404,
        body=google_error(404, "models/gemini-1.5-pro is not found for API version v1beta.", "NOT_FOUND"),
        kind=NotFoundError,
        words=("`model_id` in backends/acme.toml", "shut the model down"),
    ),
    Trouble(
        sdk="google",
        status=400,
        body=google_error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
        kind=AccessDeniedError,
        words=("does not serve every country and region", "vertexai", "`gcp_location`"),
    ),
    Trouble(
        sdk="google",
        status=429,
        body=google_error(429, "Resource has been exhausted.", "RESOURCE_EXHAUSTED"),
        headers={"retry-after": "34"},
        kind=RateLimitError,
        words=("wait 34 s",),
    ),
    *(
        Trouble(
            sdk=sdk,
            status=status,
            body=google_error(status, message, name),
            kind=kind,
            words=words,
            keys=GCP,
        )
        for sdk in ("vertex_google", "vertex_anthropic")
        for status, message, name, kind, words in (
            (
                403,
                "Vertex AI API has not been used in project our-project before or it is disabled.",
                "PERMISSION_DENIED",
                AccessDeniedError,
                ("Vertex AI API on", "roles/aiplatform.user"),
            ),
            (404, "Publisher Model `x` was not found.", "NOT_FOUND", NotFoundError, ("`gcp_location`", "`model_id`")),
        )
    ),
    bedrock(
        400,
        "ValidationException",
        "Invocation of model ID anthropic.claude-sonnet-4-20250514-v1:0 with on-demand throughput isn\u2019t supported."
        " Retry your request with the ID or ARN of an inference profile that contains this model.",
        BadRequestError,
        "by an inference profile",
        "acme/us.some-model",
        "arn:aws:bedrock:",
        "Cross-region inference",
    ),
    bedrock(
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        CredentialsError,
        "`aws_access_key_id`",
        "`aws_secret_access_key`",
    ),
    bedrock(
        403,
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
        AccessDeniedError,
        "us-east-1",
        "#/modelaccess",
        "AWS_REGION",
    ),
    bedrock(400, "ValidationException", "The provided model identifier is invalid.", NotFoundError, "us-east-1 has it"),
    bedrock(429, "ThrottlingException", "Too many requests.", RateLimitError, "several regions", "higher quota"),
    Trouble(
        sdk="azure_openai",
        status=404,
        body={"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}},
        kind=NotFoundError,
        words=("a deployment of this resource", "azure/<deployment>", "`endpoint`", "`api_version`"),
    ),
    Trouble(
        sdk="azure_openai",
        status=401,
        body={"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong endpoint."}},
        kind=CredentialsError,
        words=(*NO_KEY[:2], "must belong to `endpoint`"),
    ),
    Trouble(
        sdk="cohere",
        status=401,
        body={"id": "x", "message": "invalid api token"},
        kind=CredentialsError,
        words=NO_KEY,
    ),
    Trouble(
        sdk="cohere",
        status=404,
        body={"id": "x", "message": "model 'command-light' was removed on September 15, 2025."},
        kind=NotFoundError,
        words=("https://docs.cohere.com/docs/models",),
    ),
    Trouble(
        sdk="huggingface",
        status=404,
        body={"error": "Model not found"},
        model="meta-llama/llama-2-7b-chat-hf",
        kind=NotFoundError,
        words=("https://huggingface.co/meta-llama/llama-2-7b-chat-hf", "case-sensitive"),
    ),
    Trouble(
        sdk="huggingface",
        status=403,
        body={"error": "Access to model stabilityai/x is restricted and you are not in the authorized list."},
        model="stabilityai/x",
        kind=AccessDeniedError,
        words=("Accept the terms", "https://huggingface.co/stabilityai/x"),
    ),
    Trouble(
        sdk="huggingface",
        status=429,
        body={"error": "Too Many Requests"},
        headers={"retry-after": "60"},
        kind=RateLimitError,
        words=("wait 60 s",),
    ),
    # A prompt that is too long, a provider that is full
    Trouble(
        sdk="openai",
        status=400,
        body=openai_error("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        kind=ContextWindowError,
        words=("larger context window",),
    ),
    Trouble(
        sdk="anthropic",
        status=529,
        body=anthropic_error("Overloaded", "overloaded_error"),
        kind=OverloadedError,
        words=("Try again later",),
    ),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=str)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_error_names_the_way_out(upstream: Upstream, trouble: Trouble, streamed: bool) -> None:
    upstream.answers = [
        Answer(
            status=trouble.status,
            headers={"content-type": "application/json", **trouble.headers},
            body=[orjson.dumps(trouble.body)],
        )
    ]
    reach = Access(
        backend="acme",
        sdk=trouble.sdk,
        keys=FrozenDict({"endpoint": upstream.url, "api_key": KEY, **trouble.keys}),
        secrets=frozenset({KEY}),
        shown=FrozenDict(api_key="${ACME_API_KEY}"),
        key_url=KEY_URL,
    )
    worker = cast("LlmWorker", Registry().find("llm", trouble.sdk, backend="acme")(reach))
    with pytest.raises(CallError) as raised:
        if streamed:
            async for _ in worker.stream(job(), candidate(trouble.model, sdk=trouble.sdk), LIMITS):
                pass
        else:
            await worker.generate(job(), candidate(trouble.model, sdk=trouble.sdk), LIMITS)
    await worker.aclose()
    assert type(raised.value) is trouble.kind
    assert raised.value.status == trouble.status
    assert not [word for word in trouble.words if word not in str(raised.value)], str(raised.value)
    assert not [
        secret for secret in (KEY, *trouble.keys.values()) if "secret" in secret and secret in str(raised.value)
    ]
    assert KEY not in str(raised.value)
    assert len(upstream.seen) == 1


async def test_a_configuration_says_where_its_key_comes_from(upstream: Upstream, tmp_path: Path) -> None:
    directory = tmp_path / ".pipelex" / "inference"
    table = f'endpoint = "{upstream.url}"\napi_key = "${{ACME_API_KEY}}"\nkey_url = "{KEY_URL}"\n'
    for name, text in {
        "backends.toml": f"[acme]\nenabled = true\n{table}",
        "backends/acme.toml": '["some-model"]\nsdk = "openai"\noutputs = ["text"]\n',
        "deck/base_deck.toml": "",
    }.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    body = orjson.dumps(openai_error("Incorrect API key provided.", "invalid_api_key"))
    upstream.answers = [Answer(status=401, headers={"content-type": "application/json"}, body=[body])]
    async with Inference.load(directory, environ={"HOME": str(tmp_path), "ACME_API_KEY": KEY}) as ai:
        with pytest.raises(CredentialsError) as refused:
            await ai.generate_text("Hello", model="some-model")
    async with Inference.load(directory, environ={"HOME": str(tmp_path)}, lenient=True) as ai:
        with pytest.raises(CredentialsError) as unset:
            await ai.generate_text("Hello", model="some-model")
    assert not [word for word in NO_KEY if word not in str(refused.value)]
    assert not [word for word in ("ACME_API_KEY is not set", KEY_URL) if word not in str(unset.value)]


async def test_an_answer_that_takes_too_long(upstream: Upstream) -> None:
    upstream.answers = [Answer(headers={"content-type": "application/json"}, body=[b"{", STALL])]
    reach = Access(backend="acme", sdk="openai", keys=FrozenDict(endpoint=upstream.url, api_key=KEY))
    worker = cast("LlmWorker", Registry().find("llm", "openai", backend="acme")(reach))
    with pytest.raises(CallTimeoutError, match="Raise `timeout` if it needs longer, or choose a quicker model"):
        await worker.generate(job(), candidate(), replace(LIMITS, timeout=0.05))
    await worker.aclose()


@pytest.mark.parametrize(
    ("model", "variables"),
    [
        ("huggingface/meta-llama/Llama-2-7b-chat-hf", ("HUG_API_KEY", "HUGGINGFACE_API_KEY", "HF_TOKEN")),
        ("together/any-model", ("TOGETHER_API_KEY",)),
        ("openai/gpt-4o", ("OPENAI_API_KEY",)),
        ("bedrock/nova-pro", ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")),
        ("vertex_ai/gemini-1.5-pro", ("GCP_PROJECT_ID", "VERTEXAI_PROJECT")),
        ("nebius/deepseek-coder-33b-instruct", ("NEBIUS_API_KEY", "NEBIUS_API_BASE")),
        ("azure/your-gpt-4o-deployment", ("AZURE_API_KEY", "AZURE_API_BASE")),
    ],
)
async def test_a_provider_that_requires_a_key_says_which_variable(
    tmp_path: Path, model: str, variables: tuple[str, ...]
) -> None:
    (tmp_path / "backends.toml").write_text('extends = "pipelex_like"\n')
    async with Inference.load(tmp_path, environ={"HOME": str(tmp_path)}) as ai:
        with pytest.raises(PipelexLikeError) as unset:
            await ai.generate_text("Hello", model=model)
    assert not [name for name in variables if name not in str(unset.value)], str(unset.value)
